/** Batch normalisation of the columns of a matrix [m, channels], and its gradient. */
import type { View } from "@neurite/core";
import type { Engine } from "../engine.js";
import { addressOf, floatsAt } from "../views.js";
import { ColumnWalk } from "./column-walk.js";

/** outs y [m, channels], mean and variance [channels], while recording also 1/deviation; inputs x, maybe weight and bias. */
export function makeBatchNorm(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[], { eps }: { readonly eps: number }): undefined => {
    const [x, weight, bias] = inputs as [View, View?, View?];
    const [y, mean, variance, rstd] = outs as [View, View, View, View?];
    const [m, channels] = x.shape as [number, number];
    const walk = new ColumnWalk(engine, 1, m, channels);
    const read = (view: View) => floatsAt(engine, addressOf(view), channels);
    const { means, squares } = walk.moments(addressOf(x));
    const fill = ([centers, deviations, shifts]: readonly Float32Array[]) => {
      read(mean).set(means);
      const variances = read(variance);
      for (let c = 0; c < channels; c++) variances[c] = squares[c]! / m;
      const scales = Float32Array.from(variances, (value) => 1 / Math.sqrt(value + eps));
      if (rstd) read(rstd).set(scales);
      centers!.set(read(mean));
      if (bias) shifts!.set(read(bias));
      else shifts!.fill(0);
      for (let c = 0; c < channels; c++) deviations![c] = scales[c]! * (weight ? read(weight)[c]! : 1);
    };
    walk.affine(addressOf(x), null, fill, addressOf(y));
  };
}

/**
 * outs gradient by x and, if `affine`, by weight and bias; inputs the errors of y, mean and variance, then x, mean,
 * 1/deviation and maybe the weight. With z = (x − mean)·rstd it is rstd·w·(dy − mean(dy) − z·mean(dy ⊙ z)), and
 * (dMean + 2(x − mean)·dVariance)/m on top.
 */
export function makeBatchNormGrad(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[], { affine }: { readonly affine: boolean }): undefined => {
    const [dy, dMean, dVariance, x, mean, rstd, weight] = inputs as [View, View, View, View, View, View, View?];
    const [dx, dWeight, dBias] = outs as [View, View?, View?];
    const [m, channels] = x.shape as [number, number];
    const walk = new ColumnWalk(engine, 1, m, channels);
    const read = (view: View) => floatsAt(engine, addressOf(view), channels);
    const { errors, products } = walk.errors(addressOf(x), addressOf(mean), addressOf(dy));
    const fill = ([centers, deviations, shifts, factors]: readonly Float32Array[]) => {
      const [byMean, byVariance, scales] = [read(dMean), read(dVariance), read(rstd)];
      centers!.set(read(mean));
      for (let c = 0; c < channels; c++) {
        const scale = scales[c]! * (weight ? read(weight)[c]! : 1);
        const [error, product] = [errors[c]!, products[c]!];
        deviations![c] = (2 * byVariance[c]! - scale * scales[c]! * scales[c]! * product) / m;
        shifts![c] = (byMean[c]! - scale * error) / m;
        factors![c] = scale;
        if (affine) {
          read(dWeight!)[c] = scales[c]! * product;
          read(dBias!)[c] = error;
        }
      }
    };
    walk.affine(addressOf(x), addressOf(dy), fill, addressOf(dx));
  };
}
