/** First and second gradients of a sample on a device, against the differences of its reference. */
import { grad, valueAndGrad } from "@neurite/autograd";
import { add, type Device, type DType, fromHost, mul, scope, sum, type Tensor } from "@neurite/core";
import type { Sample } from "./case.js";
import { compare } from "./compare.js";
import { firstDifferences, type Reference, secondDifferences, type Weights, weightsFor } from "./differences.js";
import { functionOf, makeInputs, type Place, readAll, withInputs } from "./evaluate.js";
import { type Layout, toHost } from "./layouts.js";
import type { Plain } from "./plain.js";

/**
 * Gradients in float64 are as exact as the differences they are compared with. In float32 a gradient is a chain of
 * rounded products and sums, and a second one is twice as long.
 */
const FIRST = { float32: 5e-5, float64: 1e-7 };
const SECOND = { float32: 5e-4, float64: 1e-6 };

function limit(table: typeof FIRST, dtype: DType, tolerance: number): number {
  return Math.max(table[dtype as "float32" | "float64"], 10 * tolerance);
}

interface Slope {
  /** Weights of the loss and directions of the second derivative, as arrays and as a source of tensors. */
  readonly weights: Weights;
  readonly directions: readonly Plain[];
  readonly reference: Reference;
}

function prepare(
  sample: Sample,
  dtype: DType,
  inputs: readonly Plain[],
  positions: readonly number[],
  seed: string,
): Slope {
  const reference: Reference = (plain) => [sample.reference(plain, { dtype })].flat() as Plain[];
  const shapes = reference(inputs).map(({ shape }) => shape);
  return {
    reference,
    weights: { linear: weightsFor(shapes, `${seed} v`), squared: weightsFor(shapes, `${seed} u`) },
    directions: weightsFor(
      positions.map((position) => inputs[position].shape),
      `${seed} w`,
    ),
  };
}

function upload(x: Plain, dtype: DType, device: Device): Tensor {
  return fromHost(toHost(x.data, dtype), dtype, x.shape, device);
}

function total(terms: readonly Tensor[]): Tensor {
  return terms.reduce((a, b) => add(a, b));
}

/** Σ v·y + ½ Σ u·y² of the sample's results, as a function of the inputs at `positions`. */
function lossOn(
  where: Place,
  sample: Sample,
  dtype: DType,
  tensors: readonly Tensor[],
  positions: readonly number[],
  { linear, squared }: Weights,
): (...sources: Tensor[]) => Tensor {
  const fn = functionOf(where, sample, dtype);
  const weight = (x: Plain) => upload(x, dtype, where.device);
  return (...sources) => {
    const operands = tensors.map((tensor, i) => sources[positions.indexOf(i)] ?? tensor);
    const terms = fn(...operands).map((y, i) => {
      const slope = add(weight(linear[i]), mul(mul(weight(squared[i]), y), 0.5));
      return sum(mul(slope, y));
    });
    return total([...terms, ...connections(sources)]);
  };
}

/** + 0·x keeps a function that ignores one of its inputs connected. */
function connections(sources: readonly Tensor[]): Tensor[] {
  return sources.map((source) => sum(mul(source, 0)));
}

function gradients(loss: (...sources: Tensor[]) => Tensor, sources: readonly Tensor[]): readonly Tensor[] {
  return sources.length === 1
    ? [grad(loss)(sources[0])]
    : (valueAndGrad(loss, sources)(...sources).grads as unknown as readonly Tensor[]);
}

async function compareAll(
  what: string,
  actual: readonly Tensor[],
  expected: readonly Plain[],
  positions: readonly number[],
  dtype: DType,
  tolerance: number,
): Promise<number> {
  const read = await readAll(actual);
  const errors = expected.map((wanted, i) =>
    compare(`the ${what} by input ${positions[i]}`, read[i], { ...wanted, dtype }, { tolerance }),
  );
  return Math.max(...errors);
}

export function checkFirst(
  where: Place,
  sample: Sample,
  dtype: DType,
  positions: readonly number[],
  layout: Layout,
  seed: string,
  tolerance: number,
): Promise<number> {
  const inputs = makeInputs(sample, dtype, layout, seed);
  const { weights, reference } = prepare(sample, dtype, inputs, positions, seed);
  return withInputs(where.device, inputs, layout, async (tensors) => {
    const loss = lossOn(where, sample, dtype, tensors, positions, weights);
    const sources = positions.map((position) => tensors[position]);
    const actual = scope(() => gradients(loss, sources));
    const expected = firstDifferences(reference, inputs, positions, weights);
    return compareAll("gradient", actual, expected, positions, dtype, limit(FIRST, dtype, tolerance));
  });
}

/** Computes the gradient that {@link checkFirst} checks, and drops it. */
export function runFirst(
  where: Place,
  sample: Sample,
  dtype: DType,
  positions: readonly number[],
  seed: string,
): Promise<void> {
  const inputs = makeInputs(sample, dtype, "contiguous", seed);
  const { weights } = prepare(sample, dtype, inputs, positions, seed);
  return withInputs(where.device, inputs, "contiguous", async (tensors) => {
    const loss = lossOn(where, sample, dtype, tensors, positions, weights);
    scope(
      () =>
        void gradients(
          loss,
          positions.map((position) => tensors[position]),
        ),
    );
  });
}

export function checkSecond(
  where: Place,
  sample: Sample,
  dtype: DType,
  positions: readonly number[],
  seed: string,
  tolerance: number,
): Promise<number> {
  const inputs = makeInputs(sample, dtype, "contiguous", seed);
  const { weights, reference, directions } = prepare(sample, dtype, inputs, positions, seed);
  return withInputs(where.device, inputs, "contiguous", async (tensors) => {
    const loss = lossOn(where, sample, dtype, tensors, positions, weights);
    const sources = positions.map((position) => tensors[position]);
    const along = (...xs: Tensor[]) =>
      total([
        ...gradients(loss, xs).map((slope, i) => sum(mul(slope, upload(directions[i], dtype, where.device)))),
        ...connections(xs),
      ]);
    const actual = scope(() => gradients(along, sources));
    const expected = secondDifferences(reference, inputs, positions, weights, directions);
    return compareAll("second gradient", actual, expected, positions, dtype, limit(SECOND, dtype, tolerance));
  });
}
