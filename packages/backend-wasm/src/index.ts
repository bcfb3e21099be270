export { hasTurbo, WasmBackend, type WasmOptions, wasm } from "./backend.js";
export { type CompiledKernel, Engine } from "./engine.js";
export { hasRelaxedSimd, hasSimd } from "./features.js";
export type { Features } from "./vector-math.js";
