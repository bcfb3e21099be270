/** Sums by indices. Rows are the runs of neighbouring elements behind one index. */
import type { View } from "@neurite/core";
import { f32x4, type I32, i32, i32x4, memoryFill, v128 } from "../emitter/code.js";
import type { FunctionBuilder } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { storeSome } from "../lanes.js";
import { addressOf, floatsAt } from "../views.js";
import { findBad } from "./gather.js";

/** Rows that one row of the output takes in float32; where one takes more, all are summed in float64. */
const MOST_TAKEN = 128;

const SCATTER = {
  begin: "i32",
  end: "i32",
  n: "i32",
  m: "i32",
  row: "i32",
  x: "i32",
  indices: "i32",
  out: "i32",
} as const;

export function makeScatterAdd(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[]): undefined | number => {
    const [updates, indices] = inputs as [View, View];
    const [outer, n, inner] = outs[0]!.shape as [number, number, number];
    const m = indices.shape[0]!;
    const bad = findBad(engine, indices, n);
    if (bad >= 0) return bad;
    const isFloat = updates.dtype === "float32";
    if (isFloat && m > MOST_TAKEN && hasLongSum(engine, indices, n)) {
      addInDoubles(engine, outs[0]!, updates, indices);
      return undefined;
    }
    const kernel = engine.kernel(`scatterAdd ${isFloat}`, (module) => defineScatterAdd(module, isFloat));
    // one item for each outer index: two rows of updates may meet in one row of the output
    engine.run(kernel, outer, 1, n, m, inner, addressOf(updates), addressOf(indices), addressOf(outs[0]!));
    return undefined;
  };
}

function indicesAt(engine: Engine, indices: View): Int32Array {
  return new Int32Array(engine.heap.memory.buffer, addressOf(indices), indices.shape[0]!);
}

/** Whether one of the indices 0 … n − 1 is there so often that its sum is long. */
function hasLongSum(engine: Engine, indices: View, n: number): boolean {
  const counts = new Uint32Array(n);
  return indicesAt(engine, indices).some((index) => ++counts[index]! > MOST_TAKEN);
}

/** The sums in float64, rounded once. */
function addInDoubles(engine: Engine, out: View, updates: View, indices: View): void {
  const [outer, n, inner] = out.shape as [number, number, number];
  const rows = indicesAt(engine, indices);
  const size = rows.length * inner;
  const sums = new Float64Array(n * inner);
  for (let o = 0; o < outer; o++) {
    const from = floatsAt(engine, addressOf(updates) + 4 * o * size, size);
    sums.fill(0);
    let q = 0;
    for (const row of rows) for (let p = row * inner, end = p + inner; p < end; ) sums[p++]! += from[q++]!;
    floatsAt(engine, addressOf(out) + 4 * o * sums.length, sums.length).set(sums);
  }
}

function defineScatterAdd(module: ModuleBuilder, isFloat: boolean): void {
  const lanes = isFloat ? f32x4 : i32x4;
  module.define("run", SCATTER, (f, p) => {
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
