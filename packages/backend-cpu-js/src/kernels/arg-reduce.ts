/** Position of the largest or smallest element along the middle axis. The first wins a tie; the first NaN beats all. */
import type { ArgReduceKind, Kernel, TypedArray } from "@neurite/core";
import { dataOf } from "../data.js";

/** Position of the extreme among `n` elements `step` apart. */
type Search = (x: TypedArray, p: number, n: number, step: number) => number;

function argMaxOf(x: TypedArray, p: number, n: number, step: number): number {
  let best = x[p];
  let at = 0;
  for (let i = 0; i < n; i++, p += step) {
    const v = x[p];
    if (!(v <= best)) {
      best = v;
      at = i;
      if (v !== v) break;
    }
  }
  return at;
}

function argMinOf(x: TypedArray, p: number, n: number, step: number): number {
  let best = x[p];
  let at = 0;
  for (let i = 0; i < n; i++, p += step) {
    const v = x[p];
    if (!(v >= best)) {
      best = v;
      at = i;
      if (v !== v) break;
    }
  }
  return at;
}

export const argReduce: Kernel<{ readonly kind: ArgReduceKind }> = (outs, inputs, { kind }) => {
  const [out] = outs;
  const [x] = inputs;
  const to = dataOf(out);
  const from = dataOf(x);
  const [outer, n, inner] = x.shape;
  const search: Search = kind === "argMax" ? argMaxOf : argMinOf;
  let p = out.offset;
  for (let o = 0; o < outer; o++) {
    const base = x.offset + o * n * inner;
    for (let i = 0; i < inner; i++) to[p++] = search(from, base + i, n, inner);
  }
  return undefined;
};
