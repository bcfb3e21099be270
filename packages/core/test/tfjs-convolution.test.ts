import { conv1d, conv2d, conv3d, convTranspose2d, reshape } from "@neurite/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, it } from "vitest";
import { bothLibraries, expectSame } from "./tfjs.js";

bothLibraries();

type T3 = tf.Tensor3D;
type T4 = tf.Tensor4D;
type T5 = tf.Tensor5D;

describe("as in tfjs:", () => {
  for (const padding of ["same", "valid"] as const) {
    for (const stride of [1, 2, 3]) {
      it(`conv1d, padding ${padding}, stride ${stride}`, () => {
        expectSame(
          (x, w) => conv1d(x, w, { stride, padding }),
          (x, w) => tf.conv1d(x as T3, w as T3, stride, padding),
          [{ shape: [2, 10, 3] }, { shape: [4, 3, 5] }],
        );
      });

      it(`conv2d, padding ${padding}, stride ${stride}`, () => {
        expectSame(
          (x, w) => conv2d(x, w, { stride, padding }),
          (x, w) => tf.conv2d(x as T4, w as T4, stride, padding),
          [{ shape: [2, 8, 9, 3] }, { shape: [3, 4, 3, 5] }],
        );
      });

      it(`conv3d, padding ${padding}, stride ${stride}`, () => {
        expectSame(
          (x, w) => conv3d(x, w, { stride, padding }),
          (x, w) => tf.conv3d(x as T5, w as T5, stride, padding),
          [{ shape: [1, 5, 6, 7, 2] }, { shape: [2, 3, 3, 2, 3] }],
        );
      });

      it(`conv2dTranspose, padding ${padding}, stride ${stride}`, () => {
        const [h, w] = padding === "same" ? [4 * stride, 5 * stride] : [3 * stride + 3, 4 * stride + 3];
        expectSame(
          (x, filters) => convTranspose2d(x, filters, { stride, padding }),
          (x, filters) => tf.conv2dTranspose(x as T4, filters as T4, [2, h, w, 4], stride, padding),
          [{ shape: [2, 4, 5, 3] }, { shape: [3, 3, 4, 3] }],
        );
      });
    }

    it(`dilated conv1d and conv2d, padding ${padding} (tfjs has no gradients of them)`, () => {
      expectSame(
        (x, w) => conv1d(x, w, { padding, dilation: 2 }),
        (x, w) => tf.conv1d(x as T3, w as T3, 1, padding, "NWC", 2),
        [{ shape: [2, 10, 3] }, { shape: [3, 3, 5] }],
        { gradients: false },
      );
      expectSame(
        (x, w) => conv2d(x, w, { padding, dilation: [2, 3] }),
        (x, w) => tf.conv2d(x as T4, w as T4, 1, padding, "NHWC", [2, 3]),
        [{ shape: [2, 8, 9, 3] }, { shape: [3, 2, 3, 5] }],
        { gradients: false },
      );
    });

    for (const [stride, multiplier] of [
      [1, 1],
      [2, 1],
      [1, 3],
      [2, 2],
    ] as const) {
      it(`depthwise conv2d, padding ${padding}, stride ${stride}, multiplier ${multiplier}`, () => {
        expectSame(
          (x, w) => conv2d(x, reshape(w, [3, 3, 1, 4 * multiplier]), { stride, padding, groups: 4 }),
          (x, w) => tf.depthwiseConv2d(x as T4, w as T4, stride, padding),
          [{ shape: [2, 7, 8, 4] }, { shape: [3, 3, 4, multiplier] }],
        );
      });
    }
  }

  it("conv2d with padding of its own on each side", () => {
    expectSame(
      (x, w) => conv2d(x, w, { padding: [[1, 0], [2, 3]] }), // biome-ignore format: one pair per axis
      (x, w) => tf.conv2d(x as T4, w as T4, 1, [[0, 0], [1, 0], [2, 3], [0, 0]]), // biome-ignore format: one pair per axis
      [{ shape: [1, 5, 6, 2] }, { shape: [3, 3, 2, 4] }],
    );
  });
});
