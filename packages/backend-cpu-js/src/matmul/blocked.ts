/** The blocked product: which parts of the operands are packed when, and where tiles go. */
import { pack, tile } from "./micro.js";
import type { Product } from "./product.js";

/** Depth of a block: with 256, a panel of either operand is 8 kB. Longer sums wait in float64 between blocks. */
const KC = 256;
/** Rows of a packed block of a: 96 · 256 · 8 bytes = 197 kB, read again for every four columns from the second-level cache. */
const MC = 96;
/** Columns of a packed block of b, 524 kB: each panel is read once per block of a. */
const NC = 256;

let packedA = new Float64Array(0);
let packedB = new Float64Array(0);
/** Results that wait for further blocks along k. */
let partial = new Float64Array(0);
/** A tile that hangs over the edge of the output. */
const edge = new Float64Array(16);

function room(array: Float64Array, length: number): Float64Array<ArrayBuffer> {
  return (array.length >= length ? array : new Float64Array(length)) as Float64Array<ArrayBuffer>;
}

const up4 = (length: number): number => (length + 3) & ~3;

export function blocked(product: Product): void {
  const { out, outOffset, a, aOffset, aRow, aK, b, bOffset, bK, bColumn, m, n, k } = product;
  const depth = Math.min(k, KC);
  packedA = room(packedA, up4(Math.min(m, MC)) * depth);
  packedB = room(packedB, up4(Math.min(n, NC)) * depth);
  const several = k > KC;
  for (let j0 = 0; j0 < n; j0 += NC) {
    const width = Math.min(NC, n - j0);
    const partialRow = up4(width);
    if (several) partial = room(partial, up4(m) * partialRow);
    for (let l0 = 0; l0 < k; l0 += KC) {
      const kc = Math.min(KC, k - l0);
      const more = l0 > 0;
      for (let j = 0; j < width; j += 4) {
        pack(packedB, j * kc, b, bOffset + l0 * bK + (j0 + j) * bColumn, bColumn, bK, Math.min(4, width - j), kc);
      }
      for (let i0 = 0; i0 < m; i0 += MC) {
        const height = Math.min(MC, m - i0);
        for (let i = 0; i < height; i += 4) {
          pack(packedA, i * kc, a, aOffset + (i0 + i) * aRow + l0 * aK, aRow, aK, Math.min(4, height - i), kc);
        }
        for (let j = 0; j < width; j += 4) {
          for (let i = 0; i < height; i += 4) {
            if (several) {
              tile(packedA, i * kc, packedB, j * kc, kc, partial, (i0 + i) * partialRow + j, partialRow, more);
              continue;
            }
            const at = outOffset + (i0 + i) * n + j0 + j;
            if (i + 4 <= height && j + 4 <= width) {
              tile(packedA, i * kc, packedB, j * kc, kc, out, at, n, false);
            } else {
              tile(packedA, i * kc, packedB, j * kc, kc, edge, 0, 4, false);
              for (let r = 0; r < Math.min(4, height - i); r++) {
                for (let c = 0; c < Math.min(4, width - j); c++) out[at + r * n + c] = edge[4 * r + c];
              }
            }
          }
        }
      }
    }
    if (several) {
      for (let i = 0; i < m; i++) {
        const at = outOffset + i * n + j0;
        for (let c = 0; c < width; c++) out[at + c] = partial[i * partialRow + c];
      }
    }
  }
}
