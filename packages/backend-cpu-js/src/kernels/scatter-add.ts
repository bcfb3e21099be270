import type { Kernel } from "@neurite/core";
import { dataOf, firstBadIndex } from "../data.js";

/** Zero, then `out[o, index[i]] += updates[o, i]` in order of i; inputs `[outer, m, inner]` and `[m]`. */
export const scatterAdd: Kernel<Record<string, never>> = (outs, inputs) => {
  const [out] = outs;
  const [updates, index] = inputs;
  const [outer, n, inner] = out.shape;
  const m = index.shape[0];
  const indices = dataOf(index);
  const bad = firstBadIndex(indices, index.offset, m, n);
  if (bad >= 0) return bad;
  const to = dataOf(out);
  const from = dataOf(updates);
  to.fill(0, out.offset, out.offset + outer * n * inner);
  let q = updates.offset;
  for (let o = 0; o < outer; o++) {
    const base = out.offset + o * n * inner;
    for (let i = 0; i < m; i++) {
      let p = base + indices[index.offset + i] * inner;
      for (const end = p + inner; p < end; p++, q++) to[p] += from[q];
    }
  }
  return undefined;
};
