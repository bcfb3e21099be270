export * from "./adam.js";
export { type ClipOptions, clipByGlobalNorm, clipByValue, type Grads, globalNorm } from "./clip.js";
export {
  type LearningRate,
  Optimizer,
  type OptimizerOptions,
  type OptimizerState,
  type Slots,
  type StepOptions,
} from "./optimizer.js";
export * from "./schedules.js";
export * from "./sgd.js";
export { type UpdateRule, updateRule } from "./update.js";
