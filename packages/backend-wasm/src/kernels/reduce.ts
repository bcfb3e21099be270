/** Reductions of the middle axis of [outer, n, inner]. */
import type { DType, ReduceKind, View } from "@neurite/core";
import { f32, f32x4, type I32, i32, i32x4, type V128 } from "../emitter/code.js";
import type { FunctionBuilder } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { across, elementBytes, firstLanes, loadLanes, storeLeft, storeSome } from "../lanes.js";
import { RUN, sumLanes } from "../long-sum.js";
import { RowWalk } from "../row-walk.js";
import { addressOf } from "../views.js";

const GRAIN = 16_384;
/** Longest row whose four sums, of four lanes each, are one run. */
const SHORT_ROW = 16 * RUN;
/** Elements of a block of rows. */
const BLOCK = 4096;

export function makeReduce(engine: Engine) {
  const reduce = (kind: ReduceKind, dtype: DType, [outer, n, inner]: readonly number[], x: number, out: number) => {
    if (inner === 1) {
      // short rows have no runs, and would only wait for the question
      const kernel =
        isLongSum(kind, dtype) && n! > SHORT_ROW
          ? engine.kernel("sum rows", defineLongRows)
          : engine.variant("reduce rows", kind, dtype, (module) => defineRows(module, kind, dtype));
      engine.run(kernel, outer!, Math.ceil(GRAIN / n!), n!, x, out);
      return;
    }
    const kernel = engine.variant("reduce columns", kind, dtype, (module) => defineColumns(module, kind, dtype));
    // groups of four columns of every outer index are the items
    const groups = Math.ceil(inner! / 4);
    engine.run(kernel, outer! * groups, Math.ceil(GRAIN / (4 * n!)), n!, inner!, groups, x, out);
  };
  return (outs: readonly View[], inputs: readonly View[], { kind }: { readonly kind: ReduceKind }): undefined => {
    const [x] = inputs as [View];
    const shape = x.shape as readonly [number, number, number];
    const [outer, n, inner] = shape;
    const [from, to] = [addressOf(x), addressOf(outs[0]!)];
    const rows = Math.max(16, Math.floor(BLOCK / inner));
    if (outer > 1 || inner === 1 || n < 4 * rows) {
      reduce(kind, x.dtype, shape, from, to);
      return;
    }
    // a tall matrix: first blocks of rows that fit the cache, then their results
    const blocks = Math.floor(n / rows);
    const rest = n - blocks * rows;
    const line = inner * elementBytes(x.dtype);
    engine.withScratch((blocks + 1) * line, (parts) => {
      reduce(kind, x.dtype, [blocks, rows, inner], from, parts);
      if (rest > 0) reduce(kind, x.dtype, [1, rest, inner], from + blocks * rows * line, parts + blocks * line);
      reduce(kind, x.dtype, [1, blocks + (rest > 0 ? 1 : 0), inner], parts, to);
    });
  };
}

/** The mean over neighbouring axes: their sum, divided where it lies. */
export function makeMean(engine: Engine) {
  const reduce = makeReduce(engine);
  return (
    outs: readonly View[],
    inputs: readonly View[],
    attrs: { readonly axes: readonly number[] },
  ): undefined | false => {
    const [x] = inputs as [View];
    const { axes } = attrs;
    const [first, last] = [axes[0]!, axes[axes.length - 1]!];
    // axes that are not neighbours are left to the composition
    if (axes.length === 0 || last - first !== axes.length - 1) return false;
    const shape = [1, 1, 1];
    for (let axis = 0; axis < x.shape.length; axis++) shape[axis < first ? 0 : axis > last ? 2 : 1]! *= x.shape[axis]!;
    const [outer, n, inner] = shape as [number, number, number];
    reduce(outs, [{ ...x, shape }], { kind: "sum" });
    const divide = engine.kernel("divide by a number", defineDivide);
    engine.run(divide, outer * inner, GRAIN, n, addressOf(outs[0]!));
    return undefined;
  };
}

/** Elements begin … end, divided by n. */
function defineDivide(module: ModuleBuilder): void {
  module.define("run", { begin: "i32", end: "i32", n: "f32", x: "i32" }, (f, p) => {
    const at = f.keep(i32.add(p.x, i32.shl(p.begin, 2)));
    const divisor = f.keep(f32x4.splat(p.n));
    new RowWalk(f, i32.sub(p.end, p.begin)).pass(({ load, store }) => store(at, f32x4.div(load(at), divisor)));
  });
}

function combine(kind: ReduceKind, dtype: DType, a: V128, b: V128): V128 {
  const lanes = dtype === "float32" ? f32x4 : i32x4;
  switch (kind) {
    case "sum":
      return lanes.add(a, b);
    case "prod":
      return lanes.mul(a, b);
    default:
      // true is −1 in a lane: the larger truth is the smaller integer
      return lanes[dtype === "bool" ? (kind === "max" ? "min" : "max") : kind](a, b);
  }
}

function neutral(f: FunctionBuilder, kind: ReduceKind, dtype: DType): V128 {
  if (dtype === "float32") {
    const value = { sum: 0, prod: 1, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY }[kind];
    return f.vector(value);
  }
  const isMax = (kind === "max") !== (dtype === "bool");
  const value = kind === "sum" ? 0 : kind === "prod" ? 1 : isMax ? -(2 ** 31) : 2 ** 31 - 1;
  return f.hoist(`i${value}`, i32x4.const(value));
}

/** Rows begin … end of n float32 each, to their sums. */
function defineLongRows(module: ModuleBuilder): void {
  module.define("run", { begin: "i32", end: "i32", n: "i32", x: "i32", out: "i32" }, (f, p) => {
    const rows = new RowWalk(f, p.n);
    const row = f.keep(p.begin);
    f.while(
      () => i32.ltU(row, p.end),
      () => {
        const source = f.keep(i32.add(p.x, i32.shl(i32.mul(row, p.n), 2)));
        const total = rows.sum((sum, { load }) => f32x4.add(sum, load(source)));
        f.do(f32.store(i32.add(p.out, i32.shl(row, 2)), f32x4.extract(total, 0)));
        f.increase(row, 1);
      },
    );
  });
}

/** Whether these are sums of float32, whose rounding errors add up. */
function isLongSum(kind: ReduceKind, dtype: DType): boolean {
  return kind === "sum" && dtype === "float32";
}

/** Rows begin … end of n elements each, to one. Four results run side by side, so that additions do not wait for each other. */
function defineRows(module: ModuleBuilder, kind: ReduceKind, dtype: DType): void {
  const parameters = { begin: "i32", end: "i32", n: "i32", x: "i32", out: "i32" } as const;
  const bytes = elementBytes(dtype);
  module.define("run", parameters, (f, p) => {
    const start = neutral(f, kind, dtype);
    const row = f.keep(p.begin);
    const at = f.variable("i32");
    const left = f.variable("i32");
    const sums = Array.from({ length: 4 }, () => f.variable("v128"));
    const join = (a: V128, b: V128) => combine(kind, dtype, a, b);
    f.while(
      () => i32.ltU(row, p.end),
      () => {
        f.set(at, i32.add(p.x, i32.mul(i32.mul(row, p.n), bytes)));
        f.set(left, p.n);
        for (const sum of sums) f.set(sum, start);
        f.while(
          () => i32.gtU(left, 15),
          () => {
            sums.forEach((sum, i) => {
              f.set(sum, join(sum, loadLanes(dtype, i32.add(at, 4 * bytes * i))));
            });
            f.increase(at, 16 * bytes);
            f.increase(left, -16);
          },
        );
        f.while(
          () => i32.gtU(left, 3),
          () => {
            f.set(sums[0]!, join(sums[0]!, loadLanes(dtype, at)));
            f.increase(at, 4 * bytes);
            f.increase(left, -4);
          },
        );
        f.if(left, () => f.set(sums[1]!, join(sums[1]!, firstLanes(f, loadLanes(dtype, at), start, left))));
        const total = across(f, join(join(sums[0]!, sums[1]!), join(sums[2]!, sums[3]!)), join);
        const target = f.keep(i32.add(p.out, i32.mul(row, bytes)));
        if (bytes === 1) storeSome(f, dtype, target, total, i32.const(1));
        else f.do(f32.store(target, f32x4.extract(total, 0)));
        f.increase(row, 1);
      },
    );
  });
}

/** Items begin … end: item i is four columns (i mod groups) of outer index ⌊i / groups⌋. */
function defineColumns(module: ModuleBuilder, kind: ReduceKind, dtype: DType): void {
  const parameters = {
    begin: "i32",
    end: "i32",
    n: "i32",
    inner: "i32",
    groups: "i32",
    x: "i32",
    out: "i32",
  } as const;
  const bytes = elementBytes(dtype);
  module.define("run", parameters, (f, p) => {
    const start = neutral(f, kind, dtype);
    const item = f.keep(p.begin);
    f.while(
      () => i32.ltU(item, p.end),
      () => {
        const outer = f.keep(i32.divU(item, p.groups));
        const column = f.keep(i32.shl(i32.sub(item, i32.mul(outer, p.groups)), 2));
        const at = f.keep(i32.add(p.x, i32.mul(i32.add(i32.mul(i32.mul(outer, p.n), p.inner), column), bytes)));
        const result = f.keep(start);
        const fold = (count: I32) =>
          f.times(count, () => {
            f.set(result, combine(kind, dtype, result, loadLanes(dtype, at)));
            f.increase(at, i32.mul(p.inner, bytes));
          });
        if (isLongSum(kind, dtype)) sumLanes(f, p.n, result, fold);
        else fold(p.n);
        const target = f.keep(i32.add(p.out, i32.mul(i32.add(i32.mul(outer, p.inner), column), bytes)));
        const left = f.keep(i32.sub(p.inner, column));
        storeLeft(f, dtype, target, result, left);
        f.increase(item, 1);
      },
    );
  });
}
