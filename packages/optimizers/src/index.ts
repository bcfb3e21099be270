export { GradientSum } from "./accumulate.js";
export * from "./adagrad.js";
export * from "./adam.js";
export * from "./average.js";
export { type ClipOptions, clipByGlobalNorm, clipByValue, type Grads, globalNorm } from "./clip.js";
export {
  type DefaultedOptions,
  type LearningRate,
  type Method,
  Optimizer,
  type OptimizerOptions,
  type OptimizerState,
  type ParameterGroup,
  RULE_OPTIONS,
  type RuleOptions,
  type StepOptions,
  withDefaults,
} from "./optimizer.js";
export * from "./plateau.js";
export {
  type CosineRestartsOptions,
  constantRate,
  cosineDecay,
  cosineRestarts,
  type DecayToOptions,
  type ExponentialDecayOptions,
  exponentialDecay,
  type InverseSqrtOptions,
  inSequence,
  inverseSqrt,
  linearDecay,
  type MultiStepDecayOptions,
  multiStepDecay,
  type OneCycleOptions,
  oneCycle,
  perEpoch,
  type Schedule,
  type StepDecayOptions,
  stepDecay,
  type WarmupExponentialOptions,
  type WarmupLinearOptions,
  warmup,
  warmupExponential,
  warmupLinear,
} from "./schedules.js";
export * from "./sgd.js";
export { type Decay, type Next, ruleFamily, type UpdateForm, type UpdateRule, updateRule } from "./update.js";
