/**
 * gpu.js has neither scattered writes nor atomics: a thread may only gather. So the positions are first sorted by their
 * index, on the host, where the indices are at hand; then each result sums its own run of updates, in order.
 */
import type { Kernel, View } from "@neurite/core";
import { BLOCK, type Launcher } from "../launcher.js";
import { elementsOf, handleOf, storageOf } from "../storage.js";
import { firstBadIndex } from "./gather.js";

const SOURCE = `function (updates, offset, order, starts, n, m, inner) {
  const row = Math.floor(this.thread.x / inner);
  const outer = Math.floor(row / n);
  const column = this.thread.x - row * inner;
  const last = starts[row - outer * n + 1];
  let sum = 0;
  for (let block = starts[row - outer * n]; block < last; block += ${BLOCK}) {
    const end = Math.min(block + ${BLOCK}, last);
    for (let t = block; t < end; t++) {
      sum += updates[offset + (outer * m + order[t]) * inner + column];
    }
  }
  return sum;
}`;

/** A counting sort: positions in the order of their index, and where each index's run begins. */
function runs(index: View, n: number): { order: Float32Array; starts: Float32Array } {
  const values = handleOf(index);
  const m = index.shape[0];
  const starts = new Float32Array(n + 1);
  for (let i = 0; i < m; i++) starts[values[index.offset + i] + 1]++;
  for (let j = 0; j < n; j++) starts[j + 1] += starts[j];
  const next = starts.slice();
  const order = new Float32Array(m);
  for (let i = 0; i < m; i++) order[next[values[index.offset + i]]++] = i;
  return { order, starts };
}

/** Zero, then `out[o, index[i]] += updates[o, i]` in order of i; inputs `[outer, m, inner]` and `[m]`. */
export const scatterAdd =
  (launcher: Launcher): Kernel<Record<string, never>> =>
  ([out], [updates, index]) => {
    const [, n, inner] = out.shape;
    const bad = firstBadIndex(index, n);
    if (bad >= 0) return bad;
    const { order, starts } = runs(index, n);
    const args = [handleOf(updates), updates.offset, order, starts, n, index.shape[0], inner];
    storageOf(out).bind(launcher.run("scatterAdd", SOURCE, elementsOf(out), args));
    return undefined;
  };
