/** Softmax and log-softmax of rows: one pass for the maximum, one for the powers and their sum, one to scale. */
import { sizeOf, type View } from "@neurite/core";
import { f32x4, i32 } from "../emitter/code.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { across } from "../lanes.js";
import { RowWalk } from "../row-walk.js";
import { type Features, VectorMath } from "../vector-math.js";
import { addressOf } from "../views.js";

const GRAIN = 8192;

export function makeSoftmax(engine: Engine, kind: "softmax" | "logSoftmax") {
  return (outs: readonly View[], inputs: readonly View[], { axis }: { readonly axis: number }): undefined | false => {
    const [x] = inputs as [View];
    const n = x.shape[axis]!;
    // other axes are left to the composition
    if (x.dtype !== "float32" || axis !== x.shape.length - 1) return false;
    const kernel = engine.kernel(kind, (module, features) => defineSoftmax(module, features, kind));
    engine.run(kernel, sizeOf(x.shape) / n, Math.ceil(GRAIN / n), n, addressOf(x), addressOf(outs[0]!));
    return undefined;
  };
}

function defineSoftmax(module: ModuleBuilder, features: Features, kind: "softmax" | "logSoftmax"): void {
  module.define("run", { begin: "i32", end: "i32", n: "i32", x: "i32", out: "i32" }, (f, p) => {
    const math = new VectorMath(f, features);
    const rows = new RowWalk(f, p.n);
    const row = f.keep(p.begin);
    const source = f.variable("i32");
    const target = f.variable("i32");
    const sum = f.variable("v128");
    // behind the end stands −∞: never the largest, and its power is 0
    const lowest = f.vector(Number.NEGATIVE_INFINITY);
    f.while(
      () => i32.ltU(row, p.end),
      () => {
        const bytes = f.keep(i32.shl(i32.mul(row, p.n), 2));
        f.set(source, i32.add(p.x, bytes));
        f.set(target, i32.add(p.out, bytes));
        // a NaN is passed over here: its power makes the sum NaN
        const best = rows.fold(lowest, (most, { load }) => f32x4.pmax(most, load(source, lowest)), f32x4.pmax);
        const top = across(f, best, f32x4.pmax);
        f.set(sum, f32x4.const(0));
        rows.pass(({ load, store }) => {
          const power = f.keep(math.expNonPositive(f32x4.sub(load(source, lowest), top)));
          f.set(sum, f32x4.add(sum, power));
          if (kind === "softmax") store(target, power);
        }, true);
        const total = across(f, sum, f32x4.add);
        if (kind === "softmax") {
          const factor = f.keep(f32x4.div(f32x4.const(1), total));
          rows.pass(({ load, store }) => store(target, f32x4.mul(load(target), factor)), true);
        } else {
          const logSum = f.keep(math.log(total));
          // in the composition's order, (x − max) − ln Σ, which keeps more digits than x − (max + ln Σ)
          rows.pass(({ load, store }) => store(target, f32x4.sub(f32x4.sub(load(source), top), logSum)), true);
        }
        f.increase(row, 1);
      },
    );
  });
}

/** outs the gradient by x; inputs y and dy. */
export function makeSoftmaxGrad(engine: Engine, kind: "softmaxGrad" | "logSoftmaxGrad") {
  return (outs: readonly View[], inputs: readonly View[], { axis }: { readonly axis: number }): undefined | false => {
    const [y, dy] = inputs as [View, View];
    const n = y.shape[axis]!;
    if (axis !== y.shape.length - 1) return false;
    const kernel = engine.kernel(kind, (module, features) => defineGradient(module, features, kind));
    engine.run(kernel, sizeOf(y.shape) / n, Math.ceil(GRAIN / n), n, ...[y, dy, outs[0]!].map(addressOf));
    return undefined;
  };
}

/** y ⊙ (dy − Σ dy ⊙ y), or dy − eʸ·Σ dy. */
function defineGradient(module: ModuleBuilder, features: Features, kind: "softmaxGrad" | "logSoftmaxGrad"): void {
  module.define("run", { begin: "i32", end: "i32", n: "i32", y: "i32", dy: "i32", out: "i32" }, (f, p) => {
    const math = new VectorMath(f, features);
    const rows = new RowWalk(f, p.n);
    const row = f.keep(p.begin);
    const logarithm = kind === "logSoftmaxGrad";
    f.while(
      () => i32.ltU(row, p.end),
      () => {
        const bytes = f.keep(i32.shl(i32.mul(row, p.n), 2));
        const [y, dy, target] = [p.y, p.dy, p.out].map((base) => f.keep(i32.add(base, bytes)));
        const sum = rows.fold(
          f.vector(0),
          (total, { load }) => (logarithm ? f32x4.add(total, load(dy!)) : math.madd(load(dy!), load(y!), total)),
          f32x4.add,
        );
        const total = f.keep(across(f, sum, f32x4.add));
        rows.pass(({ load, store }) => {
          if (logarithm) store(target!, f32x4.sub(load(dy!), f32x4.mul(math.expNonPositive(load(y!)), total)));
          else store(target!, f32x4.mul(load(y!), f32x4.sub(load(dy!), total)));
        }, true);
        f.increase(row, 1);
      },
    );
  });
}
