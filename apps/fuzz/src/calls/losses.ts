/** The losses, on ordinary numbers and on those of classes and probabilities. */
import type { Tensor } from "@neurite/core";
import * as losses from "@neurite/losses";
import * as fc from "fast-check";
import { type Arguments, type Call, callsOf, scaled } from "../call.js";
import { oddities, shapes, type TensorSpec, tensors } from "../tensors.js";
import { classified } from "./sums.js";

type Reduced = { readonly reduction: "mean" | "sum" | "none" };
type Loss = (...args: readonly unknown[]) => Tensor;

const ACCURACY = scaled(1e-4);
const SLOPE = scaled(5e-4);

const reductions = fc.constantFrom<Reduced>({ reduction: "mean" }, { reduction: "sum" }, { reduction: "none" });

/** The numbers of a tensor made fit. */
const fitted = (spec: TensorSpec, fit: (x: number) => number): TensorSpec => ({
  ...spec,
  values: spec.values.map(fit),
});
const probability = (x: number) => Math.fround(1 / (1 + Math.exp(-x)));
const signOf = (x: number) => (x < 0 ? -1 : 1);

/** `count` tensors of one shape, each changed by its function. */
function alike(
  count: number,
  fit: (spec: TensorSpec, i: number) => TensorSpec = (spec) => spec,
): fc.Arbitrary<Arguments<Reduced>> {
  return fc
    .tuple(shapes(1, 3), reductions, oddities("endless"))
    .chain(([shape, options, oddity]) =>
      fc
        .tuple(...Array.from({ length: count }, () => tensors(shape, "float32", oddity)))
        .map((inputs) => ({ inputs: inputs.map(fit), options })),
    );
}

const rowsAlike: fc.Arbitrary<Arguments<Reduced>> = fc.tuple(shapes(2, 3), reductions).chain(([shape, options]) => {
  const row = () => tensors(shape, "float32", "ordinary");
  const targets = tensors(shape.slice(0, -1), "float32", "ordinary").map((spec) => fitted(spec, signOf));
  return fc.tuple(row(), row(), targets).map((inputs) => ({ inputs, options }));
});

const nll = classified(fc.constant("ordinary")).map(({ inputs, options: { labelSmoothing: _, ...options } }) => ({
  inputs,
  options,
}));

const DRAWS: Readonly<Record<string, fc.Arbitrary<Arguments<object>>>> = {
  mseLoss: alike(2),
  l1Loss: alike(2),
  smoothL1Loss: alike(2),
  huberLoss: alike(2),
  hingeLoss: alike(2, (spec, i) => (i === 1 ? fitted(spec, signOf) : spec)),
  bceWithLogitsLoss: alike(2, (spec, i) => (i === 1 ? fitted(spec, probability) : spec)),
  bceLoss: alike(2, (spec) => fitted(spec, probability)),
  klDivLoss: alike(2, (spec, i) => (i === 1 ? fitted(spec, probability) : spec)),
  cosineEmbeddingLoss: rowsAlike,
  crossEntropyLoss: classified(oddities("endless")),
  nllLoss: nll,
};

/** Losses with arguments of another kind, called with no options. */
const PLAIN: Readonly<Record<string, fc.Arbitrary<Arguments<null>>>> = {
  cosineSimilarity: alike(2).map(({ inputs }) => ({ inputs, options: null })),
};

const loss = (name: string): Loss => (losses as unknown as Record<string, Loss>)[name]!;

export const LOSSES: Readonly<Record<string, fc.Arbitrary<Call>>> = Object.fromEntries([
  ...Object.entries(DRAWS).map(([op, draw]) => [
    op,
    callsOf({ op, draw, run: (inputs, options) => loss(op)(...inputs, options), accuracy: ACCURACY, gradient: SLOPE }),
  ]),
  ...Object.entries(PLAIN).map(([op, draw]) => [
    op,
    callsOf({ op, draw, run: (inputs) => loss(op)(...inputs), accuracy: ACCURACY, gradient: SLOPE }),
  ]),
]);
