export * from "./backend.js";
export * from "./check.js";
export * from "./coalesce.js";
export { Device, defaultDevice, type MemoryInfo, Storage, setDefaultDevice } from "./device.js";
export { differentiate } from "./differentiate.js";
export { dispatch } from "./dispatch.js";
export * from "./dtype.js";
export { type BinaryOp, elementwise, type Row, type TernaryOp, type UnaryOp } from "./elementwise.js";
export * from "./errors.js";
export * from "./expression.js";
export { type Interceptor, type Next, withInterceptor } from "./interceptor.js";
export {
  defineOp,
  type Meta,
  type OpDefinition,
  type OpRecord,
  registerKernel,
  type Saves,
  type VjpContext,
} from "./op.js";
export * from "./ops/attention.js";
export * from "./ops/concat.js";
export { cast, copy } from "./ops/copy.js";
export { arange, type CreateOptions, full, ones, onesLike, zeros, zerosLike } from "./ops/create.js";
export * from "./ops/cross-entropy.js";
export * from "./ops/elementwise.js";
export { gather, pick, scatterAdd } from "./ops/gather.js";
export * from "./ops/linear.js";
export * from "./ops/lstm-cell.js";
export { matmul } from "./ops/matmul.js";
export { type PadWidth, pad } from "./ops/pad.js";
export * from "./ops/random.js";
export { all, any, argMax, argMin, max, mean, min, prod, type ReduceOptions, sum, sumTo } from "./ops/reduce.js";
export * from "./ops/softmax.js";
export * from "./ops/views.js";
export * from "./parameter.js";
export {
  defaultGenerator,
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
  bytesOf,
  fromHost,
  isTensor,
  type NestedArray,
  Tensor,
  type TensorOptions,
  tensor,
  viewOf,
} from "./tensor.js";
