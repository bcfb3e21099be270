export { type Checkpoint, readCheckpoint, writeCheckpoint } from "./checkpoint.js";
export { decodeSafetensors, encodeSafetensors, type HostTensor, type TensorFile } from "./safetensors.js";
export { MemoryStore, type Store } from "./store.js";
export { type LoadWeightsOptions, loadWeights, saveWeights, toHost, withTensors } from "./tensors.js";
