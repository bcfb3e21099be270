/** Batched, strided matrix products: one thread computes one dot product, stepping through both operands. */
import type { Kernel } from "@neurite/core";
import { BLOCK, expectLoop, type Launcher } from "../launcher.js";
import { elementsOf, storageOf } from "../storage.js";
import { operand } from "../strided.js";

const SOURCE = `function (a, aOffset, aBatch, aRow, aK, b, bOffset, bBatch, bK, bColumn, m, n, k) {
  const line = Math.floor(this.thread.x / n);
  const j = this.thread.x - line * n;
  const batch = Math.floor(line / m);
  let p = aOffset + batch * aBatch + (line - batch * m) * aRow;
  let q = bOffset + batch * bBatch + j * bColumn;
  let total = 0;
  for (let block = 0; block < k; block += ${BLOCK}) {
    const end = Math.min(block + ${BLOCK}, k);
    let part = 0;
    for (let l = block; l < end; l++) {
      part += a[p] * b[q];
      p += aK;
      q += bK;
    }
    total += part;
  }
  return total;
}`;

export const matmul =
  (launcher: Launcher): Kernel<Record<string, never>> =>
  ([out], [x, y]) => {
    const [, m, n] = out.shape;
    const k = x.shape[2];
    expectLoop("matmul", "inner axis", k);
    const args = [...operand(x), ...operand(y), m, n, k];
    storageOf(out).bind(launcher.run("matmul", SOURCE, elementsOf(out), args));
    return undefined;
  };
