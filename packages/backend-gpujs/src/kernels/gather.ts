import type { Kernel, View } from "@neurite/core";
import type { Launcher } from "../launcher.js";
import { elementsOf, handleOf, storageOf } from "../storage.js";

const SOURCE = `function (x, offset, n, inner, index, indexOffset, m) {
  const row = Math.floor(this.thread.x / inner);
  const outer = Math.floor(row / m);
  const from = outer * n + index[indexOffset + row - outer * m];
  return x[offset + from * inner + this.thread.x - row * inner];
}`;

/** Position of the first index outside `[0, n)`, or −1. A kernel cannot say so itself; here the indices are at hand. */
export function firstBadIndex(index: View, n: number): number {
  const values = handleOf(index);
  for (let i = 0; i < index.shape[0]; i++) {
    const value = values[index.offset + i];
    if (!(value >= 0 && value < n)) return i;
  }
  return -1;
}

/** `out[o, i] = x[o, index[i]]`, outs `[outer, m, inner]`, inputs `[outer, n, inner]` and `[m]`. */
export const gather =
  (launcher: Launcher): Kernel<Record<string, never>> =>
  ([out], [x, index]) => {
    const [, n, inner] = x.shape;
    const bad = firstBadIndex(index, n);
    if (bad >= 0) return bad;
    const args = [handleOf(x), x.offset, n, inner, handleOf(index), index.offset, index.shape[0]];
    storageOf(out).bind(launcher.run("gather", SOURCE, elementsOf(out), args));
    return undefined;
  };
