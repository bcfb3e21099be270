/**
 * The ops of one tensor as its methods: `x.relu().sum()` for `sum(relu(x))`. Importing this file changes `Tensor` for the
 * whole program, and brings all these ops into a bundle; libraries import the functions instead.
 *
 * @example
 * import "@neurite/core/fluent";
 * tensor([1, -2]).relu().sum();
 */

import type { DType } from "./dtype.js";
import * as activations from "./ops/activations.js";
import * as averagePooling from "./ops/average-pool.js";
import { split } from "./ops/concat.js";
import { type ConvTransposeOptions, convTranspose1d, convTranspose2d, convTranspose3d } from "./ops/conv-transpose.js";
import { type ConvolutionOptions, conv1d, conv2d, conv3d } from "./ops/convolution.js";
import { cast, copy } from "./ops/copy.js";
import * as elementwise from "./ops/elementwise.js";
import { gather, pick } from "./ops/gather.js";
import { groupNorm } from "./ops/group-norm.js";
import { type LayerNormOptions, layerNorm, type RMSNormOptions, rmsNorm } from "./ops/layer-norm.js";
import { type LinearActivation, linear } from "./ops/linear.js";
import * as maxPooling from "./ops/max-pool.js";
import { type PadWidth, pad } from "./ops/pad.js";
import { dropout } from "./ops/random.js";
import {
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
import { logSoftmax, softmax } from "./ops/softmax.js";
import type { NormalizationOptions } from "./ops/standardize.js";
import { type WindowOptions, windows } from "./ops/views.js";
import type { Generator } from "./random.js";
import type { Shape } from "./shape.js";
import { Tensor } from "./tensor.js";

declare module "./tensor.js" {
  interface Tensor<S extends Shape = Shape> {
    // elementwise
    mod(other: Tensor | number): Tensor;
    pow(other: Tensor | number): Tensor;
    maximum(other: Tensor | number): Tensor;
    minimum(other: Tensor | number): Tensor;
    neg(): Tensor;
    abs(): Tensor;
    sign(): Tensor;
    square(): Tensor;
    reciprocal(): Tensor;
    sqrt(): Tensor;
    rsqrt(): Tensor;
    exp(): Tensor;
    expm1(): Tensor;
    log(): Tensor;
    log1p(): Tensor;
    erf(): Tensor;
    sin(): Tensor;
    cos(): Tensor;
    tan(): Tensor;
    floor(): Tensor;
    ceil(): Tensor;
    round(): Tensor;
    tanh(): Tensor;
    sigmoid(): Tensor;
    relu(): Tensor;
    leakyRelu(slope: Tensor | number): Tensor;
    elu(alpha: Tensor | number): Tensor;
    selu(): Tensor;
    gelu(): Tensor;
    geluTanh(): Tensor;
    silu(): Tensor;
    softplus(): Tensor;
    mish(): Tensor;
    softsign(): Tensor;
    logSigmoid(): Tensor;
    hardSigmoid(): Tensor;
    hardSwish(): Tensor;
    equal(other: Tensor | number): Tensor;
    notEqual(other: Tensor | number): Tensor;
    less(other: Tensor | number): Tensor;
    lessEqual(other: Tensor | number): Tensor;
    greater(other: Tensor | number): Tensor;
    greaterEqual(other: Tensor | number): Tensor;
    logicalAnd(other: Tensor | number): Tensor;
    logicalOr(other: Tensor | number): Tensor;
    logicalNot(): Tensor;
    isNaN(): Tensor;
    isFinite(): Tensor;
    /** `a` where this tensor, the condition, holds, else `b`. */
    where(a: Tensor | number, b: Tensor | number): Tensor;
    clamp(low: Tensor | number, high: Tensor | number): Tensor;
    // reductions
    sum(options?: ReduceOptions): Tensor;
    prod(options?: ReduceOptions): Tensor;
    max(options?: ReduceOptions): Tensor;
    min(options?: ReduceOptions): Tensor;
    mean(options?: ReduceOptions): Tensor;
    any(options?: ReduceOptions): Tensor;
    all(options?: ReduceOptions): Tensor;
    sumTo(shape: Shape): Tensor;
    argMax(axis?: number, options?: ArgReduceOptions): Tensor;
    argMin(axis?: number, options?: ArgReduceOptions): Tensor;
    softmax(axis?: number): Tensor;
    logSoftmax(axis?: number): Tensor;
    // shape, dtype and choice
    copy(): Tensor;
    cast(dtype: DType): Tensor;
    windows(axis: number, options: WindowOptions): Tensor;
    pad(widths: readonly PadWidth[], value?: number): Tensor;
    split(parts: number | readonly number[], axis?: number): Tensor[];
    gather(indices: Tensor, axis?: number): Tensor;
    pick(indices: Tensor): Tensor;
    linear(weight: Tensor, bias?: Tensor, options?: LinearActivation): Tensor;
    dropout(p: number, generator?: Generator): Tensor;
    // convolution, pooling and normalisation
    conv1d(filters: Tensor, options?: ConvolutionOptions): Tensor;
    conv2d(filters: Tensor, options?: ConvolutionOptions): Tensor;
    conv3d(filters: Tensor, options?: ConvolutionOptions): Tensor;
    convTranspose1d(filters: Tensor, options?: ConvTransposeOptions): Tensor;
    convTranspose2d(filters: Tensor, options?: ConvTransposeOptions): Tensor;
    convTranspose3d(filters: Tensor, options?: ConvTransposeOptions): Tensor;
    maxPool1d(size: number | readonly number[], options?: maxPooling.MaxPoolOptions): Tensor;
    maxPool2d(size: number | readonly number[], options?: maxPooling.MaxPoolOptions): Tensor;
    maxPool3d(size: number | readonly number[], options?: maxPooling.MaxPoolOptions): Tensor;
    avgPool1d(size: number | readonly number[], options?: averagePooling.AvgPoolOptions): Tensor;
    avgPool2d(size: number | readonly number[], options?: averagePooling.AvgPoolOptions): Tensor;
    avgPool3d(size: number | readonly number[], options?: averagePooling.AvgPoolOptions): Tensor;
    adaptiveAvgPool1d(outputSize: number | readonly number[]): Tensor;
    adaptiveAvgPool2d(outputSize: number | readonly number[]): Tensor;
    adaptiveAvgPool3d(outputSize: number | readonly number[]): Tensor;
    globalAvgPool(): Tensor;
    globalMaxPool(): Tensor;
    layerNorm(options?: LayerNormOptions): Tensor;
    rmsNorm(options?: RMSNormOptions): Tensor;
    groupNorm(groups: number, options?: NormalizationOptions): Tensor;
  }
}

const methods = {
  ...elementwise,
  ...activations,
  sum,
  prod,
  max,
  min,
  mean,
  any,
  all,
  sumTo,
  argMax,
  argMin,
  softmax,
  logSoftmax,
  copy,
  cast,
  windows,
  pad,
  split,
  gather,
  pick,
  linear,
  dropout,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  ...maxPooling,
  ...averagePooling,
  layerNorm,
  rmsNorm,
  groupNorm,
};

for (const [name, op] of Object.entries(methods)) {
  // methods of the class itself, such as add, stay as they are
  if (name in Tensor.prototype) continue;
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...operands: unknown[]) {
      return (op as (...all: unknown[]) => unknown)(this, ...operands);
    },
    writable: true,
    configurable: true,
  });
}
