/** Softmax and log-softmax of rows: one pass for the maximum, one for the powers and their sum, one to scale. */
import { sizeOf, type View } from "@neurite/core";
import { f32x4, i32, type V128, v128 } from "../emitter/code.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { across } from "../lanes.js";
import { type Lanes, RowWalk } from "../row-walk.js";
import { type Features, VectorMath } from "../vector-math.js";
import { addressOf, forEachOuter } from "../views.js";

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

/** What a kernel of softmax does beside it. */
export interface SoftmaxForm {
  /** x is multiplied by a number first. */
  readonly scaled?: boolean;
  /** Only the elements count where a mask is true; a row without any becomes 0. */
  readonly masked?: boolean;
}

/** The least number. */
const LOWEST = -3.4028235e38;

/** Rows begin … end of n; x and out may be one. Rows of the mask are `maskStep` bytes apart, perhaps 0. */
export function defineSoftmax(
  module: ModuleBuilder,
  features: Features,
  kind: "softmax" | "logSoftmax",
  { scaled = false, masked = false }: SoftmaxForm = {},
): void {
  const parameters = {
    ...({ begin: "i32", end: "i32", n: "i32", x: "i32", out: "i32" } as const),
    ...(masked && ({ mask: "i32", maskStep: "i32" } as const)),
    ...(scaled && ({ scale: "f32" } as const)),
  };
  module.define("run", parameters, (f, p) => {
    const math = new VectorMath(f, features);
    const rows = new RowWalk(f, p.n);
    const row = f.keep(p.begin);
    const source = f.variable("i32");
    const target = f.variable("i32");
    const mask = f.variable("i32");
    const factor = p.scale && f.keep(f32x4.splat(p.scale));
    // behind the end stands −∞: never the largest, and its power is 0
    const lowest = f.vector(Number.NEGATIVE_INFINITY);
    const valueOf = ({ load, within, loadBools }: Lanes): V128 => {
      // not −∞ times the factor, which may be 0
      const value = factor ? within(f32x4.mul(load(source), factor), lowest) : load(source, lowest);
      return masked ? v128.bitselect(value, lowest, loadBools(mask)) : value;
    };
    f.while(
      () => i32.ltU(row, p.end),
      () => {
        const bytes = f.keep(i32.shl(i32.mul(row, p.n), 2));
        f.set(source, i32.add(p.x, bytes));
        f.set(target, i32.add(p.out, bytes));
        if (p.mask) f.set(mask, i32.add(p.mask, i32.mul(row, p.maskStep!)));
        // a NaN is passed over here: its power makes the sum NaN
        const best = rows.fold(lowest, (most, lanes) => f32x4.pmax(most, valueOf(lanes)), f32x4.pmax);
        // a row of −∞ alone shall give powers of 0, not ∞ − ∞
        const top = across(f, masked ? f32x4.pmax(best, f.vector(LOWEST)) : best, f32x4.pmax);
        const sum = rows.sum((folded, lanes) => {
          const power = f.keep(math.expNonPositive(f32x4.sub(valueOf(lanes), top)));
          if (kind === "softmax") lanes.store(target, power);
          return f32x4.add(folded, power);
        }, 1);
        const total = masked ? f32x4.pmax(sum, f.vector(1e-30)) : sum;
        if (kind === "softmax") {
          const share = f.keep(f32x4.div(f32x4.const(1), total));
          rows.pass(({ load, store }) => store(target, f32x4.mul(load(target), share)), true);
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

/** inputs scores [..., m] and a bool mask that broadcasts to them. */
export function makeMaskedSoftmax(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[]): undefined | false => {
    const [x, mask] = inputs as [View, View];
    const n = x.shape[x.shape.length - 1]!;
    const strides = maskStrides(mask, x.shape);
    if (strides === null) return false;
    // axes along which the mask's rows go on at one step are one
    let axes = x.shape.length - 1;
    let [rows, step] = [1, 0];
    while (axes > 0 && (rows === 1 || strides[axes - 1] === rows * step || x.shape[axes - 1] === 1)) {
      axes--;
      if (rows === 1) step = strides[axes]!;
      rows *= x.shape[axes]!;
    }
    const kernel = engine.kernel("masked softmax", (module, features) =>
      defineSoftmax(module, features, "softmax", { masked: true }),
    );
    const views = [outs[0]!, x, { ...mask, strides }];
    forEachOuter(x.shape, axes, views, ([to, from, on]) => {
      engine.run(kernel, rows, Math.ceil(GRAIN / n), n, from!, to!, on!, step);
    });
    return undefined;
  };
}

/** Strides of a contiguous mask seen with the scores' shape; null where it has one element for a whole row. */
export function maskStrides(mask: View, shape: readonly number[]): number[] | null {
  const missing = shape.length - mask.shape.length;
  const strides = shape.map((length, i) => {
    const own = mask.shape[i - missing];
    return own === undefined || (own === 1 && length > 1) ? 0 : mask.strides[i - missing]!;
  });
  const last = shape.length - 1;
  return shape[last]! > 1 && strides[last] !== 1 ? null : strides;
}

/** outs the gradient by x; inputs y and dy. */
export function makeSoftmaxGrad(engine: Engine, kind: "softmaxGrad" | "logSoftmaxGrad") {
  return (outs: readonly View[], inputs: readonly View[], { axis }: { readonly axis: number }): undefined | false => {
    const [y, dy] = inputs as [View, View];
    const n = y.shape[axis]!;
    if (axis !== y.shape.length - 1) return false;
    const kernel = engine.kernel(kind, (module, features) => defineSoftmaxGradient(module, features, kind));
    engine.run(kernel, sizeOf(y.shape) / n, Math.ceil(GRAIN / n), n, ...[y, dy, outs[0]!].map(addressOf));
    return undefined;
  };
}

/** y ⊙ (dy − Σ dy ⊙ y), perhaps times a number, or dy − eʸ·Σ dy; dy and out may be one. */
export function defineSoftmaxGradient(
  module: ModuleBuilder,
  features: Features,
  kind: "softmaxGrad" | "logSoftmaxGrad",
  scaled = false,
): void {
  const parameters = {
    ...({ begin: "i32", end: "i32", n: "i32", y: "i32", dy: "i32", out: "i32" } as const),
    ...(scaled && ({ scale: "f32" } as const)),
  };
  module.define("run", parameters, (f, p) => {
    const math = new VectorMath(f, features);
    const rows = new RowWalk(f, p.n);
    const row = f.keep(p.begin);
    const factor = p.scale && f.keep(f32x4.splat(p.scale));
    const logarithm = kind === "logSoftmaxGrad";
    f.while(
      () => i32.ltU(row, p.end),
      () => {
        const bytes = f.keep(i32.shl(i32.mul(row, p.n), 2));
        const [y, dy, target] = [p.y, p.dy, p.out].map((base) => f.keep(i32.add(base, bytes)));
        const total = rows.sum((sum, { load }) =>
          logarithm ? f32x4.add(sum, load(dy!)) : math.madd(load(dy!), load(y!), sum),
        );
        rows.pass(({ load, store }) => {
          if (logarithm) store(target!, f32x4.sub(load(dy!), f32x4.mul(math.expNonPositive(load(y!)), total)));
          else {
            const share = factor ? f32x4.mul(load(y!), factor) : load(y!);
            store(target!, f32x4.mul(share, f32x4.sub(load(dy!), total)));
          }
        }, true);
        f.increase(row, 1);
      },
    );
  });
}
