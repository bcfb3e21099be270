import { avgPool1d, avgPool2d, avgPool3d, globalAvgPool, maxPool1d, maxPool2d, maxPool3d } from "@neurite/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, it } from "vitest";
import { bothLibraries, expectSame, random } from "./tfjs.js";

bothLibraries();

type T4 = tf.Tensor4D;
type T5 = tf.Tensor5D;

/** A sequence as an image of one row; tfjs has no pooling of sequences. */
const row = (x: tf.Tensor) => tf.expandDims(x, 1) as T4;
const line = (x: tf.Tensor) => tf.squeeze(x, [1]);

describe("as in tfjs:", () => {
  for (const padding of ["same", "valid"] as const) {
    for (const [size, stride] of [
      [2, 2],
      [3, 2],
      [3, 1],
      [2, 3],
    ] as const) {
      // tfjs' "same" padding of volumes goes below zero where the steps are longer than the window
      const cube = padding === "valid" || stride <= size;
      const how = `${size} by steps of ${stride}, padding ${padding}`;

      it(`max-pooling of ${how}`, () => {
        expectSame(
          (x) => maxPool1d(x, size, { stride, padding }),
          (x) => line(tf.maxPool(row(x), [1, size], [1, stride], padding)),
          [{ shape: [2, 8, 3] }],
        );
        expectSame(
          (x) => maxPool2d(x, size, { stride, padding }),
          (x) => tf.maxPool(x as T4, size, stride, padding),
          [{ shape: [2, 7, 8, 3] }],
        );
        if (!cube) return;
        expectSame(
          (x) => maxPool3d(x, size, { stride, padding }),
          (x) => tf.maxPool3d(x as T5, size, stride, padding),
          [{ shape: [1, 5, 6, 7, 2] }],
        );
      });

      it(`average pooling of ${how}`, () => {
        const options = { stride, padding, countIncludePad: false };
        expectSame(
          (x) => avgPool1d(x, size, options),
          (x) => line(tf.avgPool(row(x), [1, size], [1, stride], padding)),
          [{ shape: [2, 8, 3] }],
          // tfjs divides gradients by the whole window, also where part of it is padding
          { gradients: padding === "valid" },
        );
        expectSame(
          (x) => avgPool2d(x, size, options),
          (x) => tf.avgPool(x as T4, size, stride, padding),
          [{ shape: [2, 7, 8, 3] }],
          { gradients: padding === "valid" },
        );
        if (!cube) return;
        expectSame(
          (x) => avgPool3d(x, size, options),
          (x) => tf.avgPool3d(x as T5, size, stride, padding),
          [{ shape: [1, 5, 6, 7, 2] }],
          { gradients: padding === "valid" },
        );
      });
    }
  }

  it("max-pooling with ties, whose gradient goes to the first", () => {
    const data = random([2, 6, 6, 3]).map((value) => Math.round(value)) as Float32Array<ArrayBuffer>;
    for (const stride of [1, 2]) {
      expectSame(
        (x) => maxPool2d(x, 3, { stride }),
        (x) => tf.maxPool(x as T4, 3, stride, "valid"),
        [{ shape: [2, 6, 6, 3], data }],
      );
    }
  });

  it("pooling over all positions", () => {
    expectSame(globalAvgPool, (x) => tf.mean(x, [1, 2]), [{ shape: [2, 4, 5, 3] }]);
  });
});
