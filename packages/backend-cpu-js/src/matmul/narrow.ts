/**
 * Products with fewer than four rows or columns: packing would cost more than the product, so both operands are read in
 * place, four results at a time where the long operand runs along k, and row by row where it runs across.
 */
import type { TypedArray } from "@neurite/core";
import type { Product } from "./product.js";

/** Columns summed at a time in float64. */
const WIDTH = 2048;
const sums = new Float64Array(WIDTH);

export function narrow(product: Product): void {
  const { out, outOffset, outRow, outColumn, a, aOffset, aRow, aK, b, bOffset, bK, bColumn, m, n, k } = product;
  if (n < m) {
    // (a·b)ᵀ = bᵀ·aᵀ: now the short side is the rows'.
    for (let j = 0; j < n; j++) {
      vector(out, outOffset + j * outColumn, outRow, b, bOffset + j * bColumn, bK, a, aOffset, aK, aRow, m, k);
    }
  } else {
    for (let i = 0; i < m; i++) {
      vector(out, outOffset + i * outRow, outColumn, a, aOffset + i * aRow, aK, b, bOffset, bK, bColumn, n, k);
    }
  }
}

/** `out[j] = Σₗ v[l] · b[l, j]` for n columns. */
function vector(
  out: TypedArray,
  p: number,
  step: number,
  v: TypedArray,
  vOffset: number,
  vStep: number,
  b: TypedArray,
  bOffset: number,
  bK: number,
  bColumn: number,
  n: number,
  k: number,
): void {
  if (Math.abs(bK) < Math.abs(bColumn)) {
    let j = 0;
    for (; j + 4 <= n; j += 4, p += 4 * step) {
      dot4(out, p, step, v, vOffset, vStep, b, bOffset + j * bColumn, bK, bColumn, k);
    }
    for (; j < n; j++, p += step) out[p] = dot(v, vOffset, vStep, b, bOffset + j * bColumn, bK, k);
    return;
  }
  for (let start = 0; start < n; start += WIDTH) {
    const width = Math.min(WIDTH, n - start);
    sums.fill(0, 0, width);
    let q = bOffset + start * bColumn;
    let at = vOffset;
    let l = 0;
    for (; l + 4 <= k; l += 4, at += 4 * vStep, q += 4 * bK) addRows(v, at, vStep, b, q, bK, bColumn, width);
    for (; l < k; l++, at += vStep, q += bK) addRow(v[at], b, q, bColumn, width);
    for (let j = 0; j < width; j++, p += step) out[p] = sums[j];
  }
}

function addRow(factor: number, b: TypedArray, q: number, step: number, width: number): void {
  const to = sums;
  for (let j = 0; j < width; j++, q += step) to[j] += factor * b[q];
}

/** Four rows at once, in order, so that each sum is loaded and stored a fourth as often. */
function addRows(
  v: TypedArray,
  p: number,
  vStep: number,
  b: TypedArray,
  q0: number,
  bK: number,
  step: number,
  width: number,
): void {
  const f0 = v[p];
  const f1 = v[p + vStep];
  const f2 = v[p + 2 * vStep];
  const f3 = v[p + 3 * vStep];
  let q1 = q0 + bK;
  let q2 = q1 + bK;
  let q3 = q2 + bK;
  const to = sums;
  for (let j = 0; j < width; j++, q0 += step, q1 += step, q2 += step, q3 += step) {
    to[j] = to[j] + f0 * b[q0] + f1 * b[q1] + f2 * b[q2] + f3 * b[q3];
  }
}

function dot(v: TypedArray, p: number, vStep: number, b: TypedArray, q: number, bK: number, k: number): number {
  let sum = 0;
  for (let l = 0; l < k; l++, p += vStep, q += bK) sum += v[p] * b[q];
  return sum;
}

function dot4(
  out: TypedArray,
  at: number,
  step: number,
  v: TypedArray,
  p: number,
  vStep: number,
  b: TypedArray,
  q0: number,
  bK: number,
  bColumn: number,
  k: number,
): void {
  let q1 = q0 + bColumn;
  let q2 = q1 + bColumn;
  let q3 = q2 + bColumn;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let l = 0; l < k; l++, p += vStep, q0 += bK, q1 += bK, q2 += bK, q3 += bK) {
    const x = v[p];
    s0 += x * b[q0];
    s1 += x * b[q1];
    s2 += x * b[q2];
    s3 += x * b[q3];
  }
  out[at] = s0;
  out[at + step] = s1;
  out[at + 2 * step] = s2;
  out[at + 3 * step] = s3;
}
