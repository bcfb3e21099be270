/** Normalisation of groups of channels over all positions of an example [n, positions, channels], and its gradient. */
import type { View } from "@neurite/core";
import type { Engine } from "../engine.js";
import { addressOf, floatsAt } from "../views.js";
import { ColumnWalk } from "./column-walk.js";

/** Positions below which the sums by channel are so many that the composition takes less time. */
const FEW_POSITIONS = 8;

/** outs y, while recording also mean and 1/deviation [n, groups, 1]; inputs x, maybe weight and bias [channels]. */
export function makeGroupNorm(engine: Engine) {
  return (
    outs: readonly View[],
    inputs: readonly View[],
    { groups, eps }: { readonly groups: number; readonly eps: number },
  ): undefined | false => {
    const [x, weight, bias] = inputs as [View, View?, View?];
    const [y, mean, rstd] = outs as [View, View?, View?];
    const [n, m, channels] = x.shape as [number, number, number];
    if (m < FEW_POSITIONS) return false;
    const share = channels / groups;
    const walk = new ColumnWalk(engine, n, m, channels);
    const { means, squares } = walk.moments(addressOf(x));
    const fill = ([centers, factors, shifts]: readonly Float32Array[]) => {
      const [weights, biases] = [weight, bias].map((view) => view && floatsAt(engine, addressOf(view), channels));
      const [averages, deviations] = [mean, rstd].map((view) => view && floatsAt(engine, addressOf(view), n * groups));
      for (let group = 0, first = 0; group < n * groups; group++, first += share) {
        let center = 0;
        for (let i = first; i < first + share; i++) center += means[i]!;
        center /= share;
        let total = 0;
        for (let i = first; i < first + share; i++) {
          const distance = means[i]! - center;
          total += squares[i]! + m * distance * distance;
        }
        const deviation = 1 / Math.sqrt(total / (m * share) + eps);
        if (averages) averages[group] = center;
        if (deviations) deviations[group] = deviation;
        for (let i = first, c = first % channels; i < first + share; i++, c++) {
          centers![i] = center;
          factors![i] = weights ? deviation * weights[c]! : deviation;
          shifts![i] = biases ? biases[c]! : 0;
        }
      }
    };
    walk.affine(addressOf(x), null, fill, addressOf(y));
    return undefined;
  };
}

/**
 * outs gradient by x and, if `affine`, by weight and bias; inputs dy, x, mean and 1/deviation [n, groups, 1], and maybe the
 * weight. With z = (x − mean)·rstd and g = dy ⊙ weight it is rstd·(g − mean(g) − z·mean(g ⊙ z)).
 */
export function makeGroupNormGrad(engine: Engine) {
  return (
    outs: readonly View[],
    inputs: readonly View[],
    { groups, affine }: { readonly groups: number; readonly affine: boolean },
  ): undefined | false => {
    const [dy, x, mean, rstd, weight] = inputs as [View, View, View, View, View?];
    const [dx, ...byAffine] = outs as [View, ...View[]];
    const [n, m, channels] = x.shape as [number, number, number];
    if (m < FEW_POSITIONS) return false;
    const share = channels / groups;
    const walk = new ColumnWalk(engine, n, m, channels);
    const setCenters = (centers: Float32Array) => {
      const averages = floatsAt(engine, addressOf(mean), n * groups);
      for (let group = 0; group < n * groups; group++) {
        centers.fill(averages[group]!, group * share, (group + 1) * share);
      }
    };
    const { errors, products } = engine.withScratch(4 * n * channels, (at) => {
      setCenters(floatsAt(engine, at, n * channels));
      return walk.errors(addressOf(x), at, addressOf(dy));
    });
    const fill = ([centers, factors, shifts, scales]: readonly Float32Array[]) => {
      setCenters(centers!);
      const weights = weight && floatsAt(engine, addressOf(weight), channels);
      const deviations = floatsAt(engine, addressOf(rstd), n * groups);
      const totals = [new Float64Array(channels), new Float64Array(channels)] as const;
      for (let group = 0, first = 0; group < n * groups; group++, first += share) {
        const deviation = deviations[group]!;
        let [sum, sumZ] = [0, 0];
        for (let i = first, c = first % channels; i < first + share; i++, c++) {
          const scale = weights ? weights[c]! * deviation : deviation;
          const product = products[i]! * deviation;
          sum += scale * errors[i]!;
          sumZ += scale * product;
          totals[0][c]! += product;
          totals[1][c]! += errors[i]!;
          scales![i] = scale;
        }
        factors!.fill((-sumZ * deviation) / (m * share), first, first + share);
        shifts!.fill(-sum / (m * share), first, first + share);
      }
      if (affine) byAffine.forEach((view, i) => void floatsAt(engine, addressOf(view), channels).set(totals[i]!));
    };
    walk.affine(addressOf(x), addressOf(dy), fill, addressOf(dx));
    return undefined;
  };
}
