import type { Case } from "../case.js";
import { slide } from "../convolution-reference.js";
import { transposed, transposedErrors } from "./conv-transpose1d.js";
import { CONVOLUTION_TOLERANCE } from "./conv1d.js";

export const convTranspose2dCase: Case = {
  op: "convTranspose2d",
  fused: true,
  tolerance: CONVOLUTION_TOLERANCE,
  samples: [
    transposed("of two images", [[2, 2, 3, 2], [2, 3, 2, 2], [2]]),
    transposed("with stride, padding and output padding", [[1, 2, 3, 2], [3, 3, 1, 2]], { stride: 2, padding: 1, outputPadding: 1 }, slide(2, { stride: 2, pad: 1 })),
    transposed("with padding on some sides", [[1, 3, 3, 1], [3, 2, 2, 1]], { padding: [[0, 2], [1, 0]] }, { before: [0, 1], after: [2, 0] }),
    transposed("with same padding", [[1, 2, 2, 1], [3, 3, 2, 1]], { stride: 2, padding: "same" }, { stride: [2, 2], before: [0, 0], after: [1, 1] }, [4, 4]),
    transposed("with dilation", [[1, 2, 3, 2], [2, 2, 2, 2]], { dilation: [1, 2] }, { dilation: [1, 2] }),
    transposed("in two groups", [[1, 2, 2, 4], [2, 2, 3, 4], [6]], { groups: 2, stride: 2 }, slide(2, { stride: 2 })),
    transposed("of each channel by itself", [[1, 3, 3, 2], [3, 3, 1, 2]], { groups: 2, stride: 2, padding: 1 }, slide(2, { stride: 2, pad: 1 })),
    transposed("with more padding than the window reaches", [[1, 4, 4, 1], [2, 2, 1, 1]], { padding: 2, stride: 2 }, slide(2, { stride: 2, pad: 2 })),
    transposed("of no image", [[0, 2, 2, 1], [2, 2, 1, 1]]),
  ],
  errors: transposedErrors(2),
}; // biome-ignore format: lists of shapes
