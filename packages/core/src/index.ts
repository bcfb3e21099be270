export * from "./assign-results.js";
export * from "./backend.js";
export * from "./check.js";
export * from "./coalesce.js";
export { Device, defaultDevice, expectDevice, type MemoryInfo, Storage, setDefaultDevice } from "./device.js";
export { differentiate } from "./differentiate.js";
export { dispatch } from "./dispatch.js";
export { freeWhenDropped } from "./dropped.js";
export * from "./dtype.js";
export { type BinaryOp, elementwise, type Row, type TernaryOp, type UnaryOp } from "./elementwise.js";
export * from "./errors.js";
export * from "./expression.js";
export { type NestedArray, type TensorOptions, tensor } from "./host-data.js";
export { type Interceptor, type Next, withInterceptor } from "./interceptor.js";
export {
  defineOp,
  type Gradient,
  type Meta,
  type OpDefinition,
  type OpRecord,
  OuterProduct,
  registerKernel,
  type Saves,
  type VjpContext,
} from "./op.js";
export * from "./ops/activations.js";
export * from "./ops/attention.js";
export {
  type AvgPoolOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  globalAvgPool,
  globalMaxPool,
} from "./ops/average-pool.js";
export { type BatchNormResult, batchNorm, batchNormInference } from "./ops/batch-norm.js";
export * from "./ops/concat.js";
export { type ConvTransposeOptions, convTranspose1d, convTranspose2d, convTranspose3d } from "./ops/conv-transpose.js";
export {
  type ConvolutionOptions,
  conv1d,
  conv2d,
  conv3d,
  type FilterGradAttrs,
  type InputGradAttrs,
} from "./ops/convolution.js";
export type { ConvolutionAttrs } from "./ops/convolution-compose.js";
export { cast, copy } from "./ops/copy.js";
export { arange, type CreateOptions, full, ones, onesLike, zeros, zerosLike } from "./ops/create.js";
export * from "./ops/cross-entropy.js";
export * from "./ops/elementwise.js";
export { gather, pick, scatterAdd } from "./ops/gather.js";
export { groupNorm } from "./ops/group-norm.js";
export { type GruOptions, gru } from "./ops/gru.js";
export { gruCell } from "./ops/gru-cell.js";
export { type LayerNormOptions, layerNorm, type RMSNormOptions, rmsNorm } from "./ops/layer-norm.js";
export * from "./ops/linear.js";
export { lstm } from "./ops/lstm.js";
export { lstmCell } from "./ops/lstm-cell.js";
export { matmul } from "./ops/matmul.js";
export { type MaxPoolOptions, maxPool1d, maxPool2d, maxPool3d } from "./ops/max-pool.js";
export { type PadWidth, pad } from "./ops/pad.js";
export type { PoolAttrs, PoolGradAttrs } from "./ops/pooling.js";
export * from "./ops/random.js";
export type { SequenceAttrs, SequenceGradAttrs, SequenceOptions } from "./ops/recurrence.js";
export {
  type ArgReduceOptions,
  all,
  any,
  argMax,
  argMin,
  max,
  mean,
  min,
  prod,
  type ReduceOptions,
  sum,
  sumTo,
} from "./ops/reduce.js";
export type { Padding, Sliding, SlidingOptions } from "./ops/sliding.js";
export { logSoftmax, softmax } from "./ops/softmax.js";
export type { NormalizationOptions } from "./ops/standardize.js";
export * from "./ops/views.js";
export * from "./parameter.js";
export {
  defaultGenerator,
  expectGenerator,
  Generator,
  type GeneratorState,
  manualSeed,
  restoreGenerator,
  threefry,
} from "./random.js";
export { composite, expectSynchronous, forEachTensor, Scope, scope } from "./scope.js";
export * from "./shape.js";
export { state, VERSION } from "./state.js";
export {
  allocateTensor,
  expectTensor,
  expectTensors,
  fromHost,
  isTensor,
  madeOnHost,
  Tensor,
  viewOf,
} from "./tensor.js";
export { type HasParameters, namedTensors, openModule, type TensorTree } from "./tree.js";
export { breathe } from "./turn.js";
