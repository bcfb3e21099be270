/**
 * Layer normalisation of rows, and root-mean-square normalisation, which is the same about 0 instead of the mean; with their
 * gradients.
 */
import type { View } from "@neurite/core";
import { f32, f32x4, type I32, i32, type V128 } from "../emitter/code.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { type Lanes, RowWalk } from "../row-walk.js";
import { type Features, VectorMath } from "../vector-math.js";
import { addressOf, viewAt } from "../views.js";
import { makeReduce } from "./reduce.js";

const GRAIN = 8192;
/** Rows of which one list of sums by column is made. */
const BLOCK_ROWS = 32;

interface Form {
  /** Whether the mean is taken off. */
  readonly centred: boolean;
  readonly weight: boolean;
  readonly bias: boolean;
  readonly recording: boolean;
}

function runForward(
  engine: Engine,
  form: Form,
  [x, weight, bias]: readonly [View, View | undefined, View | undefined],
  [y, mean, rstd]: readonly [View, View | undefined, View | undefined],
  eps: number,
): void {
  const [m, n] = x.shape as [number, number];
  const kernel = engine.kernel(`layerNorm ${Object.values(form)}`, (module, features) =>
    defineForward(module, features, form),
  );
  const addresses = [x, weight ?? x, bias ?? x, y, mean ?? y, rstd ?? y].map(addressOf);
  engine.run(kernel, m, Math.ceil(GRAIN / n), n, eps, ...addresses);
}

/** outs y [m, n], while recording also mean and 1/deviation [m, 1]; inputs x, maybe weight and bias [n]. */
export function makeLayerNorm(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[], { eps }: { readonly eps: number }): undefined => {
    const [x, weight, bias] = inputs as [View, View?, View?];
    const [y, mean, rstd] = outs as [View, View?, View?];
    const form = { centred: true, weight: !!weight, bias: !!bias, recording: !!mean };
    runForward(engine, form, [x, weight, bias], [y, mean, rstd], eps);
  };
}

/** outs y [m, n], while recording also 1/√(mean of squares) [m, 1]; inputs x, maybe a weight [n]. */
export function makeRmsNorm(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[], { eps }: { readonly eps: number }): undefined => {
    const [x, weight] = inputs as [View, View?];
    const [y, rstd] = outs as [View, View?];
    const form = { centred: false, weight: !!weight, bias: false, recording: !!rstd };
    runForward(engine, form, [x, weight, undefined], [y, undefined, rstd], eps);
  };
}

function defineForward(module: ModuleBuilder, features: Features, { centred, weight, bias, recording }: Form): void {
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
    const about = (x: V128, mean: V128) => (centred ? f32x4.sub(x, mean) : x);
    const math = new VectorMath(f, features);
    const share = f.keep(f32.div(f32.const(1), f32.convertI32(p.n)));
    f.while(
      () => i32.ltU(row, p.end),
      () => {
        const bytes = f.keep(i32.shl(i32.mul(row, p.n), 2));
        f.set(source, i32.add(p.x, bytes));
        f.set(target, i32.add(p.y, bytes));
        const meanOf = () => {
          const sum = rows.sum((part, { load }) => f32x4.add(part, load(source)));
          return f.keep(f32x4.mul(sum, f32x4.splat(share)));
        };
        const mean = centred ? meanOf() : none;
        // the variance from the deviations themselves, in a pass of its own: no cancellation
        const square = (total: V128, { load }: Lanes) => {
          // behind the end stands the mean, whose deviation is 0
          const deviation = f.keep(about(load(source, mean), mean));
          return math.madd(deviation, deviation, total);
        };
        const variance = f32.mul(f32x4.extract(rows.sum(square), 0), share);
        const rstd = f.keep(f32.div(f32.const(1), f32.sqrt(f32.add(variance, p.eps))));
        const scale = f.keep(f32x4.splat(rstd));
        rows.pass(({ load, store }) => {
          let value = f32x4.mul(about(load(source), mean), scale);
          if (weight) value = f32x4.mul(value, load(p.weight));
          if (bias) value = f32x4.add(value, load(p.bias));
          store(target, value);
        });
        if (recording) {
          const at = f.keep(i32.shl(row, 2));
          if (centred) f.do(f32.store(i32.add(p.mean, at), f32x4.extract(mean, 0)));
          f.do(f32.store(i32.add(p.rstd, at), rstd));
        }
        f.increase(row, 1);
      },
    );
  });
}

interface GradientForm {
  readonly centred: boolean;
  readonly weight: boolean;
  /** Whether the gradients by weight and bias are wanted. */
  readonly affine: boolean;
}

/** @param byAffine the gradients by weight and, where the mean was taken off, bias; empty if they are not wanted */
function runGradient(
  engine: Engine,
  centred: boolean,
  [dy, x, mean, rstd, weight]: readonly [View, View, View | undefined, View, View | undefined],
  dx: View,
  byAffine: readonly View[],
): void {
  const [m, n] = x.shape as [number, number];
  const blocks = Math.ceil(m / BLOCK_ROWS);
  const form = { centred, weight: !!weight, affine: byAffine.length > 0 };
  const kernel = engine.kernel(`layerNormGrad ${Object.values(form)}`, (module, features) =>
    defineGradient(module, features, form),
  );
  const addresses = [dy, x, mean ?? x, rstd, weight ?? x, dx].map(addressOf);
  const run = (...sums: [number, number]) =>
    engine.run(kernel, blocks, Math.ceil(GRAIN / (n * BLOCK_ROWS)), m, n, ...addresses, ...sums);
  if (byAffine.length === 0) {
    run(0, 0);
    return;
  }
  const reduce = makeReduce(engine);
  const bytes = 4 * blocks * n;
  engine.withScratch(2 * bytes, (sums) => {
    run(sums, sums + bytes);
    for (const [i, out] of byAffine.entries()) {
      reduce([out], [viewAt(sums + i * bytes, "float32", [1, blocks, n])], { kind: "sum" });
    }
  });
}

/**
 * outs the gradient by x [m, n] and, if `affine`, those by weight and bias [n]; inputs dy, x, mean and 1/deviation [m, 1],
 * and maybe the weight.
 */
export function makeLayerNormGrad(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[]): undefined => {
    const [dy, x, mean, rstd, weight] = inputs as [View, View, View, View, View?];
    const [dx, ...byAffine] = outs as [View, ...View[]];
    runGradient(engine, true, [dy, x, mean, rstd, weight], dx, byAffine);
  };
}

/** outs the gradient by x [m, n] and, if `affine`, that by the weight [n]; inputs dy, x, 1/√(mean of squares), maybe the weight. */
export function makeRmsNormGrad(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[]): undefined => {
    const [dy, x, rstd, weight] = inputs as [View, View, View, View?];
    const [dx, ...byAffine] = outs as [View, ...View[]];
    runGradient(engine, false, [dy, x, undefined, rstd, weight], dx, byAffine);
  };
}

/**
 * Blocks of rows begin … end: dx = rstd·(g − mean(g) − z·mean(g ⊙ z)) with g = dy ⊙ weight and z the normalised x, without
 * mean(g) about 0; and for each block Σ dy ⊙ z and Σ dy by column.
 */
function defineGradient(module: ModuleBuilder, features: Features, { centred, weight, affine }: GradientForm): void {
  const parameters = {
    begin: "i32",
    end: "i32",
    m: "i32",
    n: "i32",
    dy: "i32",
    x: "i32",
    mean: "i32",
    rstd: "i32",
    weight: "i32",
    dx: "i32",
    sumsZ: "i32",
    sums: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const math = new VectorMath(f, features);
    const rows = new RowWalk(f, p.n);
    const [row, end] = [f.variable("i32"), f.variable("i32")];
    const [error, source, target] = [f.variable("i32"), f.variable("i32"), f.variable("i32")];
    const [byZ, byOne] = [f.variable("i32"), f.variable("i32")];
    const share = f.keep(f32x4.splat(f32.div(f32.const(1), f32.convertI32(p.n))));
    const width = f.keep(i32.shl(p.n, 2));
    const block = f.keep(p.begin);
    const statistic = (base: I32) => f.keep(f32x4.splat(f32.load(i32.add(base, i32.shl(row, 2)))));

    const emitRow = () => {
      const bytes = f.keep(i32.mul(row, width));
      f.set(error, i32.add(p.dy, bytes));
      f.set(source, i32.add(p.x, bytes));
      f.set(target, i32.add(p.dx, bytes));
      const mean = centred ? statistic(p.mean) : null;
      const rstd = statistic(p.rstd);
      const normal = (x: V128) => f32x4.mul(mean ? f32x4.sub(x, mean) : x, rstd);
      const [sumZ, sum] = rows.sums(centred ? 2 : 1, ([partZ, part], { load }) => {
        const g = f.keep(weight ? f32x4.mul(load(error), load(p.weight)) : load(error));
        const withZ = math.madd(g, normal(mean ? load(source, mean) : load(source)), partZ!);
        return part ? [withZ, f32x4.add(part, g)] : [withZ];
      });
      const average = sum ? f.keep(f32x4.mul(sum, share)) : null;
      const slope = f.keep(f32x4.mul(sumZ!, share));
      rows.pass(({ load, store }) => {
        const e = f.keep(load(error));
        const g = weight ? f32x4.mul(e, load(p.weight)) : e;
        const z = f.keep(normal(load(source)));
        const part = f32x4.sub(average ? f32x4.sub(g, average) : g, f32x4.mul(z, slope));
        store(target, f32x4.mul(part, rstd));
        if (affine) {
          store(byZ, math.madd(e, z, load(byZ)));
          if (centred) store(byOne, f32x4.add(e, load(byOne)));
        }
      });
    };

    f.while(
      () => i32.ltU(block, p.end),
      () => {
        f.set(row, i32.mul(block, BLOCK_ROWS));
        f.set(end, i32.minU(f.keep(i32.add(row, BLOCK_ROWS)), p.m));
        if (affine) {
          const offset = f.keep(i32.mul(block, width));
          f.set(byZ, i32.add(p.sumsZ, offset));
          f.set(byOne, i32.add(p.sums, offset));
          rows.pass(({ store }) => {
            store(byZ, f.vector(0));
            if (centred) store(byOne, f.vector(0));
          });
        }
        f.while(
          () => i32.ltU(row, end),
          () => {
            emitRow();
            f.increase(row, 1);
          },
        );
        f.increase(block, 1);
      },
    );
  });
}
