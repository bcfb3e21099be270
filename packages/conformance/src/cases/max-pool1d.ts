import { type MaxPoolOptions, maxPool1d, maxPool2d, maxPool3d, type Tensor } from "@neurite/core";
import { slopeOf, some, tensorOf } from "../call.js";
import { type Case, type ErrorSample, FLOATS, type Sample } from "../case.js";
import { expectEqual } from "../compare.js";
import { pooled, type Slide, slide } from "../convolution-reference.js";
import { distinct, given } from "../inputs.js";

type Pool = (x: Tensor, size: number | readonly number[], options?: MaxPoolOptions) => Tensor;
const FUNCTIONS: readonly Pool[] = [maxPool1d, maxPool2d, maxPool3d];

const NaN = Number.NaN;
const extreme = (elements: readonly number[]) =>
  elements.some(Number.isNaN) ? NaN : elements.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);

/** A sample over as many spatial axes as the shape has. Stride: the window's size unless given, as in the op. */
export function maxPooled(
  name: string,
  shape: readonly number[],
  size: readonly number[],
  options: MaxPoolOptions = {},
  how: Partial<Slide> = {},
  more: Partial<Sample> = {},
): Sample {
  const n = size.length;
  return {
    name,
    inputs: [distinct(shape)],
    run: ([x]) => FUNCTIONS[n - 1](x, size, options),
    reference: ([x]) => pooled(x, size, { ...slide(n), stride: size, ...how }, extreme),
    ...more,
  };
}

/** What pooling refuses, whichever and along however many axes. */
export function poolErrors(op: string, run: Pool, n: number): ErrorSample[] {
  const square = (length: number) => new Array<number>(n).fill(length);
  const x = [2, ...square(4), 3];
  return [
    {
      name: "an x without channels",
      code: "ERR_SHAPE",
      words: [op, "x", "[n, ", "channels]", "unsqueeze"],
      call: (env) => run(some(env, x.slice(1)), 2),
    },
    {
      name: "a window longer than x",
      code: "ERR_SHAPE",
      words: [op, "x", "at least 5 elements along axis 1", "with 4"],
      call: (env) => run(some(env, x), 5),
    },
    {
      name: "a window of nothing",
      code: "ERR_VALUE",
      words: [op, "size", "from 1 on", "0"],
      call: (env) => run(some(env, x), 0),
    },
    {
      name: "padding that fills a window",
      code: "ERR_SHAPE",
      words: [op, "padding", "at least one element of x in every window along axis 1", "2 + 2", "window 0"],
      call: (env) => run(some(env, x), 2, { padding: 2 }),
    },
    {
      name: "integers",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: [op, "x", "float32 or float64", "int32"],
      call: (env) => run(some(env, x), 2),
    },
  ];
}

export const maxPool1dCase: Case = {
  op: "maxPool1d",
  fused: true,
  samples: [
    maxPooled("of pairs", [2, 6, 3], [2]),
    maxPooled("that leaves a rest", [1, 8, 2], [3]),
    maxPooled("with windows that overlap", [1, 7, 2], [3], { stride: 2 }, { stride: [2] }),
    maxPooled("with padding and elements that no window holds", [1, 6, 2], [3], { stride: 3, padding: 1 }, { stride: [3], before: [1], after: [1] }),
    maxPooled("with stride, dilation and padding", [1, 8, 2], [3], { stride: 2, dilation: 2, padding: [[1, 2]] }, { stride: [2], dilation: [2], before: [1], after: [2] }),
    maxPooled("of windows of one element", [2, 3, 2], [1]),
    maxPooled("of no sequence", [0, 4, 2], [2]),
    {
      ...maxPooled("of NaN and infinities", [1, 8, 1], [2]),
      inputs: [given([1, NaN, NaN, 2, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 3], [1, 8, 1])],
      gradient: false,
    },
  ],
  checks: [
    {
      name: "gives the gradient to the first of equals",
      dtypes: FLOATS,
      async run(env) {
        const x = tensorOf(env, [1, 4, 4, 4, 2, 2], env.dtype, [1, 6, 1]);
        expectEqual("the gradient", await slopeOf((y) => maxPool1d(y, 3, { stride: 1 }), x), [0, 2, 1, 1, 0, 0]);
        x.dispose();
      },
    },
    {
      name: "gives the gradient to the first NaN",
      dtypes: FLOATS,
      async run(env) {
        const x = tensorOf(env, [1, NaN, 3, NaN, NaN, 1, 2, 3], env.dtype, [1, 8, 1]);
        expectEqual("the gradient", await slopeOf((y) => maxPool1d(y, 4), x), [0, 1, 0, 0, 1, 0, 0, 0]);
        x.dispose();
      },
    },
  ],
  errors: poolErrors("maxPool1d", maxPool1d, 1),
}; // biome-ignore format: lists of shapes
