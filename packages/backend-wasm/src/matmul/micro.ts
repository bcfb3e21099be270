/**
 * The innermost kernel of the matrix product: a tile of rows × 8 of C kept in registers while k runs.
 *
 * V8 has 15 vector registers; a tile that needs one more falls to half the speed. With fused multiply-add 6 × 8 uses all
 * 15 (12 sums, 2 of B, 1 of A); with multiply and add apart the product needs one more, and 4 × 8 fits. k is not unrolled:
 * before version 12 of V8 (Node 20) the loads of an unrolled body are all moved to its top, and then spill.
 */
import { f32x4, i32, v128 } from "../emitter/code.js";
import type { FunctionBuilder, Local } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Features } from "../vector-math.js";

/** Columns of a tile: two vectors. */
export const COLUMNS = 8;

/** Rows of a full tile. */
export function tileRows({ relaxed }: Features): number {
  return relaxed ? 6 : 4;
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
  /** Address of B's first element, and the step in bytes from k to k; the 8 columns are neighbours. */
  b: "i32",
  bStep: "i32",
  k: "i32",
  c: "i32",
  cRow: "i32",
  finish: "i32",
  bias: "i32",
} as const;

/**
 * Defines the function for a tile of `rows` rows and returns its number.
 * @param packed whether the rows of A are neighbours for each k, 4 bytes apart, so that one pointer reaches all of them
 */
export function defineTile(module: ModuleBuilder, features: Features, rows: number, packed: boolean): number {
  return module.define(null, PARAMETERS, (f, p) => {
    // no shared constant for 0: it would hold a register through the loop
    const sums = Array.from({ length: rows * 2 }, () => f.variable("v128", f32x4.const(0)));
    const pointers = [f.keep(p.a)];
    for (let i = 1; i < rows && !packed; i++) pointers.push(f.keep(i32.add(pointers[i - 1]!, p.aRow)));
    const b = f.keep(p.b);
    const k = f.keep(p.k);
    const left = f.variable("v128");
    const right = f.variable("v128");
    const factor = f.variable("v128");
    f.repeat(
      () => {
        f.set(left, v128.load(b, 0));
        f.set(right, v128.load(b, 16));
        for (let i = 0; i < rows; i++) {
          f.set(factor, packed ? v128.load32Splat(pointers[0]!, 4 * i) : v128.load32Splat(pointers[i]!));
          for (const [half, vector] of [left, right].entries()) {
            const sum = sums[2 * i + half]!;
            const next = features.relaxed
              ? f32x4.relaxedMadd(factor, vector, sum)
              : f32x4.add(sum, f32x4.mul(factor, vector));
            f.set(sum, next);
          }
        }
        for (const pointer of pointers) f.increase(pointer, p.aStep);
        f.increase(b, p.bStep);
        f.increase(k, -1);
      },
      () => k,
    );
    finishTile(f, p, rows, sums);
  });
}

function finishTile(
  f: FunctionBuilder,
  p: Readonly<Record<keyof typeof PARAMETERS, Local<"i32">>>,
  rows: number,
  sums: readonly Local<"v128">[],
): void {
  const c = f.keep(p.c);
  const each = (visit: (sum: Local<"v128">, offset: number, row: number) => void) => {
    for (let i = 0; i < rows; i++) for (let half = 0; half < 2; half++) visit(sums[2 * i + half]!, 16 * half, i);
  };
  f.if(i32.and(p.finish, ACCUMULATE), () => {
    each((sum, offset, row) => {
      f.set(sum, f32x4.add(sum, v128.load(c, offset)));
      if (offset === 16 && row < rows - 1) f.increase(c, p.cRow);
    });
    f.set(c, p.c);
  });
  f.if(i32.and(p.finish, ADD_BIAS), () => each((sum, offset) => f.set(sum, f32x4.add(sum, v128.load(p.bias, offset)))));
  f.if(i32.and(p.finish, RELU), () => each((sum) => f.set(sum, f32x4.max(sum, f32x4.const(0)))));
  each((sum, offset, row) => {
    f.do(v128.store(c, sum, offset));
    if (offset === 16 && row < rows - 1) f.increase(c, p.cRow);
  });
}
