import { conv2d, ones } from "@neurite/core";
import { slopeOf, valuesOf } from "../call.js";
import type { Case, FreeCheck } from "../case.js";
import { expectEqual, expectThat } from "../compare.js";
import { slide } from "../convolution-reference.js";
import { CONVOLUTION_TOLERANCE, convolution, convolutionErrors, withInfinity } from "./conv1d.js";

/**
 * A 3×3 convolution of `n` square images of ones whose windows together are too large to be copied at once: each output
 * counts the elements of its window, and each gradient by a filter the outputs that its element is seen by.
 */
function ofOnes(name: string, n: number, length: number, channels: number): FreeCheck {
  const inside = (i: number) => (i === 0 || i === length - 1 ? 2 : 3);
  const seen = (i: number) => (i === 1 ? length : length - 1);
  return {
    name,
    async run(env) {
      const x = ones([n, length, length, channels], env);
      const filters = ones([3, 3, channels, 1], env);
      const run = (weights: typeof filters) => conv2d(x, weights, { padding: 1 });
      const [values] = await valuesOf(run(filters));
      const slopes = await slopeOf(run, filters);
      x.dispose();
      filters.dispose();
      const wrong = values.findIndex(
        (value, i) => value !== channels * inside(Math.floor(i / length) % length) * inside(i % length),
      );
      expectThat(wrong < 0 && values.length === n * length * length, `element ${wrong} is ${values[wrong]}`);
      expectEqual(
        "the gradient",
        slopes,
        Array.from({ length: 9 * channels }, (_, i) => {
          const place = Math.floor(i / channels);
          return n * seen(Math.floor(place / 3)) * seen(place % 3);
        }),
      );
    },
  };
}

export const conv2dCase: Case = {
  op: "conv2d",
  fused: true,
  tolerance: CONVOLUTION_TOLERANCE,
  samples: [
    convolution("of two images", [[2, 4, 5, 2], [3, 2, 2, 3], [3]]),
    withInfinity(convolution("in two groups", [[1, 3, 3, 4], [2, 2, 2, 4]], { groups: 2 })),
    convolution("without bias", [[1, 3, 3, 1], [2, 2, 1, 2]]),
    convolution("with windows of one pixel", [[2, 3, 2, 3], [1, 1, 3, 2], [2]]),
    convolution("with windows of one pixel and a stride", [[1, 4, 3, 2], [1, 1, 2, 2]], { stride: 2 }, slide(2, { stride: 2 })),
    convolution("with padding", [[1, 3, 3, 2], [3, 3, 2, 2]], { padding: 1 }, slide(2, { pad: 1 })),
    convolution("with padding on some sides", [[1, 3, 2, 1], [2, 3, 1, 2]], { padding: [[1, 0], [0, 2]] }, { before: [1, 0], after: [0, 2] }),
    convolution("with a stride that leaves a rest", [[1, 6, 5, 1], [3, 2, 1, 2]], { stride: [2, 3] }, { stride: [2, 3] }),
    convolution("with stride and TensorFlow's same padding", [[1, 4, 5, 1], [3, 3, 1, 2]], { stride: 2, padding: "same" }, { stride: [2, 2], before: [0, 1], after: [1, 1] }),
    convolution("with dilation", [[1, 5, 6, 1], [2, 3, 1, 2]], { dilation: [3, 2] }, { dilation: [3, 2] }),
    convolution("with stride, dilation and padding", [[1, 6, 5, 1], [3, 2, 1, 1]], { stride: [2, 1], dilation: [2, 3], padding: [2, [0, 1]] }, { stride: [2, 1], dilation: [2, 3], before: [2, 0], after: [2, 1] }),
    convolution("in two groups", [[1, 3, 3, 4], [2, 2, 2, 2], [2]], { groups: 2 }),
    convolution("in three groups with stride and padding", [[2, 4, 3, 6], [3, 2, 2, 3]], { groups: 3, stride: 2, padding: 1 }, slide(2, { stride: 2, pad: 1 })),
    convolution("of each channel by itself", [[1, 4, 4, 3], [3, 3, 1, 3], [3]], { groups: 3, padding: 1 }, slide(2, { pad: 1 })),
    convolution("of each channel by itself with stride and dilation", [[1, 5, 6, 2], [2, 2, 1, 2]], { groups: 2, stride: 2, dilation: 2 }, slide(2, { stride: 2, dilation: 2 })),
    convolution("of each of seven channels by itself", [[2, 3, 4, 7], [3, 2, 1, 7], [7]], { groups: 7, padding: 1, dilation: 2 }, slide(2, { pad: 1, dilation: 2 })),
    convolution("of each channel by itself to two each", [[1, 3, 4, 2], [2, 2, 1, 4]], { groups: 2 }),
    convolution("of images of one pixel", [[2, 1, 1, 2], [3, 3, 2, 2]], { padding: 1 }, slide(2, { pad: 1 })),
    convolution("of images of one row", [[1, 1, 6, 1], [1, 3, 1, 1]]),
    convolution("of 2×9×11×7 elements and 19 filters", [[2, 9, 11, 7], [3, 3, 7, 19], [19]], { padding: 1 }, slide(2, { pad: 1 }), { gradient: false }),
    convolution("of 2×9×11×35 elements, each channel by itself", [[2, 9, 11, 35], [3, 3, 1, 35]], { padding: 1, groups: 35 }, slide(2, { pad: 1 }), { gradient: false }),
    convolution("in two groups with dilation and padding", [[1, 4, 5, 6], [2, 2, 3, 10], [10]], { groups: 2, dilation: 2, padding: 1 }, slide(2, { dilation: 2, pad: 1 })),
    convolution("in four groups of three channels", [[1, 3, 4, 12], [2, 2, 3, 12], [12]], { groups: 4 }),
    convolution("in five groups with a stride", [[1, 5, 4, 5], [3, 2, 1, 10]], { groups: 5, stride: 2 }, slide(2, { stride: 2 })),
    convolution("with stride and dilation that have a common factor", [[1, 7, 12, 2], [3, 3, 2, 2]], { stride: [2, 6], dilation: [2, 4], padding: 1 }, { stride: [2, 6], dilation: [2, 4], before: [1, 1], after: [1, 1] }),
    convolution("of 2×9×11×21 elements in three groups", [[2, 9, 11, 21], [3, 3, 7, 33], [33]], { groups: 3, padding: 2, dilation: 2 }, slide(2, { pad: 2, dilation: 2 }), { gradient: false }),
    convolution("of no image", [[0, 3, 3, 2], [2, 2, 2, 1], [1]]),
  ],
  checks: [
    ofOnes("of one large image runs in blocks of rows", 1, 224, 12),
    ofOnes("of large images runs in blocks of them", 5, 100, 16),
  ],
  errors: convolutionErrors(2),
}; // biome-ignore format: lists of shapes
