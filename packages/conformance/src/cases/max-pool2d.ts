import { maxPool2d } from "@neurite/core";
import { slopeOf, tensorOf } from "../call.js";
import { type Case, FLOATS } from "../case.js";
import { expectEqual } from "../compare.js";
import { slide } from "../convolution-reference.js";
import { maxPooled, poolErrors } from "./max-pool1d.js";

export const maxPool2dCase: Case = {
  op: "maxPool2d",
  fused: true,
  samples: [
    maxPooled("of squares", [2, 4, 6, 2], [2, 2]),
    maxPooled("with windows that overlap, and padding", [1, 5, 6, 2], [3, 3], { stride: 2, padding: 1 }, slide(2, { stride: 2, pad: 1 })),
    maxPooled("with steps beyond the window", [1, 6, 7, 1], [2, 2], { stride: [3, 4] }, { stride: [3, 4] }),
    maxPooled("of rows, with dilation", [1, 2, 7, 2], [1, 3], { stride: 1, dilation: [1, 2] }, { stride: [1, 1], dilation: [1, 2] }),
    maxPooled("with TensorFlow's same padding", [1, 5, 4, 1], [3, 2], { stride: 2, padding: "same" }, { stride: [2, 2], before: [1, 0], after: [1, 0] }),
    maxPooled("of all of an image", [2, 3, 2, 2], [3, 2]),
    maxPooled("of images of one pixel", [2, 1, 1, 3], [3, 3], { stride: 1, padding: 1 }, { stride: [1, 1], before: [1, 1], after: [1, 1] }),
    maxPooled("of 3×17×19×5 elements", [3, 17, 19, 5], [3, 3], { stride: 2, padding: 1 }, slide(2, { stride: 2, pad: 1 }), { gradient: false }),
    maxPooled("of no image", [0, 4, 4, 2], [2, 2]),
  ],
  checks: [
    {
      name: "gives the gradient to the first of equals, row by row",
      dtypes: FLOATS,
      async run(env) {
        const x = tensorOf(env, [0, 7, 7, 7, 5, 5, 5, 5], env.dtype, [1, 2, 4, 1]);
        expectEqual("the gradient", await slopeOf((y) => maxPool2d(y, 2), x), [0, 1, 1, 0, 0, 0, 0, 0]);
        x.dispose();
      },
    },
    {
      name: "gives the gradient of a window of −∞ to its first element, not to padding",
      dtypes: FLOATS,
      async run(env) {
        const none = new Array<number>(9).fill(Number.NEGATIVE_INFINITY);
        const x = tensorOf(env, none, env.dtype, [1, 3, 3, 1]);
        const slope = await slopeOf((y) => maxPool2d(y, 3, { stride: 2, padding: 1 }), x);
        expectEqual("the gradient", slope, [1, 1, 0, 1, 1, 0, 0, 0, 0]);
        const far = await slopeOf((y) => maxPool2d(y, 3, { stride: 1, padding: 2, dilation: 3 }), x);
        expectEqual("the gradient with dilation", far, [0, 0, 0, 0, 1, 0, 0, 0, 0]);
        x.dispose();
      },
    },
    {
      name: "is less sensitive to shifts than its input: one pixel within a window changes nothing",
      async run(env) {
        const one = tensorOf(env, [1, 0, 0, 0], env.dtype, [1, 2, 2, 1]);
        const other = tensorOf(env, [0, 0, 0, 1], env.dtype, [1, 2, 2, 1]);
        const [a, b] = [maxPool2d(one, 2), maxPool2d(other, 2)];
        expectEqual("the pooled image", await a.data(), Array.from(await b.data()));
        for (const tensor of [one, other, a, b]) tensor.dispose();
      },
    },
  ],
  errors: poolErrors("maxPool2d", maxPool2d, 2),
}; // biome-ignore format: lists of shapes
