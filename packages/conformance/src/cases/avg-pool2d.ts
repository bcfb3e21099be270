import { avgPool2d } from "@neurite/core";
import type { Case } from "../case.js";
import { slide } from "../convolution-reference.js";
import { averaged } from "./avg-pool1d.js";
import { poolErrors } from "./max-pool1d.js";

export const avgPool2dCase: Case = {
  op: "avgPool2d",
  fused: true,
  samples: [
    averaged("of squares", [2, 4, 6, 2], [2, 2]),
    averaged("with windows that overlap, and padding", [1, 5, 4, 2], [3, 3], { stride: 2, padding: 1 }, slide(2, { stride: 2, pad: 1 })),
    averaged("with padding that does not count", [1, 3, 4, 1], [3, 2], { stride: 1, padding: [[1, 0], [0, 1]], countIncludePad: false }, { stride: [1, 1], before: [1, 0], after: [0, 1] }),
    averaged("with TensorFlow's same padding", [1, 4, 5, 1], [3, 3], { stride: 2, padding: "same", countIncludePad: false }, { stride: [2, 2], before: [0, 1], after: [1, 1] }),
    averaged("with steps beyond the window", [1, 6, 7, 1], [2, 2], { stride: [3, 4] }, { stride: [3, 4] }),
    averaged("of no image", [0, 4, 4, 2], [2, 2]),
  ],
  errors: poolErrors("avgPool2d", avgPool2d, 2),
}; // biome-ignore format: lists of shapes
