import type { Case } from "../case.js";
import { slide } from "../convolution-reference.js";
import { transposed, transposedErrors } from "./conv-transpose1d.js";
import { CONVOLUTION_TOLERANCE } from "./conv1d.js";

export const convTranspose3dCase: Case = {
  op: "convTranspose3d",
  fused: true,
  tolerance: CONVOLUTION_TOLERANCE,
  samples: [
    transposed("of a volume", [[1, 2, 1, 2, 2], [2, 2, 2, 2, 2], [2]]),
    transposed("with stride, padding and output padding", [[1, 2, 2, 2, 1], [2, 2, 2, 1, 1]], { stride: 2, padding: 1, outputPadding: 1 }, slide(3, { stride: 2, pad: 1 })),
    transposed("of odd lengths, with dilation", [[1, 3, 1, 3, 1], [3, 1, 3, 1, 1]], { dilation: [1, 1, 2] }, { dilation: [1, 1, 2] }),
    transposed("of no volume", [[0, 2, 2, 2, 1], [2, 2, 2, 1, 1]]),
    transposed("in two groups", [[1, 1, 2, 2, 2], [2, 2, 1, 1, 2]], { groups: 2 }),
  ],
  errors: transposedErrors(3),
}; // biome-ignore format: lists of shapes
