/** Ops that add up many terms: reductions, products, normalisation, softmax, attention. */

import type { DType, ReduceOptions, Tensor } from "@neurite/core";
import * as core from "@neurite/core";
import * as fc from "fast-check";
import { type Accuracy, type Arguments, type Call, callsOf, EXACT, scaled } from "../call.js";
import { dtypes, indices, oddities, shapes, type TensorSpec, tensors } from "../tensors.js";

const SUM = scaled(2e-5);
const SLOPE = scaled(5e-4);

type Entry = readonly [string, fc.Arbitrary<Call>];

function summing<O>(
  op: string,
  draw: fc.Arbitrary<Arguments<O>>,
  run: (inputs: readonly Tensor[], options: O) => Tensor | readonly Tensor[],
  accuracy: Accuracy = SUM,
  gradient: Accuracy = SLOPE,
): Entry {
  return [op, callsOf({ op, draw, run, accuracy, gradient })];
}

/** Rows that are nearly constant: the rounding of their mean counts as often as 1/√(variance + eps), and again in the gradient. */
const NORMALISED = [scaled(1e-3), scaled(2e-2)] as const;

const axesOf = (shape: readonly unknown[]) =>
  fc.option(
    fc.oneof(
      fc.integer({ min: -shape.length, max: Math.max(shape.length - 1, 0) }),
      fc.subarray(shape.map((_, axis) => axis)),
    ),
    { freq: 3 },
  );

const reduced: fc.Arbitrary<Arguments<ReduceOptions>> = fc
  .tuple(shapes(0, 4), dtypes, oddities("endless"))
  .chain(([shape, dtype, oddity]) =>
    fc.tuple(tensors(shape, dtype, oddity), axesOf(shape), fc.boolean()).map(([x, axis, keepDims]) => ({
      inputs: [x],
      options: axis === null ? { keepDims } : { axis, keepDims },
    })),
  );

type Reduction = (x: Tensor, options: ReduceOptions) => Tensor;
const REDUCTIONS: Readonly<Record<string, readonly [Reduction, Accuracy]>> = {
  sum: [core.sum, SUM],
  mean: [core.mean, SUM],
  prod: [core.prod, SUM],
  max: [core.max, EXACT],
  min: [core.min, EXACT],
  any: [core.any, EXACT],
  all: [core.all, EXACT],
};

const argReduced = fc
  .tuple(shapes(1, 3), dtypes, oddities("any"))
  .chain(([shape, dtype, oddity]) =>
    fc
      .tuple(tensors(shape, dtype, oddity), fc.integer({ min: -shape.length, max: shape.length - 1 }), fc.boolean())
      .map(([x, axis, keepDims]) => ({ inputs: [x], options: { axis, keepDims } })),
  );

const rows = (least = 1): fc.Arbitrary<Arguments<null>> =>
  fc
    .tuple(shapes(least, 4), oddities("endless"))
    .chain(([shape, oddity]) => tensors(shape, "float32", oddity).map((x) => ({ inputs: [x], options: null })));

const axis = fc.integer({ min: -2, max: 1 });

const softmaxed: fc.Arbitrary<Arguments<number>> = fc
  .tuple(shapes(2, 4), oddities("endless"), axis)
  .chain(([shape, oddity, options]) => tensors(shape, "float32", oddity).map((x) => ({ inputs: [x], options })));

/** x [..., n] with a weight and a bias [n], or without. */
const normalised = (least: number, channels: (shape: number[]) => number[]) =>
  fc.tuple(shapes(least, 4), oddities("endless"), fc.integer({ min: 0, max: 2 })).chain(([shape, oddity, more]) => {
    const vector = () => tensors(channels(shape), "float32", "ordinary");
    return fc
      .tuple(tensors(shape, "float32", oddity), ...Array.from({ length: more }, vector))
      .map((inputs) => ({ inputs, options: null }));
  });

const last = (shape: number[]) => shape.slice(-1);
const given = (weight: Tensor | undefined, bias: Tensor | undefined) => ({
  ...(weight && { weight }),
  ...(bias && { bias }),
});

/** [b…, m, k] and [b…, k, n]; sides large enough for panels and threads now and then. */
const matrices: fc.Arbitrary<Arguments<null>> = fc
  .tuple(
    fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 12 }), fc.integer({ min: 1, max: 9 })),
    fc.constantFrom(1, 1, 1, 1, 4, 9),
    fc.constantFrom<DType>("float32", "float32", "float32", "int32", "uint8"),
    oddities("endless"),
    fc.integer({ min: 0, max: 7 }),
  )
  .chain(([batch, [m, k, n], factor, dtype, oddity, odd]) => {
    const small = batch.map((length, i) => (odd === i ? 1 : length));
    return fc
      .tuple(
        tensors([...batch, m * factor, k * factor], dtype, oddity),
        tensors(odd === 7 ? [k * factor] : [...small, k * factor, n * factor], dtype, oddity),
      )
      .map((inputs) => ({ inputs, options: null }));
  });

/** Multiples of one half, whose sums are exact: rounding must not decide on which side of a kink they lie. */
const exact = (spec: TensorSpec): TensorSpec => ({ ...spec, values: spec.values.map((x) => Math.round(2 * x) / 2) });

const linear: fc.Arbitrary<Arguments<{ activation?: "relu" }>> = fc
  .tuple(shapes(1, 3), fc.integer({ min: 1, max: 40 }), fc.boolean(), fc.boolean(), oddities("endless"))
  .chain(([shape, outs, bias, relu, oddity]) => {
    const weight = tensors([outs, shape.at(-1)!], "float32", "ordinary");
    const inputs = [
      tensors(shape, "float32", oddity),
      weight,
      ...(bias ? [tensors([outs], "float32", "ordinary")] : []),
    ];
    return fc
      .tuple(...inputs)
      .map((drawn) =>
        relu ? { inputs: drawn.map(exact), options: { activation: "relu" as const } } : { inputs: drawn, options: {} },
      );
  });

const attended: fc.Arbitrary<Arguments<{ readonly scale: number | null }>> = fc
  .tuple(
    fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 4, maxLength: 4 }),
    fc.boolean(),
    fc.option(fc.constantFrom(1, 0, -1, 0.5, 3)),
    oddities("endless"),
  )
  .chain(([batch, [n, m, d, v], masked, scale, oddity]) => {
    const float = (shape: number[], own = oddity) => tensors([...batch, ...shape], "float32", own);
    const inputs = [
      float([n!, d!]),
      float([m!, d!]),
      // a weight that float32 lacks is 0, and 0 · ∞ no number: only float64 has ∞ there
      float([m!, v!], "ordinary"),
      ...(masked ? [tensors([n!, m!], "bool", "ordinary")] : []),
    ];
    return fc.tuple(...inputs).map((drawn) => ({ inputs: drawn, options: { scale } }));
  });

const maskedRows = fc
  .tuple(shapes(2, 4), oddities("endless"))
  .chain(([shape, oddity]) =>
    fc
      .tuple(tensors(shape, "float32", oddity), tensors(shape.slice(-2), "bool", "ordinary"))
      .map((inputs) => ({ inputs, options: null })),
  );

interface CrossEntropyDraw {
  readonly reduction: "mean" | "sum" | "none";
  readonly labelSmoothing: number;
  readonly ignoreIndex?: number;
}

export const classified = (
  oddity: fc.Arbitrary<"ordinary" | "endless" | "any">,
): fc.Arbitrary<Arguments<CrossEntropyDraw>> =>
  fc
    .tuple(
      shapes(1, 3),
      oddity,
      fc.constantFrom("mean", "sum", "none"),
      fc.constantFrom(0, 0.1, 1),
      fc.option(fc.constantFrom(0, 1)),
    )
    .chain(([shape, odd, reduction, labelSmoothing, ignoreIndex]) =>
      fc.tuple(tensors(shape, "float32", odd), indices(shape.slice(0, -1), shape.at(-1)!)).map((inputs) => ({
        inputs: inputs as TensorSpec[],
        options: { reduction, labelSmoothing, ...(ignoreIndex === null ? {} : { ignoreIndex }) },
      })),
    );

const summedTo = fc
  .tuple(shapes(0, 4), dtypes, fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 2 }))
  .chain(([shape, dtype, ones, less]) =>
    tensors(shape, dtype, "ordinary").map((x) => ({
      inputs: [x],
      options: shape.map((length, i) => ((ones >> i) & 1 ? 1 : length)).slice(Math.min(less, shape.length)),
    })),
  );

const grouped = fc
  .tuple(
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 1, max: 5 }),
    shapes(1, 3),
    fc.boolean(),
    oddities("endless"),
  )
  .chain(([groups, each, shape, affine, oddity]) => {
    const channels = groups * each;
    const vector = () => tensors([channels], "float32", "ordinary");
    return fc
      .tuple(tensors([...shape, channels], "float32", oddity), ...(affine ? [vector(), vector()] : []))
      .map((inputs) => ({ inputs, options: groups }));
  });

const inferred = fc.tuple(shapes(2, 4), fc.boolean()).chain(([shape, affine]) => {
  const vector = () => tensors(last(shape), "float32", "ordinary");
  const variance = vector().map((spec) => ({ ...spec, values: spec.values.map(Math.abs) }));
  return fc
    .tuple(tensors(shape, "float32", "ordinary"), vector(), variance, ...(affine ? [vector(), vector()] : []))
    .map((inputs) => ({ inputs, options: null }));
});

const ENTRIES: readonly Entry[] = [
  ...Object.entries(REDUCTIONS).map(([op, [reduce, accuracy]]) =>
    summing(op, reduced, ([x], options) => reduce(x!, options), accuracy),
  ),
  summing("argMax", argReduced, ([x], { axis, keepDims }) => core.argMax(x!, axis, { keepDims }), EXACT),
  summing("argMin", argReduced, ([x], { axis, keepDims }) => core.argMin(x!, axis, { keepDims }), EXACT),
  summing("sumTo", summedTo, ([x], shape) => core.sumTo(x!, shape)),
  summing("softmax", softmaxed, ([x], at) => core.softmax(x!, at)),
  summing("logSoftmax", softmaxed, ([x], at) => core.logSoftmax(x!, at)),
  summing("maskedSoftmax", maskedRows, ([x, mask]) => core.maskedSoftmax(x!, mask!)),
  summing("crossEntropy", classified(oddities("endless")), ([x, y], options) => core.crossEntropy(x!, y!, options)),
  summing(
    "layerNorm",
    normalised(1, last),
    ([x, weight, bias]) => core.layerNorm(x!, given(weight, bias)),
    ...NORMALISED,
  ),
  summing(
    "rmsNorm",
    normalised(1, last),
    ([x, weight]) => core.rmsNorm(x!, { ...given(weight, undefined), eps: 1e-5 }),
    ...NORMALISED,
  ),
  summing(
    "groupNorm",
    grouped,
    ([x, weight, bias], groups) => core.groupNorm(x!, groups, given(weight, bias)),
    ...NORMALISED,
  ),
  summing(
    "batchNorm",
    normalised(2, last),
    ([x, weight, bias]) => Object.values(core.batchNorm(x!, given(weight, bias))) as Tensor[],
    ...NORMALISED,
  ),
  summing(
    "batchNormInference",
    inferred,
    ([x, mean, variance, weight, bias]) => core.batchNormInference(x!, mean!, variance!, given(weight, bias)),
    ...NORMALISED,
  ),
  summing("globalAvgPool", rows(3), ([x]) => core.globalAvgPool(x!)),
  summing("globalMaxPool", rows(3), ([x]) => core.globalMaxPool(x!), EXACT),
  summing("matmul", matrices, ([a, b]) => core.matmul(a!, b!)),
  summing("linear", linear, ([x, weight, bias], options) => core.linear(x!, weight!, bias, options)),
  summing("attention", attended, ([q, k, v, mask], { scale }) =>
    core.attention(q!, k!, v!, { ...(mask && { mask }), ...(scale !== null && { scale }) }),
  ),
];

export const SUMS: Readonly<Record<string, fc.Arbitrary<Call>>> = Object.fromEntries(ENTRIES);
