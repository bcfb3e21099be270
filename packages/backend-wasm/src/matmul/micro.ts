/**
 * The innermost kernel of the matrix product: a tile of C kept in registers while k runs.
 *
 * V8 has 15 vector registers; a tile that needs one more falls to half the speed. With fused multiply-add 6 × 8 uses all
 * 15 (12 sums, 2 of B, 1 of A); with multiply and add apart the product needs one more, and 4 × 8 fits. Where V8 joins
 * pairs of vectors, 6 × 16 takes the place of 6 × 8. V8 before version 13 (Node 22) moves all loads of a loop's body to its
 * top: there 6 × 8 spills, and so would a body written out several times, were it not left after each time: the exits need the
 * sums, so that no load moves past them.
 */
import { f32x4, type I32, i32, v128 } from "../emitter/code.js";
import type { FunctionBuilder, Local } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import { hoistsLoads } from "../features.js";
import type { Features } from "../vector-math.js";

/** Rows of a full tile. */
export function tileRows({ relaxed }: Features): number {
  return relaxed && !hoistsLoads() ? 6 : 4;
}

/** Columns of a tile, and of a panel of B. */
export function tileColumns({ wide }: Features): number {
  return wide ? 16 : 8;
}

/** What is done with a finished tile, as bits. */
export const ACCUMULATE = 1;
export const ADD_BIAS = 2;
export const RELU = 4;

const PARAMETERS = {
  /** Address of A's first element, and steps in bytes from row to row and from k to k. */
  a: "i32",
  aRow: "i32",
  aStep: "i32",
  /** Address of B's first element, and the step in bytes from k to k; the columns are neighbours. */
  b: "i32",
  bStep: "i32",
  k: "i32",
  c: "i32",
  cRow: "i32",
  finish: "i32",
  bias: "i32",
} as const;

/** A further parameter of the others: how many tiles there are, one under the other. */
const COUNT = { count: "i32" } as const;

/** Further parameters of tiles whose k come in runs: how many, and the list of where in A each starts, in bytes. */
const RUNS = { runs: "i32", list: "i32" } as const;

/**
 * How A lies in memory: rows by any steps; "packed", the rows neighbours for each k, so that one pointer reaches all of
 * them; or rows of which each run of k starts somewhere else.
 */
type Layout = "rows" | "packed" | "runs";

/** Defines the functions for tiles of 1, 2, … rows and returns their numbers. */
export function defineTiles(module: ModuleBuilder, features: Features, layout: Layout): number[] {
  return Array.from({ length: tileRows(features) }, (_, i) => defineTile(module, features, i + 1, layout));
}

function defineTile(module: ModuleBuilder, features: Features, rows: number, layout: Layout): number {
  const packed = layout === "packed";
  const more: { readonly count?: "i32"; readonly runs?: "i32"; readonly list?: "i32" } =
    layout === "runs" ? RUNS : COUNT;
  return module.define(null, { ...PARAMETERS, ...more }, (f, p) => {
    const vectors = tileColumns(features) / 4;
    const sums = Array.from({ length: rows * vectors }, () => f.variable("v128"));
    const pointers = Array.from({ length: packed ? 1 : rows }, () => f.variable("i32"));
    const [b, k, a, c] = [f.variable("i32"), f.variable("i32"), f.keep(p.a), f.keep(p.c)];
    const point = (first: I32) => {
      f.set(pointers[0]!, first);
      for (let i = 1; i < pointers.length; i++) f.set(pointers[i]!, i32.add(pointers[i - 1]!, p.aRow));
      f.set(k, p.k);
    };
    const parts = Array.from({ length: vectors }, () => f.variable("v128"));
    const factor = f.variable("v128");
    const step = () => {
      for (const [j, part] of parts.entries()) f.set(part, v128.load(b, 16 * j));
      for (let i = 0; i < rows; i++) {
        f.set(factor, packed ? v128.load32Splat(pointers[0]!, 4 * i) : v128.load32Splat(pointers[i]!));
        for (const [j, vector] of parts.entries()) {
          const sum = sums[vectors * i + j]!;
          const next = features.relaxed
            ? f32x4.relaxedMadd(factor, vector, sum)
            : f32x4.add(sum, f32x4.mul(factor, vector));
          f.set(sum, next);
        }
      }
      for (const pointer of pointers) f.increase(pointer, p.aStep);
      f.increase(b, p.bStep);
      f.increase(k, -1);
    };
    // newer engines write the body out themselves
    const run = () => f.repeat(step, () => k, hoistsLoads() ? 4 : 1);
    const tile = () => {
      // no shared constant for 0: it would hold a register through the loop
      for (const sum of sums) f.set(sum, f32x4.const(0));
      f.set(b, p.b);
      if (p.list && p.runs) {
        const list = f.keep(p.list);
        const left = f.keep(p.runs);
        f.repeat(
          () => {
            point(i32.add(a, i32.load(list)));
            run();
            f.increase(list, 4);
            f.increase(left, -1);
          },
          () => left,
        );
      } else {
        point(a);
        run();
      }
      finishTile(f, p, vectors, sums, c);
    };
    if (!p.count) {
      tile();
      return;
    }
    const count = f.keep(p.count);
    f.repeat(
      () => {
        tile();
        f.increase(a, i32.mul(p.aRow, rows));
        f.increase(c, i32.mul(p.cRow, rows));
        f.increase(count, -1);
      },
      () => count,
    );
  });
}

/** Calls the tile for as many rows as are left, at most as many as there are tiles. */
export function callTile(
  f: FunctionBuilder,
  tiles: readonly number[],
  left: I32,
  args: readonly I32[],
  count = tiles.length,
): void {
  if (count === 1) f.call(tiles[0]!, ...args);
  else {
    f.if(
      i32.geU(left, count),
      () => f.call(tiles[count - 1]!, ...args),
      () => callTile(f, tiles, left, args, count - 1),
    );
  }
}

function finishTile(
  f: FunctionBuilder,
  p: Readonly<Record<keyof typeof PARAMETERS, Local<"i32">>>,
  vectors: number,
  sums: readonly Local<"v128">[],
  first: I32,
): void {
  const c = f.keep(first);
  const each = (visit: (sum: Local<"v128">, offset: number) => void) => {
    for (const [i, sum] of sums.entries()) visit(sum, 16 * (i % vectors));
  };
  const eachInC = (visit: (sum: Local<"v128">, offset: number) => void) => {
    for (const [i, sum] of sums.entries()) {
      if (i > 0 && i % vectors === 0) f.increase(c, p.cRow);
      visit(sum, 16 * (i % vectors));
    }
  };
  f.if(i32.and(p.finish, ACCUMULATE), () => {
    eachInC((sum, offset) => f.set(sum, f32x4.add(sum, v128.load(c, offset))));
    f.set(c, first);
  });
  f.if(i32.and(p.finish, ADD_BIAS), () => each((sum, offset) => f.set(sum, f32x4.add(sum, v128.load(p.bias, offset)))));
  f.if(i32.and(p.finish, RELU), () => each((sum) => f.set(sum, f32x4.max(sum, f32x4.const(0)))));
  eachInC((sum, offset) => f.do(v128.store(c, sum, offset)));
}
