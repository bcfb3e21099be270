/** Layer normalisation of rows, and its gradient by the rows. */
import type { View } from "@neurite/core";
import { f32, f32x4, type I32, i32, type V128, v128 } from "../emitter/code.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { across, storeSome } from "../lanes.js";
import { type Lanes, RowWalk } from "../row-walk.js";
import { type Features, VectorMath } from "../vector-math.js";
import { addressOf } from "../views.js";

const GRAIN = 8192;

/** outs y [m, n], while recording also mean and 1/deviation [m, 1]; inputs x, maybe weight and bias [n]. */
export function makeLayerNorm(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[], { eps }: { readonly eps: number }): undefined => {
    const [x, weight, bias] = inputs as [View, View?, View?];
    const [y, mean, rstd] = outs as [View, View?, View?];
    const [m, n] = x.shape as [number, number];
    const form = { weight: !!weight, bias: !!bias, recording: !!mean };
    const kernel = engine.kernel(`layerNorm ${Object.values(form)}`, (module, features) =>
      defineLayerNorm(module, features, form),
    );
    const addresses = [x, weight ?? x, bias ?? x, y, mean ?? y, rstd ?? y].map(addressOf);
    engine.run(kernel, m, Math.ceil(GRAIN / n), n, eps, ...addresses);
  };
}

interface Form {
  readonly weight: boolean;
  readonly bias: boolean;
  readonly recording: boolean;
}

function defineLayerNorm(module: ModuleBuilder, features: Features, { weight, bias, recording }: Form): void {
  const parameters = {
    begin: "i32",
    end: "i32",
    n: "i32",
    eps: "f32",
    x: "i32",
    weight: "i32",
    bias: "i32",
    y: "i32",
    mean: "i32",
    rstd: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const rows = new RowWalk(f, p.n);
    const row = f.keep(p.begin);
    const source = f.variable("i32");
    const target = f.variable("i32");
    const none = f.vector(0);
    const math = new VectorMath(f, features);
    const share = f.keep(f32.div(f32.const(1), f32.convertI32(p.n)));
    f.while(
      () => i32.ltU(row, p.end),
      () => {
        const bytes = f.keep(i32.shl(i32.mul(row, p.n), 2));
        f.set(source, i32.add(p.x, bytes));
        f.set(target, i32.add(p.y, bytes));
        const sum = rows.fold(none, (total, { load }) => f32x4.add(total, load(source)), f32x4.add);
        const mean = f.keep(f32x4.mul(across(f, sum, f32x4.add), f32x4.splat(share)));
        // the variance from the deviations themselves, in a pass of its own: no cancellation
        const square = (total: V128, { load }: Lanes) => {
          // behind the end stands the mean, whose deviation is 0
          const deviation = f.keep(f32x4.sub(load(source, mean), mean));
          return math.madd(deviation, deviation, total);
        };
        const squares = across(f, rows.fold(none, square, f32x4.add), f32x4.add);
        const variance = f32.mul(f32x4.extract(squares, 0), share);
        const rstd = f.keep(f32.div(f32.const(1), f32.sqrt(f32.add(variance, p.eps))));
        const scale = f.keep(f32x4.splat(rstd));
        rows.pass(({ load, store }) => {
          let value = f32x4.mul(f32x4.sub(load(source), mean), scale);
          if (weight) value = f32x4.mul(value, load(p.weight));
          if (bias) value = f32x4.add(value, load(p.bias));
          store(target, value);
        });
        if (recording) {
          const at = f.keep(i32.shl(row, 2));
          f.do(f32.store(i32.add(p.mean, at), f32x4.extract(mean, 0)), f32.store(i32.add(p.rstd, at), rstd));
        }
        f.increase(row, 1);
      },
    );
  });
}

/**
 * outs the gradient by x [m, n] and, if `affine`, those by weight and bias [n]; inputs dy, x, mean and 1/deviation [m, 1],
 * and maybe the weight.
 */
export function makeLayerNormGrad(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[], { affine }: { readonly affine: boolean }): undefined => {
    const [dy, x, mean, rstd, weight] = inputs as [View, View, View, View, View?];
    const [dx, ...byAffine] = outs as [View, ...View[]];
    const [m, n] = x.shape as [number, number];
    const kernel = engine.kernel(`layerNormGrad ${!!weight}`, (module, features) =>
      defineLayerNormGrad(module, features, !!weight),
    );
    engine.run(kernel, m, Math.ceil(GRAIN / n), n, ...[dy, x, mean, rstd, weight ?? x, dx].map(addressOf));
    if (!affine) return;
    const columns = engine.kernel("layerNormGrad affine", defineAffineGrad);
    const grain = Math.ceil(GRAIN / (4 * m));
    engine.run(columns, Math.ceil(n / 4), grain, m, n, ...[dy, x, mean, rstd, ...byAffine].map(addressOf));
  };
}

/** Groups begin … end of four columns: Σ dy ⊙ z and Σ dy over the rows. */
function defineAffineGrad(module: ModuleBuilder, features: Features): void {
  const parameters = {
    begin: "i32",
    end: "i32",
    m: "i32",
    n: "i32",
    dy: "i32",
    x: "i32",
    mean: "i32",
    rstd: "i32",
    dWeight: "i32",
    dBias: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const math = new VectorMath(f, features);
    const group = f.keep(p.begin);
    const width = f.keep(i32.shl(p.n, 2));
    f.while(
      () => i32.ltU(group, p.end),
      () => {
        const column = f.keep(i32.shl(group, 4));
        const at = f.keep(column);
        const byWeight = f.keep(f32x4.const(0));
        const byBias = f.keep(f32x4.const(0));
        f.times(p.m, (row) => {
          const moment = f.keep(i32.shl(row, 2));
          const mean = v128.load32Splat(i32.add(p.mean, moment));
          const rstd = v128.load32Splat(i32.add(p.rstd, moment));
          const g = f.keep(v128.load(i32.add(p.dy, at)));
          const z = f32x4.mul(f32x4.sub(v128.load(i32.add(p.x, at)), mean), rstd);
          f.set(byWeight, math.madd(g, z, byWeight));
          f.set(byBias, f32x4.add(byBias, g));
          f.increase(at, width);
        });
        const left = f.keep(i32.sub(p.n, i32.shl(group, 2)));
        const store = (base: I32, value: V128) =>
          f.if(
            i32.gtU(left, 3),
            () => f.do(v128.store(i32.add(base, column), value)),
            () => storeSome(f, "float32", i32.add(base, column), value, left),
          );
        store(p.dWeight, byWeight);
        store(p.dBias, byBias);
        f.increase(group, 1);
      },
    );
  });
}

/** dx = rstd·(g − mean(g) − z·mean(g ⊙ z)) with g = dy ⊙ weight and z the normalised x. */
function defineLayerNormGrad(module: ModuleBuilder, features: Features, weighted: boolean): void {
  const parameters = {
    begin: "i32",
    end: "i32",
    n: "i32",
    dy: "i32",
    x: "i32",
    mean: "i32",
    rstd: "i32",
    weight: "i32",
    dx: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const math = new VectorMath(f, features);
    const rows = new RowWalk(f, p.n);
    const row = f.keep(p.begin);
    const error = f.variable("i32");
    const source = f.variable("i32");
    const target = f.variable("i32");
    const sum = f.variable("v128");
    const weightedSum = f.variable("v128");
    const share = f.keep(f32x4.splat(f32.div(f32.const(1), f32.convertI32(p.n))));
    f.while(
      () => i32.ltU(row, p.end),
      () => {
        const bytes = f.keep(i32.shl(i32.mul(row, p.n), 2));
        f.set(error, i32.add(p.dy, bytes));
        f.set(source, i32.add(p.x, bytes));
        f.set(target, i32.add(p.dx, bytes));
        const at = f.keep(i32.shl(row, 2));
        const mean = f.keep(f32x4.splat(f32.load(i32.add(p.mean, at))));
        const rstd = f.keep(f32x4.splat(f32.load(i32.add(p.rstd, at))));
        f.set(sum, f32x4.const(0));
        f.set(weightedSum, f32x4.const(0));
        rows.pass(({ load }) => {
          const g = f.keep(weighted ? f32x4.mul(load(error), load(p.weight)) : load(error));
          const z = f32x4.mul(f32x4.sub(load(source, mean), mean), rstd);
          f.set(sum, f32x4.add(sum, g));
          f.set(weightedSum, math.madd(g, z, weightedSum));
        });
        const average = f.keep(f32x4.mul(across(f, sum, f32x4.add), share));
        const slope = f.keep(f32x4.mul(across(f, weightedSum, f32x4.add), share));
        rows.pass(({ load, store }) => {
          const g = weighted ? f32x4.mul(load(error), load(p.weight)) : load(error);
          const z = f32x4.mul(f32x4.sub(load(source), mean), rstd);
          const centred = f32x4.sub(f32x4.sub(g, average), f32x4.mul(z, slope));
          store(target, f32x4.mul(centred, rstd));
        });
        f.increase(row, 1);
      },
    );
  });
}
