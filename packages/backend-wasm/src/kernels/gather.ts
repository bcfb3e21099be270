/** Selection by indices, and sums by indices. Rows are the runs of neighbouring elements behind one index. */
import type { View } from "@neurite/core";
import { f32x4, type I32, i32, i32x4, memoryFill, v128 } from "../emitter/code.js";
import type { FunctionBuilder } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { copyBytes, elementBytes, storeSome } from "../lanes.js";
import { addressOf } from "../views.js";

const GRAIN = 16_384;
const GATHER = {
  begin: "i32",
  end: "i32",
  n: "i32",
  m: "i32",
  row: "i32",
  x: "i32",
  indices: "i32",
  out: "i32",
} as const;

/** Position of the first index outside of 0 … n − 1, or −1. */
function findBad(engine: Engine, indices: View, n: number): number {
  const kernel = engine.kernel("find bad index", (module) => {
    module.define("run", { begin: "i32", end: "i32", n: "i32", indices: "i32" }, (f, p) => {
      const i = f.keep(p.begin);
      f.while(
        () => i32.ltU(i, p.end),
        () => {
          // unsigned: negative indices are large
          f.if(i32.geU(i32.load(i32.add(p.indices, i32.shl(i, 2))), p.n), () => f.return(i));
          f.increase(i, 1);
        },
      );
      return i32.const(-1);
    });
  });
  return kernel(0, indices.shape[0]!, n, addressOf(indices))!;
}

export function makeGather(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[]): undefined | number => {
    const [x, indices] = inputs as [View, View];
    const [outer, n, inner] = x.shape as [number, number, number];
    const m = indices.shape[0]!;
    const bad = findBad(engine, indices, n);
    if (bad >= 0) return bad;
    const row = inner * elementBytes(x.dtype);
    const kernel = engine.kernel("gather", defineGather);
    const grain = Math.ceil(GRAIN / inner);
    engine.run(kernel, outer * m, grain, n, m, row, addressOf(x), addressOf(indices), addressOf(outs[0]!));
    return undefined;
  };
}

function defineGather(module: ModuleBuilder): void {
  module.define("run", GATHER, (f, p) => {
    const item = f.keep(p.begin);
    f.while(
      () => i32.ltU(item, p.end),
      () => {
        const outer = f.keep(i32.divU(item, p.m));
        const index = i32.load(i32.add(p.indices, i32.shl(i32.sub(item, i32.mul(outer, p.m)), 2)));
        const source = i32.add(p.x, i32.mul(i32.add(i32.mul(outer, p.n), index), p.row));
        const target = i32.add(p.out, i32.mul(item, p.row));
        copyBytes(f, target, source, p.row);
        f.increase(item, 1);
      },
    );
  });
}

export function makeScatterAdd(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[]): undefined | number => {
    const [updates, indices] = inputs as [View, View];
    const [outer, n, inner] = outs[0]!.shape as [number, number, number];
    const m = indices.shape[0]!;
    const bad = findBad(engine, indices, n);
    if (bad >= 0) return bad;
    const isFloat = updates.dtype === "float32";
    const kernel = engine.kernel(`scatterAdd ${isFloat}`, (module) => defineScatterAdd(module, isFloat));
    // one item for each outer index: two rows of updates may meet in one row of the output
    engine.run(kernel, outer, 1, n, m, inner, addressOf(updates), addressOf(indices), addressOf(outs[0]!));
    return undefined;
  };
}

function defineScatterAdd(module: ModuleBuilder, isFloat: boolean): void {
  const lanes = isFloat ? f32x4 : i32x4;
  module.define("run", GATHER, (f, p) => {
    const outer = f.keep(p.begin);
    const source = f.variable("i32");
    const target = f.variable("i32");
    f.while(
      () => i32.ltU(outer, p.end),
      () => {
        const bytes = i32.shl(p.row, 2);
        const base = f.keep(i32.add(p.out, i32.mul(i32.mul(outer, p.n), bytes)));
        f.do(memoryFill(base, i32.const(0), i32.mul(p.n, bytes)));
        f.set(source, i32.add(p.x, i32.mul(i32.mul(outer, p.m), bytes)));
        f.times(p.m, (i) => {
          const index = i32.load(i32.add(p.indices, i32.shl(i, 2)));
          f.set(target, i32.add(base, i32.mul(index, bytes)));
          addRow(f, source, target, p.row, lanes.add);
        });
        f.increase(outer, 1);
      },
    );
  });
}

/** target[0 … count) += source[0 … count); moves `source` behind the row. */
function addRow(
  f: FunctionBuilder,
  source: ReturnType<FunctionBuilder["variable"]> & I32,
  target: ReturnType<FunctionBuilder["variable"]> & I32,
  count: I32,
  add: typeof f32x4.add,
): void {
  const left = f.keep(count);
  f.while(
    () => i32.gtU(left, 3),
    () => {
      f.do(v128.store(target, add(v128.load(target), v128.load(source))));
      f.increase(source, 16);
      f.increase(target, 16);
      f.increase(left, -4);
    },
  );
  f.if(left, () => {
    storeSome(f, "float32", target, add(v128.load(target), v128.load(source)), left);
    f.increase(source, i32.shl(left, 2));
  });
}
