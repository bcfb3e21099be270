export { CpuJsBackend, cpuJs } from "./backend.js";
