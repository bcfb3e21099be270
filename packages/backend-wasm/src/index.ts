export { WasmBackend, type WasmOptions, wasm } from "./backend.js";
export { Engine, type CompiledKernel, HOST_FUNCTIONS } from "./engine.js";
export { hasRelaxedSimd, hasSimd } from "./features.js";
export type { Features } from "./vector-math.js";
