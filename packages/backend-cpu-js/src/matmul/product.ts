import type { TypedArray } from "@neurite/core";

/** One product `out[m, n] = a[m, k] · b[k, n]`: arrays, positions and the steps along each axis. */
export interface Product {
  out: TypedArray;
  outOffset: number;
  outRow: number;
  outColumn: number;
  a: TypedArray;
  aOffset: number;
  aRow: number;
  aK: number;
  b: TypedArray;
  bOffset: number;
  bK: number;
  bColumn: number;
  m: number;
  n: number;
  k: number;
}
