import { maxPool3d } from "@neurite/core";
import type { Case } from "../case.js";
import { maxPooled, poolErrors } from "./max-pool1d.js";

export const maxPool3dCase: Case = {
  op: "maxPool3d",
  fused: true,
  samples: [
    maxPooled("of cubes", [1, 2, 4, 2, 2], [2, 2, 2]),
    maxPooled("with stride, dilation and padding", [1, 3, 3, 4, 1], [2, 2, 2], { stride: [1, 2, 2], dilation: [2, 1, 1], padding: [[0, 1], [1, 0], 0] }, { stride: [1, 2, 2], dilation: [2, 1, 1], before: [0, 1, 0], after: [1, 0, 0] }),
    maxPooled("of no volume", [0, 2, 2, 2, 1], [2, 2, 2]),
  ],
  errors: poolErrors("maxPool3d", maxPool3d, 3),
}; // biome-ignore format: lists of shapes
