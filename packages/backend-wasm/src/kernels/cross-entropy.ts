/** Cross-entropy of class indices from logits, and its gradient: a row is read while it is in the first-level cache. */
import type { View } from "@neurite/core";
import { f32, f32x4, type I32, i32, type V128 } from "../emitter/code.js";
import type { FunctionBuilder, Local } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { across } from "../lanes.js";
import { RowWalk } from "../row-walk.js";
import { type Features, VectorMath } from "../vector-math.js";
import { addressOf } from "../views.js";

const GRAIN = 8192;
/** Stands for no class to ignore: no target is this large. */
const NONE = 2 ** 31 - 1;

interface Attrs {
  readonly ignoreIndex: number | null;
  readonly labelSmoothing: number;
}

const PARAMETERS = {
  begin: "i32",
  end: "i32",
  classes: "i32",
  ignore: "i32",
  smoothing: "f32",
  logits: "i32",
  targets: "i32",
  dy: "i32",
  out: "i32",
} as const;

/** Position of the first target that is no class and not ignored, or −1. */
function firstBad(engine: Engine, targets: View, classes: number, ignoreIndex: number | null): number {
  const values = new Int32Array(engine.heap.memory.buffer, addressOf(targets), targets.shape[0]!);
  return values.findIndex((target) => target !== ignoreIndex && (target < 0 || target >= classes));
}

/** outs the loss of each row [n]; inputs logits [n, c] and targets [n]. */
export function makeCrossEntropy(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[], attrs: Attrs): undefined | number => {
    const [logits, targets] = inputs as [View, View];
    const [n, classes] = logits.shape as [number, number];
    const bad = firstBad(engine, targets, classes, attrs.ignoreIndex);
    if (bad >= 0) return bad;
    run(engine, "crossEntropy", [n, classes], attrs, [logits, targets, logits, outs[0]!]);
    return undefined;
  };
}

/** outs the gradient by the logits [n, c]; inputs logits, targets and dy [n]. */
export function makeCrossEntropyGrad(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[], attrs: Attrs): undefined => {
    const [logits] = inputs as [View];
    run(engine, "crossEntropyGrad", logits.shape as [number, number], attrs, [...inputs, outs[0]!]);
  };
}

function run(
  engine: Engine,
  name: "crossEntropy" | "crossEntropyGrad",
  [n, classes]: readonly [number, number],
  { ignoreIndex, labelSmoothing }: Attrs,
  views: readonly View[],
): void {
  const kernel = engine.kernel(name, (module, features) => define(module, features, name === "crossEntropyGrad"));
  const numbers = [classes, ignoreIndex ?? NONE, labelSmoothing];
  engine.run(kernel, n, Math.ceil(GRAIN / classes), ...numbers, ...views.map(addressOf));
}

/** Σ eˣ⁻ᵐ over a row, with m its largest element. */
function sumOfPowers(
  f: FunctionBuilder,
  math: VectorMath,
  rows: RowWalk,
  row: I32,
): { readonly top: Local<"v128">; readonly total: Local<"v128"> } {
  const lowest = f.vector(Number.NEGATIVE_INFINITY);
  const best = rows.fold(lowest, (most, { load }) => f32x4.pmax(most, load(row, lowest)), f32x4.pmax);
  const top = f.keep(across(f, best, f32x4.pmax));
  const power = (x: V128) => math.expNonPositive(f32x4.sub(x, top));
  return { top, total: rows.sum((sum, { load }) => f32x4.add(sum, power(load(row, lowest))), 1) };
}

function define(module: ModuleBuilder, features: Features, gradient: boolean): void {
  module.define("run", PARAMETERS, (f, p) => {
    const math = new VectorMath(f, features);
    const rows = new RowWalk(f, p.classes);
    const row = f.keep(p.begin);
    const width = f.keep(i32.shl(p.classes, 2));
    const share = f.keep(f32.div(p.smoothing, f32.convertI32(p.classes)));
    const certain = f.keep(f32.sub(f32.const(1), p.smoothing));
    f.while(
      () => i32.ltU(row, p.end),
      () => {
        const at = f.keep(i32.shl(row, 2));
        const source = f.keep(i32.add(p.logits, i32.mul(row, width)));
        const target = f.keep(i32.load(i32.add(p.targets, at)));
        const ignored = i32.eq(target, p.ignore);
        if (gradient) {
          const result = f.keep(i32.add(p.out, i32.mul(row, width)));
          f.if(
            ignored,
            () => rows.pass(({ store }) => store(result, f.vector(0))),
            () => {
              const { top, total } = sumOfPowers(f, math, rows, source);
              const weight = f.keep(f32.load(i32.add(p.dy, at)));
              const scale = f.keep(f32x4.div(f32x4.splat(weight), total));
              const smooth = f.keep(f32x4.splat(f32.mul(weight, share)));
              rows.pass(({ load, store }) => {
                const power = math.expNonPositive(f32x4.sub(load(source), top));
                store(result, f32x4.sub(f32x4.mul(power, scale), smooth));
              }, true);
              const own = f.keep(i32.add(result, i32.shl(target, 2)));
              f.do(f32.store(own, f32.sub(f32.load(own), f32.mul(weight, certain))));
            },
          );
        } else {
          const result = f.keep(i32.add(p.out, at));
          f.if(
            ignored,
            () => f.do(f32.store(result, f32.const(0))),
            () => {
              const { top, total } = sumOfPowers(f, math, rows, source);
              const log = f.keep(math.log(total));
              const first = (value: V128) => f32x4.extract(value, 0);
              const own = f32.sub(f32.load(i32.add(source, i32.shl(target, 2))), first(top));
              const loss = f.keep(f32.mul(certain, f32.sub(first(log), own)));
              f.if(f32.gt(p.smoothing, f32.const(0)), () => {
                // behind the end stands the largest, whose distance from itself is 0
                const sum = rows.sum((part, { load }) => f32x4.add(part, f32x4.sub(load(source, top), top)));
                const mean = f32.mul(share, first(sum));
                f.set(loss, f32.add(loss, f32.sub(f32.mul(p.smoothing, first(log)), mean)));
              });
              f.do(f32.store(result, loss));
            },
          );
        }
        f.increase(row, 1);
      },
    );
  });
}
