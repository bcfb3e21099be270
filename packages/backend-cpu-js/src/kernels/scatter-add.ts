import type { Kernel } from "@neurite/core";
import { dataOf, firstBadIndex } from "../data.js";

/** Zero, then `out[o, index[i]] += updates[o, i]` in order of i, floats in float64; inputs `[outer, m, inner]` and `[m]`. */
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
  const size = n * inner;
  // rounded once at the end: many updates may meet in one element
  const sums = out.dtype === "float32" ? new Float64Array(size) : null;
  let q = updates.offset;
  for (let o = 0, base = out.offset; o < outer; o++, base += size) {
    const target = sums ?? to.subarray(base, base + size);
    target.fill(0);
    for (let i = 0; i < m; i++) {
      let p = indices[index.offset + i] * inner;
      for (const end = p + inner; p < end; p++, q++) target[p] += from[q];
    }
    if (sums) to.set(sums, base);
  }
  return undefined;
};
