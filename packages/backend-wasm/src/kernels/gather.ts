/** Selection by indices. Rows are the runs of neighbouring elements behind one index. Read next: `scatter-add.ts`. */
import type { View } from "@neurite/core";
import { i32 } from "../emitter/code.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { copyBytes, elementBytes } from "../lanes.js";
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
export function findBad(engine: Engine, indices: View, n: number): number {
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
