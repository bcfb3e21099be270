/** Integer products modulo 2³², row by row. */
import type { Product } from "./product.js";

export function wrapping({ out, outOffset, a, aOffset, aRow, aK, b, bOffset, bK, bColumn, m, n, k }: Product): void {
  for (let i = 0; i < m; i++) {
    const row = outOffset + i * n;
    out.fill(0, row, row + n);
    for (let l = 0; l < k; l++) {
      const factor = a[aOffset + i * aRow + l * aK];
      let q = bOffset + l * bK;
      for (let p = row; p < row + n; p++, q += bColumn) out[p] += Math.imul(factor, b[q]);
    }
  }
}
