import { type AvgPoolOptions, avgPool1d, avgPool2d, avgPool3d, type Tensor } from "@neurite/core";
import type { Case, Sample } from "../case.js";
import { pooled, type Slide, slide } from "../convolution-reference.js";
import { numbers } from "../inputs.js";
import { count } from "../plain.js";
import { poolErrors } from "./max-pool1d.js";

const FUNCTIONS: readonly ((x: Tensor, size: number | readonly number[], options?: AvgPoolOptions) => Tensor)[] = [
  avgPool1d,
  avgPool2d,
  avgPool3d,
];

/** A sample over as many spatial axes as the shape has. Stride: the window's size unless given, as in the op. */
export function averaged(
  name: string,
  shape: readonly number[],
  size: readonly number[],
  options: AvgPoolOptions = {},
  how: Partial<Slide> = {},
): Sample {
  const n = size.length;
  const { countIncludePad = true } = options;
  return {
    name,
    inputs: [numbers(shape)],
    run: ([x]) => FUNCTIONS[n - 1](x, size, options),
    reference: ([x]) =>
      pooled(
        x,
        size,
        { ...slide(n), stride: size, ...how },
        (inside) => inside.reduce((a, b) => a + b, 0) / (countIncludePad ? count(size) : inside.length),
      ),
  };
}

export const avgPool1dCase: Case = {
  op: "avgPool1d",
  fused: true,
  samples: [
    averaged("of pairs", [2, 6, 3], [2]),
    averaged("that leaves a rest", [1, 8, 2], [3]),
    averaged("with windows that overlap", [1, 7, 2], [3], { stride: 2 }, { stride: [2] }),
    averaged("with padding and elements that no window holds", [1, 6, 2], [3], { stride: 3, padding: 1 }, { stride: [3], before: [1], after: [1] }),
    averaged("with padding that counts", [1, 5, 2], [3], { stride: 2, padding: [[2, 1]] }, { stride: [2], before: [2], after: [1] }),
    averaged("with padding that does not count", [1, 5, 2], [3], { stride: 2, padding: [[2, 1]], countIncludePad: false }, { stride: [2], before: [2], after: [1] }),
    averaged("of windows of one element", [2, 3, 2], [1]),
    averaged("of no sequence", [0, 4, 2], [2]),
  ],
  errors: poolErrors("avgPool1d", avgPool1d, 1),
}; // biome-ignore format: lists of shapes
