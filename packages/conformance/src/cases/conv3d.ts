import type { Case } from "../case.js";
import { slide } from "../convolution-reference.js";
import { CONVOLUTION_TOLERANCE, convolution, convolutionErrors } from "./conv1d.js";

export const conv3dCase: Case = {
  op: "conv3d",
  fused: true,
  tolerance: CONVOLUTION_TOLERANCE,
  samples: [
    convolution("of a volume", [[1, 3, 3, 2, 2], [2, 2, 2, 2, 2], [2]]),
    convolution("with stride, dilation and padding", [[1, 3, 4, 3, 1], [2, 2, 3, 1, 1]], { stride: [1, 2, 2], dilation: [2, 1, 1], padding: [[0, 1], 1, [1, 0]] }, { stride: [1, 2, 2], dilation: [2, 1, 1], before: [0, 1, 1], after: [1, 1, 0] }),
    convolution("in two groups", [[1, 2, 2, 3, 4], [2, 1, 2, 2, 2]], { groups: 2 }),
    convolution("of each channel by itself", [[1, 2, 3, 2, 2], [2, 2, 1, 1, 2], [2]], { groups: 2, padding: 1 }, slide(3, { pad: 1 })),
    convolution("of 2×3×4×5×3 elements and 9 filters", [[2, 3, 4, 5, 3], [3, 3, 3, 3, 9], [9]], { padding: "same" }, slide(3, { pad: 1 }), { gradient: false }),
    convolution("in two groups with stride and padding", [[1, 3, 2, 4, 6], [2, 2, 2, 3, 2], [2]], { groups: 2, stride: [2, 1, 2], padding: 1 }, { stride: [2, 1, 2], before: [1, 1, 1], after: [1, 1, 1] }),
    convolution("of no volume", [[0, 2, 2, 2, 1], [2, 2, 2, 1, 1]]),
  ],
  errors: convolutionErrors(3),
}; // biome-ignore format: lists of shapes
