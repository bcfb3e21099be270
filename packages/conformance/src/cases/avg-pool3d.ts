import { avgPool3d } from "@neurite/core";
import type { Case } from "../case.js";
import { averaged } from "./avg-pool1d.js";
import { poolErrors } from "./max-pool1d.js";

export const avgPool3dCase: Case = {
  op: "avgPool3d",
  fused: true,
  samples: [
    averaged("of cubes", [1, 2, 4, 2, 2], [2, 2, 2]),
    averaged("with stride and padding that does not count", [1, 3, 2, 3, 1], [2, 2, 2], { stride: [1, 2, 1], padding: [[1, 0], 0, [0, 1]], countIncludePad: false }, { stride: [1, 2, 1], before: [1, 0, 0], after: [0, 0, 1] }),
    averaged("of no volume", [0, 2, 2, 2, 1], [2, 2, 2]),
  ],
  errors: poolErrors("avgPool3d", avgPool3d, 3),
}; // biome-ignore format: lists of shapes
