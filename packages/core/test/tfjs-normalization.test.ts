import { batchNorm, batchNormInference, groupNorm, layerNorm, rmsNorm } from "@neurite/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, it } from "vitest";
import { bothLibraries, expectSame } from "./tfjs.js";

bothLibraries();

const EPS = 1e-3;

/** (x − mean)/√(variance + eps) ⊙ weight + bias over the axes, of tfjs' own ops. */
function normalized(x: tf.Tensor, axes: number[], weight: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const { mean, variance } = tf.moments(x, axes, true);
  const z = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, EPS)));
  return tf.add(tf.mul(z, weight), bias);
}

describe("as in tfjs:", () => {
  it("batch normalisation of a mini-batch", () => {
    for (const shape of [[8, 3], [2, 4, 5, 3]]) {
      expectSame(
        (x, weight, bias) => batchNorm(x, { weight, bias, eps: EPS }).y,
        (x, weight, bias) => normalized(x, shape.slice(0, -1).map((_, i) => i), weight, bias),
        [{ shape }, { shape: [3] }, { shape: [3] }],
      );
    }
  }); // biome-ignore format: shapes

  it("batch normalisation with given statistics", () => {
    const variance = new Float32Array([0.5, 2, 1]);
    expectSame(
      (x, mean, v, weight, bias) => batchNormInference(x, mean, v, { weight, bias, eps: EPS }),
      (x, mean, v, weight, bias) =>
        tf.batchNorm(x, mean as tf.Tensor1D, v as tf.Tensor1D, bias as tf.Tensor1D, weight as tf.Tensor1D, EPS),
      [{ shape: [2, 4, 5, 3] }, { shape: [3] }, { shape: [3], data: variance }, { shape: [3] }, { shape: [3] }],
    );
  });

  it("layer normalisation over one axis and two", () => {
    expectSame(
      (x, weight, bias) => layerNorm(x, { weight, bias, eps: EPS }),
      (x, weight, bias) => normalized(x, [2], weight, bias),
      [{ shape: [2, 5, 7] }, { shape: [7] }, { shape: [7] }],
    );
    expectSame(
      (x, weight, bias) => layerNorm(x, { weight, bias, eps: EPS }),
      (x, weight, bias) => normalized(x, [1, 2], weight, bias),
      [{ shape: [4, 3, 5] }, { shape: [3, 5] }, { shape: [3, 5] }],
    );
  });

  it("group normalisation", () => {
    expectSame(
      (x, weight, bias) => groupNorm(x, 2, { weight, bias, eps: EPS }),
      (x, weight, bias) => {
        const parts = tf.reshape(x, [2, 3, 4, 2, 3]);
        const y = normalized(parts, [1, 2, 4], tf.reshape(weight, [2, 3]), tf.reshape(bias, [2, 3]));
        return tf.reshape(y, [2, 3, 4, 6]);
      },
      [{ shape: [2, 3, 4, 6] }, { shape: [6] }, { shape: [6] }],
    );
  });

  it("root-mean-square normalisation", () => {
    expectSame(
      (x, weight) => rmsNorm(x, { weight, eps: EPS }),
      (x, weight) => tf.mul(tf.div(x, tf.sqrt(tf.add(tf.mean(tf.square(x), -1, true), EPS))), weight),
      [{ shape: [2, 5, 7] }, { shape: [7] }],
    );
  });
});
