/**
 * Batched matrix products of strided operands. Floats: panels of four rows or columns are packed as float64 and
 * multiplied by a 4×4 register kernel, after K. Goto and R. van de Geijn, "Anatomy of high-performance matrix
 * multiplication", ACM TOMS 34 (2008). Each element is one sum over k in ascending order, in float64, rounded once:
 * neither the blocking nor the shape of the batch changes it. Read next: `matmul/micro.ts`.
 */
import type { Kernel, View } from "@neurite/core";
import { dataOf } from "../data.js";
import { blocked } from "../matmul/blocked.js";
import { narrow } from "../matmul/narrow.js";
import type { Product } from "../matmul/product.js";
import { wrapping } from "../matmul/wrapping.js";

export const matmul: Kernel<Record<string, never>> = (outs, inputs) => {
  const [out] = outs;
  const [x, y] = inputs;
  let [batches, m, n] = out.shape;
  const k = x.shape[2];
  // Rows of a batch that follow each other and meet one shared right operand are rows of one larger product.
  if (batches > 1 && y.strides[0] === 0 && (m === 1 || x.strides[0] === m * x.strides[1])) {
    if (m === 1) return multiply(out, x, y, 1, batches, n, k, x.strides[0]);
    m *= batches;
    batches = 1;
  }
  return multiply(out, x, y, batches, m, n, k, x.strides[1]);
};

function multiply(
  out: View,
  x: View,
  y: View,
  batches: number,
  m: number,
  n: number,
  k: number,
  rowStride: number,
): undefined {
  // A −0 would make V8 compile the loops for float64 positions.
  const product: Product = {
    out: dataOf(out),
    outOffset: out.offset,
    outRow: n,
    outColumn: 1,
    a: dataOf(x),
    aOffset: x.offset | 0,
    aRow: rowStride | 0,
    aK: x.strides[2] | 0,
    b: dataOf(y),
    bOffset: y.offset | 0,
    bK: y.strides[1] | 0,
    bColumn: y.strides[2] | 0,
    m,
    n,
    k,
  };
  const run = out.dtype === "float32" || out.dtype === "float64" ? (Math.min(m, n) < 4 ? narrow : blocked) : wrapping;
  for (let batch = 0; batch < batches; batch++) {
    run(product);
    product.outOffset += m * n;
    product.aOffset += x.strides[0] | 0;
    product.bOffset += y.strides[0] | 0;
  }
  return undefined;
}
