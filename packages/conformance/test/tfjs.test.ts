/**
 * Ops against those of tfjs on the same numbers in float32: values, and gradients by all inputs. Convolution, pooling and
 * normalisation are compared in core's tests; a list says which ops tfjs does not have.
 */
import { cpuJs } from "@neurite/backend-cpu-js";
import { CASES } from "@neurite/conformance";
import * as core from "@neurite/core";
import { setDefaultDevice, type Tensor, tensor } from "@neurite/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { bothLibraries, expectSame, type Input, random } from "../../core/test/tfjs.js";

setDefaultDevice(cpuJs());
bothLibraries();

type Ours = (...xs: Tensor[]) => Tensor;
type Theirs = (...xs: tf.Tensor[]) => tf.Tensor;
type Options = NonNullable<Parameters<typeof expectSame>[3]>;
type Row = readonly [ours: Ours, theirs: Theirs, inputs: readonly Input[], options?: Options];

/** Normal numbers of one shape, kept away from 0, where kinks are. */
const around = (shape: readonly number[], seed = 1): Input => ({
  shape,
  data: random(shape, seed).map((x) => x + 0.05 * Math.sign(x)) as Float32Array,
});
/** Numbers from 0.1 on. */
const positive = (shape: readonly number[], seed = 1): Input => ({
  shape,
  data: random(shape, seed).map((x) => Math.abs(x) + 0.1) as Float32Array,
});
const within = (shape: readonly number[]): Input => ({
  shape,
  data: random(shape).map((x) => Math.tanh(x)) as Float32Array,
});
/** Each size once: odd, of length 1, empty. */
const shapes = [
  [3, 5],
  [1, 4, 1],
  [0, 3],
] as const;
const unary = (ours: Ours, theirs: Theirs, make = around, options: Options = {}): Row[] =>
  shapes.map((shape): Row => [ours, theirs, [make(shape)], options]);
/** Of equal shapes, of a column and a row, of none, where tfjs has no gradients. */
const binary = (ours: Ours, theirs: Theirs, second = around, options: Options = {}): Row[] => [
  [ours, theirs, [around([3, 5]), second([3, 5], 2)], options],
  [ours, theirs, [around([3, 1]), second([5], 2)], options],
  [ours, theirs, [around([1]), second([2, 0], 2)], { ...options, gradients: false }],
];
/** The same for ops whose gradients tfjs does not sum over broadcast axes. */
const unsummed = (ours: Ours, theirs: Theirs): Row[] =>
  binary(ours, theirs).map(([f, g, inputs], i): Row => [f, g, inputs, { gradients: i === 0 }]);
/** Results that are bool here are bool in tfjs, too, and have no gradient. */
const logical = (ours: Ours, theirs: Theirs): Row[] => binary(ours, theirs, around, { gradients: false });
const flat = { gradients: false };
const ints = (data: number[], shape = [data.length]) => tensor(Int32Array.from(data), { shape });
const tfInts = (data: number[], shape = [data.length]) => tf.tensor(data, shape, "int32");
const matrix: readonly Input[] = [{ shape: [3, 5] }];
const cube: readonly Input[] = [{ shape: [2, 3, 4] }];
const truth = (x: Tensor) => core.greater(x, 0);
const tfTruth = (x: tf.Tensor) => tf.greater(x, 0);
const along: readonly (number | undefined)[] = [undefined, 0, 1, 2];
const reduction = (
  ours: (x: Tensor, options: core.ReduceOptions) => Tensor,
  theirs: (x: tf.Tensor, axis?: number, keepDims?: boolean) => tf.Tensor,
  options: Options = {},
): Row[] => [
  ...along.map(
    (axis): Row => [
      (x) => ours(x, axis === undefined ? {} : { axis }),
      (x) => theirs(x, axis),
      [around([2, 3, 4])],
      options,
    ],
  ),
  [(x) => ours(x, { axis: 1, keepDims: true }), (x) => theirs(x, 1, true), [around([1, 5])], options],
];
const onBools =
  (reduce: (x: Tensor, options: core.ReduceOptions) => Tensor) => (x: Tensor, options: core.ReduceOptions) =>
    reduce(truth(x), options);

/** h′ and c′ of an LSTM. */
function tfLstmStep(gates: tf.Tensor, c: tf.Tensor): [tf.Tensor, tf.Tensor] {
  const [i, f, g, o] = tf.split(gates, 4, 1) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const next = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
  return [tf.mul(tf.sigmoid(o), tf.tanh(next)), next];
}

/** The classes of five rows of four. */
const labels = [3, 0, 3, 1, 2];

const rows: Readonly<Record<string, readonly Row[]>> = {
  abs: unary(core.abs, tf.abs),
  add: binary(core.add, tf.add),
  all: reduction(onBools(core.all), (x, axis, keep) => tf.all(tfTruth(x), axis, keep), flat),
  any: reduction(onBools(core.any), (x, axis, keep) => tf.any(tfTruth(x), axis, keep), flat),
  arange: [[() => core.arange(1, 9, 3), () => tf.range(1, 9, 3), []]],
  argMax: [[(x) => core.argMax(x, 1), (x) => tf.argMax(x, 1), cube, flat]],
  argMin: [[(x) => core.argMin(x, 0), (x) => tf.argMin(x, 0), cube, flat]],
  cast: [[(x) => core.cast(x, "int32"), (x) => tf.cast(x, "int32"), matrix, flat]],
  ceil: unary(core.ceil, tf.ceil),
  clamp: unary(
    (x) => core.clamp(x, -0.5, 0.75),
    (x) => tf.clipByValue(x, -0.5, 0.75),
  ),
  concat: [0, 1, 2].map((axis): Row => {
    const shape = (length: number) => ({ shape: [2, 3, 4].with(axis, length) });
    return [(...xs) => core.concat(xs, axis), (...xs) => tf.concat(xs, axis), [shape(3), shape(1), shape(0)]];
  }),
  convTranspose3d: [
    [
      (x, w) => core.convTranspose3d(x, w, { stride: 2 }),
      (x, w) => tf.conv3dTranspose(x as tf.Tensor5D, w as tf.Tensor5D, [1, 5, 7, 5, 3], 2, "valid"),
      [{ shape: [1, 2, 3, 2, 2] }, { shape: [3, 3, 3, 3, 2] }],
      // tfjs has no gradient of it
      flat,
    ],
  ],
  copy: unary(core.copy, tf.clone),
  cos: unary(core.cos, tf.cos),
  crossEntropy: [
    [
      (x) => core.crossEntropy(x, ints(labels)),
      (x) => tf.losses.softmaxCrossEntropy(tf.oneHot(tfInts(labels), 4), x),
      [{ shape: [5, 4] }],
    ],
    [
      (x) => core.crossEntropy(x, ints(labels), { labelSmoothing: 0.2 }),
      (x) => tf.losses.softmaxCrossEntropy(tf.oneHot(tfInts(labels), 4), x, undefined, 0.2),
      [{ shape: [5, 4] }],
    ],
  ],
  div: binary(core.div, tf.div, positive),
  elu: unary((x) => core.elu(x, 1), tf.elu),
  equal: logical(core.equal, tf.equal),
  erf: unary(core.erf, tf.erf),
  exp: unary(core.exp, tf.exp),
  expand: [[(x) => core.expand(x, [2, 3, 5]), (x) => tf.broadcastTo(x, [2, 3, 5]), [{ shape: [3, 1] }]]],
  expm1: unary(core.expm1, tf.expm1),
  flip: [[(x) => core.flip(x, [0, 2]), (x) => tf.reverse(x, [0, 2]), cube]],
  floor: unary(core.floor, tf.floor),
  full: [[() => core.full([2, 3], 1.5), () => tf.fill([2, 3], 1.5), []]],
  gather: [0, 1].map(
    (axis): Row => [
      (x) => core.gather(x, ints([2, 0, 2, 1], [2, 2]), axis),
      (x) => tf.gather(x, tfInts([2, 0, 2, 1], [2, 2]), axis),
      matrix,
    ],
  ),
  greater: logical(core.greater, tf.greater),
  greaterEqual: logical(core.greaterEqual, tf.greaterEqual),
  isFinite: unary(
    (x) => core.isFinite(core.log(x)),
    (x) => tf.isFinite(tf.log(x)),
    around,
    flat,
  ),
  isNaN: unary(
    (x) => core.isNaN(core.log(x)),
    (x) => tf.isNaN(tf.log(x)),
    around,
    flat,
  ),
  leakyRelu: [
    ...unary(
      (x) => core.leakyRelu(x, 0.3),
      (x) => tf.leakyRelu(x, 0.3),
    ),
    [core.leakyRelu, tf.prelu, [around([3, 5]), positive([5], 2)]],
  ],
  less: logical(core.less, tf.less),
  lessEqual: logical(core.lessEqual, tf.lessEqual),
  linear: [
    [
      (x, weight, bias) => core.linear(x!, weight!, bias),
      (x, w, b) => tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D, false, true), b!),
      [{ shape: [5, 3] }, { shape: [1, 3] }, { shape: [1] }],
    ],
  ],
  log: unary(core.log, tf.log, positive),
  log1p: unary(core.log1p, tf.log1p, positive),
  logicalAnd: logical(
    (a, b) => core.logicalAnd(truth(a!), truth(b!)),
    (a, b) => tf.logicalAnd(tfTruth(a!), tfTruth(b!)),
  ),
  logicalNot: unary(
    (x) => core.logicalNot(truth(x!)),
    (x) => tf.logicalNot(tfTruth(x!)),
    around,
    flat,
  ),
  logicalOr: logical(
    (a, b) => core.logicalOr(truth(a!), truth(b!)),
    (a, b) => tf.logicalOr(tfTruth(a!), tfTruth(b!)),
  ),
  logSigmoid: unary(core.logSigmoid, tf.logSigmoid),
  logSoftmax: unary(
    (x) => core.logSoftmax(x!),
    (x) => tf.logSoftmax(x!),
  ).slice(0, 2),
  lstm: [
    [
      (shares, weight, h, c) => {
        const results = core.lstm(shares, weight, { h, c });
        return core.concat([results.output.reshape([-1, 5]), results.h, results.c]);
      },
      (shares, weight, h, c) => {
        const outputs: tf.Tensor[] = [];
        for (const share of tf.unstack(shares)) {
          [h, c] = tfLstmStep(tf.add(share, tf.matMul(h as tf.Tensor2D, weight as tf.Tensor2D, false, true)), c);
          outputs.push(h);
        }
        return tf.concat([...outputs, h, c], 0);
      },
      [{ shape: [4, 3, 20] }, { shape: [20, 5] }, { shape: [3, 5] }, { shape: [3, 5] }],
    ],
  ],
  lstmCell: [
    [
      (gates, c) => core.concat(Object.values(core.lstmCell(gates, c)), 1),
      (gates, c) => tf.concat(tfLstmStep(gates, c), 1),
      [{ shape: [3, 20] }, { shape: [3, 5] }],
    ],
  ],
  matmul: [
    [core.matmul, (a, b) => tf.matMul(a, b), [{ shape: [3, 5] }, { shape: [5, 1] }]],
    [core.matmul, (a, b) => tf.matMul(a, b), [{ shape: [2, 3, 4] }, { shape: [2, 4, 1] }]],
  ],
  max: reduction(core.max, tf.max),
  maximum: unsummed(core.maximum, tf.maximum),
  mean: reduction(core.mean, tf.mean),
  min: reduction(core.min, tf.min),
  minimum: unsummed(core.minimum, tf.minimum),
  mish: unary(core.mish, (x) => tf.mul(x, tf.tanh(tf.softplus(x)))),
  mod: binary(core.mod, tf.mod, positive),
  mul: binary(core.mul, tf.mul),
  neg: unary(core.neg, tf.neg),
  notEqual: logical(core.notEqual, tf.notEqual),
  ones: [[() => core.ones([2, 3]), () => tf.ones([2, 3]), []]],
  pad: [
    [
      (x) => core.pad(x, [{ before: 1 }, { after: 2 }, {}], 7),
      (x) => tf.pad(x, [[1, 0], [0, 2], [0, 0]], 7), // biome-ignore format: one pair per axis
      cube,
    ],
  ],
  permute: [[(x) => core.permute(x, [2, 0, 1]), (x) => tf.transpose(x, [2, 0, 1]), cube]],
  pick: [
    [
      (x) => core.pick(x, ints(labels)),
      (x) => tf.sum(tf.mul(x, tf.cast(tf.oneHot(tfInts(labels), 4), "float32")), 1),
      [{ shape: [5, 4] }],
    ],
  ],
  pow: binary(
    (a, b) => core.pow(core.abs(a!), b!),
    (a, b) => tf.pow(tf.abs(a!), b!),
    positive,
  ),
  // the gradient in tfjs needs its chained methods
  prod: reduction(core.prod, tf.prod, flat),
  reciprocal: unary(core.reciprocal, tf.reciprocal, positive),
  relu: unary(core.relu, tf.relu),
  reshape: [[(x) => core.reshape(x, [4, -1]), (x) => tf.reshape(x, [4, -1]), cube]],
  round: unary(core.round, tf.round),
  rsqrt: unary(core.rsqrt, tf.rsqrt, positive),
  scatterAdd: [
    [
      (x) => core.scatterAdd(x, ints([2, 0, 2]), [4, 5]),
      (x) => tf.scatterND(tfInts([2, 0, 2], [3, 1]), x, [4, 5]),
      matrix,
      // tfjs has no gradient of it
      flat,
    ],
  ],
  selu: unary(core.selu, tf.selu),
  sigmoid: unary(core.sigmoid, tf.sigmoid),
  sign: unary(core.sign, tf.sign),
  silu: unary(core.silu, (x) => tf.mul(x, tf.sigmoid(x))),
  sin: unary(core.sin, tf.sin),
  slice: [
    [(x) => core.slice(x, [null, [1, 3]]), (x) => tf.slice(x, [0, 1, 0], [2, 2, 4]), cube],
    [
      (x) => core.slice(x, [[1, null], [null, null, 2], -1]),
      (x) => tf.squeeze(tf.stridedSlice(x, [1, 0, 3], [2, 3, 4], [1, 2, 1]), [2]),
      cube,
      // tfjs has no gradient of it
      flat,
    ],
  ],
  softmax: unary(
    (x) => core.softmax(x!),
    (x) => tf.softmax(x!),
  ).slice(0, 2),
  softplus: unary(core.softplus, tf.softplus),
  softsign: unary(core.softsign, (x) => tf.div(x, tf.add(1, tf.abs(x)))),
  split: [[(x) => core.split(x, [1, 3], 2)[1]!, (x) => tf.split(x, [1, 3], 2)[1]!, cube]],
  sqrt: unary(core.sqrt, tf.sqrt, positive),
  square: unary(core.square, tf.square),
  squeeze: [[(x) => core.squeeze(x, 1), (x) => tf.squeeze(x, [1]), [{ shape: [2, 1, 3, 1] }]]],
  stack: [[(...xs) => core.stack(xs, 1), (...xs) => tf.stack(xs, 1), [{ shape: [3, 2] }, { shape: [3, 2] }]]],
  sub: binary(core.sub, tf.sub),
  sum: reduction(core.sum, tf.sum),
  tan: unary(core.tan, tf.tan, within),
  tanh: unary(core.tanh, tf.tanh),
  transpose: [[(x) => core.transpose(x), (x) => tf.transpose(x), matrix]],
  unsqueeze: [[(x) => core.unsqueeze(x, 1), (x) => tf.expandDims(x, 1), matrix]],
  where: [
    [
      (a, b) => core.where(core.notEqual(ints([1, 0, 1]), 0), a, core.mul(b, 2)),
      (a, b) => tf.where(tf.tensor([[1, 0, 1], [1, 0, 1]], [2, 3], "bool"), a, tf.mul(b, 2)), // biome-ignore format: rows
      [{ shape: [2, 3] }, { shape: [2, 3] }],
    ],
  ],
  zeros: [[() => core.zeros([2, 0, 3]), () => tf.zeros([2, 0, 3]), []]],
};

/** Compared in `core/test/tfjs-*.test.ts`. */
const inCore = [
  ...["conv1d", "conv2d", "conv3d", "convTranspose2d", "maxPool1d", "maxPool2d", "maxPool3d"],
  ...["avgPool1d", "avgPool2d", "avgPool3d", "globalAvgPool"],
  ...["batchNorm", "batchNormInference", "layerNorm", "groupNorm", "rmsNorm"],
];

/** What tfjs has no op for. */
const without = [
  ...["adaptiveAvgPool1d", "adaptiveAvgPool2d", "adaptiveAvgPool3d", "convTranspose1d", "globalMaxPool"],
  ...[
    "attention",
    "maskedSoftmax",
    "gru",
    "gruCell",
    "gelu",
    "geluTanh",
    "hardSigmoid",
    "hardSwish",
    "sumTo",
    "windows",
  ],
  // random numbers are its own, and these are no functions of tensors
  ...["dropout", "normal", "uniform", "randomIntegers", "backend", "checkFinite", "Parameter", "reading", "tensor"],
];

describe("as in tfjs:", () => {
  it.each(Object.entries(rows))("%s", (_, compared) => {
    for (const [ours, theirs, inputs, options] of compared) {
      expectSame(ours, theirs, inputs, inputs.length === 0 ? { ...options, gradients: false } : options);
    }
  });

  it("every op is compared, or known not to be there", () => {
    const known = [...Object.keys(rows), ...inCore, ...without];
    expect([...known].sort()).toEqual(CASES.map(({ op }) => op).sort());
  });
});
