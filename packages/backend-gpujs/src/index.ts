export { GpujsBackend } from "./backend.js";
export { type GpujsOptions, gpujs, type Mode } from "./gpujs.js";
