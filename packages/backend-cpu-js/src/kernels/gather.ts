import type { Kernel } from "@neurite/core";
import { copyRun, dataOf, firstBadIndex } from "../data.js";

/** `out[o, i] = x[o, index[i]]`, outs `[outer, m, inner]`, inputs `[outer, n, inner]` and `[m]`. */
export const gather: Kernel<Record<string, never>> = (outs, inputs) => {
  const [out] = outs;
  const [x, index] = inputs;
  const [outer, n, inner] = x.shape;
  const m = index.shape[0];
  const indices = dataOf(index);
  const bad = firstBadIndex(indices, index.offset, m, n);
  if (bad >= 0) return bad;
  const to = dataOf(out);
  const from = dataOf(x);
  let p = out.offset;
  for (let o = 0; o < outer; o++) {
    const base = x.offset + o * n * inner;
    for (let i = 0; i < m; i++, p += inner) copyRun(to, p, from, base + indices[index.offset + i] * inner, inner);
  }
  return undefined;
};
