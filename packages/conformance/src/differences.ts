/**
 * Derivatives of references by central differences, in float64. The references are plain JavaScript, so a mistake in an
 * op cannot hide in the number its gradient is compared with, and backends without float64 are held to it as well.
 */
import { seeded } from "./inputs.js";
import { count, type Plain } from "./plain.js";

export type Reference = (inputs: readonly Plain[]) => readonly Plain[];

/** Weights of the scalar Σ v·y + ½ Σ u·y²: its slope by y depends on y, so second gradients pass through dy too. */
export interface Weights {
  readonly linear: readonly Plain[];
  readonly squared: readonly Plain[];
}

/** Weights between −1 and 1, exact in float32. */
export function weightsFor(shapes: readonly (readonly number[])[], seed: string): Plain[] {
  const random = seeded(seed);
  return shapes.map((shape) => ({
    shape,
    data: Array.from({ length: count(shape) }, () => Math.fround(2 * random() - 1)),
  }));
}

function lossOf(results: readonly Plain[], { linear, squared }: Weights): number {
  let loss = 0;
  results.forEach(({ data }, i) => {
    data.forEach((y, k) => {
      loss += linear[i].data[k] * y + 0.5 * squared[i].data[k] * y * y;
    });
  });
  return loss;
}

function moved(inputs: readonly Plain[], position: number, element: number, by: number): Plain[] {
  return inputs.map((input, i) =>
    i === position ? { shape: input.shape, data: input.data.with(element, input.data[element] + by) } : input,
  );
}

function movedAlong(inputs: readonly Plain[], directions: readonly (Plain | null)[], by: number): Plain[] {
  return inputs.map((input, i) => {
    const direction = directions[i];
    return direction ? { shape: input.shape, data: input.data.map((x, k) => x + by * direction.data[k]) } : input;
  });
}

/** Gradient by the inputs at `positions`. Error of order step⁴: about 1e-11 for smooth functions of size 1. */
export function firstDifferences(
  reference: Reference,
  inputs: readonly Plain[],
  positions: readonly number[],
  weights: Weights,
): Plain[] {
  const h = 1e-3;
  return positions.map((position) => ({
    shape: inputs[position].shape,
    data: inputs[position].data.map((_, k) => {
      const f = (by: number) => lossOf(reference(moved(inputs, position, k, by)), weights);
      return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
    }),
  }));
}

/** Gradient of the gradient's product with `directions`, by the same inputs: the Hessian times the directions. */
export function secondDifferences(
  reference: Reference,
  inputs: readonly Plain[],
  positions: readonly number[],
  weights: Weights,
  directions: readonly Plain[],
): Plain[] {
  const along = inputs.map((_, i) => directions[positions.indexOf(i)] ?? null);
  const slopes = (h: number) => {
    const ahead = movedAlong(inputs, along, h);
    const behind = movedAlong(inputs, along, -h);
    return (position: number, k: number) => {
      const f = (base: readonly Plain[], by: number) => lossOf(reference(moved(base, position, k, by)), weights);
      return (f(ahead, h) - f(ahead, -h) - f(behind, h) + f(behind, -h)) / (4 * h * h);
    };
  };
  const [wide, narrow] = [slopes(4e-3), slopes(2e-3)];
  return positions.map((position) => ({
    shape: inputs[position].shape,
    // Richardson's extrapolation removes the error of order step²
    data: inputs[position].data.map((_, k) => (4 * narrow(position, k) - wide(position, k)) / 3),
  }));
}
