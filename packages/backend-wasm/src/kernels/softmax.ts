/** Softmax and log-softmax of rows: one pass for the maximum, one for the powers and their sum, one to scale. */
import { sizeOf, type View } from "@neurite/core";
import { f32x4, i32, type V128, v128 } from "../emitter/code.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { across, firstLanes, storeSome } from "../lanes.js";
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
    const row = f.keep(p.begin);
    const source = f.variable("i32");
    const target = f.variable("i32");
    const left = f.variable("i32");
    const best = f.variable("v128");
    const sum = f.variable("v128");
    const lowest = f.vector(Number.NEGATIVE_INFINITY);
    const start = () => {
      const bytes = i32.shl(i32.mul(row, p.n), 2);
      f.set(source, i32.add(p.x, bytes));
      f.set(target, i32.add(p.out, bytes));
      f.set(left, p.n);
    };
    /** Visits four elements at a time; at the end the 1 to 3 that are left. */
    const walk = (visit: (whole: boolean) => void) => {
      f.while(
        () => i32.gtU(left, 3),
        () => {
          visit(true);
          f.increase(source, 16);
          f.increase(target, 16);
          f.increase(left, -4);
        },
      );
      f.if(left, () => visit(false));
    };
    /** The elements here, with a neutral value behind the end. */
    const load = (whole: boolean, neutral: V128) => {
      const value = v128.load(source);
      return whole ? value : firstLanes(f, value, neutral, left);
    };
    const store = (whole: boolean, value: V128) => {
      if (whole) f.do(v128.store(target, value));
      else storeSome(f, "float32", target, value, left);
    };
    f.while(
      () => i32.ltU(row, p.end),
      () => {
        start();
        f.set(best, lowest);
        walk((whole) => f.set(best, f32x4.max(best, load(whole, lowest))));
        const top = across(f, best, f32x4.max);
        start();
        f.set(sum, f32x4.const(0));
        walk((whole) => {
          const power = f.keep(math.exp(f32x4.sub(load(whole, lowest), top)));
          // behind the end the power of −∞ is 0
          f.set(sum, f32x4.add(sum, power));
          if (kind === "softmax") store(whole, power);
        });
        const total = across(f, sum, f32x4.add);
        start();
        if (kind === "softmax") {
          const factor = f.keep(f32x4.div(f32x4.const(1), total));
          walk((whole) => store(whole, f32x4.mul(v128.load(target), factor)));
        } else {
          const logSum = f.keep(math.log(total));
          walk((whole) => {
            // in the composition's order, (x − max) − ln Σ, which keeps more digits than x − (max + ln Σ)
            store(whole, f32x4.sub(f32x4.sub(v128.load(source), top), logSum));
          });
        }
        f.increase(row, 1);
      },
    );
  });
}
