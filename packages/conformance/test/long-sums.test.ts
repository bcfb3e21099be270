// The error of a sum grows no faster than the logarithm of its length, whatever op sums, on every backend with kernels of ours.
import { valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import { wasm } from "@neurite/backend-wasm";
import { workerThreads } from "@neurite/backend-worker-threads";
import {
  batchNorm,
  concat,
  conv1d,
  crossEntropy,
  type Device,
  full,
  groupNorm,
  layerNorm,
  linear,
  logSoftmax,
  matmul,
  mean,
  mul,
  Parameter,
  reshape,
  rmsNorm,
  scatterAdd,
  scope,
  setDefaultDevice,
  softmax,
  sum,
  type Tensor,
  tensor,
  transpose,
  zeros,
} from "@neurite/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** One float32 is rounded by at most 2⁻²⁴ of it; a sum of n may be wrong by 3·log₂ n such roundings. */
const bound = (n: number): number => 3 * Math.log2(n) * 2 ** -24;

/** An op that takes n numbers, and the last element of its result in float64. */
interface Case {
  readonly name: string;
  readonly run: (x: Float32Array) => Tensor;
  readonly reference: (x: Float32Array) => number;
  readonly shortest?: number;
  readonly longest?: number;
}

const add = (x: Float32Array, of: (value: number) => number = (value) => value): number => {
  let total = 0;
  for (const value of x) total += of(value);
  return total;
};
const square = (value: number): number => value * value;
const sumOf = (x: Float32Array): number => add(x);
const squares = (x: Float32Array): number => add(x, square);
const average = (x: Float32Array): number => add(x) / x.length;

/** [n, width], each row `width` times the same. */
function rows(x: Float32Array, width: number): Tensor {
  const wide = new Float32Array(x.length * width);
  for (const [i, value] of x.entries()) wide.fill(value, i * width, (i + 1) * width);
  return tensor(wide, { shape: [x.length, width] });
}

/** Gradient of Σ conv1d(x, filters) ⊙ x by the filters, of one place and `groups` groups, of `images` images. */
function filterGradient(x: Float32Array, width: number, groups: number, images: number): Tensor {
  const image = [images, x.length / images];
  const input = groups === 1 ? reshape(tensor(x), [...image, 1]) : reshape(rows(x, width), [...image, width]);
  const filters = new Parameter(zeros([1, 1, width]));
  const error = reshape(rows(x, width), [...image, width]);
  const step = valueAndGrad(() => sum(mul(conv1d(input, filters, { groups }), error)), { filters });
  return step().grads.filters;
}

/** The largest of x, of each of which softmax subtracts it. */
const largest = (x: Float32Array): number => x.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
const powers = (x: Float32Array): number => {
  const top = largest(x);
  return add(x, (value) => Math.exp(value - top));
};

const variance = (x: Float32Array): number => {
  const center = average(x);
  return add(x, (value) => square(value - center)) / x.length;
};
/** (x − mean)/deviation of the last element. */
const normal = (x: Float32Array): number => (x.at(-1)! - average(x)) / Math.sqrt(variance(x));

const SUMS: readonly Case[] = [
  { name: "sum of a row", run: (x) => sum(tensor(x)), reference: sumOf, longest: 1e7 },
  { name: "mean", run: (x) => mean(tensor(x)), reference: average, longest: 1e7 },
  { name: "sum of rows", run: (x) => sum(rows(x, 3), { axis: 0 }), reference: sumOf },
  {
    name: "sum along a middle axis",
    run: (x) => sum(reshape(concat([tensor(x), tensor(x)]), [2, x.length, 1]), { axis: 1 }),
    reference: sumOf,
    longest: 1e5,
  },
  {
    name: "sums of rows of several matrices",
    run: (x) => sum(reshape(rows(x, 6), [1, x.length, 6]), { axis: 1 }),
    reference: sumOf,
  },
  ...[1, 2, 3, 8].flatMap((m): Case[] => [
    {
      name: `product of a row and ${m} columns`,
      run: (x) => matmul(reshape(tensor(x), [1, x.length]), rows(x, m)),
      reference: squares,
    },
    {
      name: `product over the rows of matrices of ${m} columns`,
      run: (x) => matmul(transpose(rows(x, m)), rows(x, m)),
      reference: squares,
    },
  ]),
  {
    name: "linear with bias and ReLU",
    run: (x) => linear(transpose(rows(x, 5)), transpose(rows(x, 9)), full([9], 1), { activation: "relu" }),
    reference: (x) => squares(x) + 1,
    longest: 1e5,
  },
  {
    name: "conv1d",
    run: (x) => conv1d(tensor(x, { shape: [1, x.length, 1] }), tensor(x, { shape: [x.length, 1, 1] })),
    reference: squares,
    // a filter of up to 4,096 places is one run
    shortest: 1e5,
  },
  { name: "gradient by filters, of one long row", run: (x) => filterGradient(x, 8, 1, 1), reference: squares },
  {
    name: "gradient by filters, of many rows",
    run: (x) => filterGradient(x, 8, 1, x.length / 10),
    reference: squares,
    longest: 1e5,
  },
  {
    name: "gradient by a filter for each channel",
    run: (x) => filterGradient(x, 4, 4, 1),
    reference: squares,
    longest: 1e5,
  },
  {
    name: "gradient by a filter for each channel, of many rows",
    run: (x) => filterGradient(x, 4, 4, x.length / 10),
    reference: squares,
    longest: 1e5,
  },
  {
    name: "scatterAdd to one index",
    run: (x) => scatterAdd(tensor(x), tensor(new Int32Array(x.length)), [1]),
    reference: sumOf,
  },
  { name: "softmax", run: (x) => softmax(tensor(x)), reference: (x) => Math.exp(x.at(-1)! - largest(x)) / powers(x) },
  {
    name: "logSoftmax",
    run: (x) => logSoftmax(tensor(x)),
    reference: (x) => x.at(-1)! - largest(x) - Math.log(powers(x)),
  },
  {
    name: "cross-entropy",
    run: (x) => crossEntropy(tensor(x, { shape: [1, x.length] }), tensor(Int32Array.of(x.length - 1))),
    reference: (x) => Math.log(powers(x)) + largest(x) - x.at(-1)!,
  },
  {
    name: "rmsNorm",
    run: (x) => rmsNorm(tensor(x), { eps: 0 }),
    reference: (x) => x.at(-1)! / Math.sqrt(squares(x) / x.length),
  },
];

/** Those whose result is a difference: only for numbers that differ. */
const DIFFERENCES: readonly Case[] = [
  { name: "layerNorm", run: (x) => layerNorm(tensor(x), { eps: 0 }), reference: normal },
  {
    name: "groupNorm",
    run: (x) => groupNorm(tensor(x, { shape: [1, x.length, 1] }), 1, { eps: 0 }),
    reference: normal,
  },
  { name: "batchNorm", run: (x) => batchNorm(rows(x, 2), { eps: 0 }).y, reference: normal },
  { name: "variance of batchNorm", run: (x) => batchNorm(rows(x, 2)).variance, reference: variance },
];

const LENGTHS = [1e3, 4e3, 1e5, 1e6, 1e7];

/** n numbers from 0 to 1 (Weyl's sequence), the last one 0.9. */
function spread(n: number): Float32Array {
  const x = Float32Array.from({ length: n }, (_, i) => (i * 0.6180339887498949) % 1);
  x[n - 1] = 0.9;
  return x;
}

const FILLS: Readonly<Record<string, (n: number) => Float32Array>> = {
  "0.1": (n) => new Float32Array(n).fill(0.1),
  "100.1": (n) => new Float32Array(n).fill(100.1),
  "numbers from 0 to 1": spread,
};

const BACKENDS: Readonly<Record<string, () => Device | Promise<Device>>> = {
  "cpu-js": cpuJs,
  wasm,
  "worker-threads": workerThreads,
};

describe.each(Object.entries(BACKENDS))("on %s", (_, open) => {
  let device: Device;
  beforeAll(async () => {
    device = await open();
    setDefaultDevice(device);
  });
  afterAll(() => device.close());

  const check = ({ name, run, reference, shortest = 1e3, longest = 1e6 }: Case, fills: readonly string[]) =>
    it(`${name} has an error of at most 3·log₂ n roundings`, async () => {
      for (const fill of fills) {
        for (const n of LENGTHS.filter((length) => length >= shortest && length <= longest)) {
          const x = FILLS[fill]!(n);
          const value = (await scope(() => run(x)).data()).at(-1) as number;
          const wanted = reference(x);
          expect(Math.abs(value - wanted) / Math.abs(wanted), `${n} × ${fill}`).toBeLessThanOrEqual(bound(n));
        }
      }
    });
  for (const one of SUMS) check(one, Object.keys(FILLS));
  for (const one of DIFFERENCES) check(one, ["numbers from 0 to 1"]);
});
