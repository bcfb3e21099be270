/**
 * Sums, products and extremes over the middle axis. Floats accumulate in float64 (faster in V8 than rounding each step,
 * and closer to the truth); int32 wraps.
 */
import type { Kernel, ReduceKind, TypedArray } from "@neurite/core";
import { dataOf } from "../data.js";

/** Columns reduced at a time when the axis is not the innermost: 16 kB of accumulators stay in the first-level cache. */
const COLUMNS = 2048;
const floats = new Float64Array(COLUMNS);
const ints = new Int32Array(COLUMNS);

/** Reduces `n` neighbours to one number. */
type Line = (x: TypedArray, p: number, n: number) => number;
/** Accumulates one row of `width` elements into `into`. */
type Row = (into: TypedArray, x: TypedArray, p: number, width: number) => void;

/** Four running sums, so that an addition does not wait for the one before it. */
function sumLine(x: TypedArray, p: number, n: number): number {
  const end = p + n;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (const stop = end - 3; p < stop; p += 4) {
    a += x[p];
    b += x[p + 1];
    c += x[p + 2];
    d += x[p + 3];
  }
  for (; p < end; p++) a += x[p];
  return a + b + (c + d);
}

function intSumLine(x: TypedArray, p: number, n: number): number {
  let sum = 0;
  for (const end = p + n; p < end; p++) sum = (sum + x[p]) | 0;
  return sum;
}

function prodLine(x: TypedArray, p: number, n: number): number {
  let product = 1;
  for (const end = p + n; p < end; p++) product *= x[p];
  return product;
}

function intProdLine(x: TypedArray, p: number, n: number): number {
  let product = 1;
  for (const end = p + n; p < end; p++) product = Math.imul(product, x[p]);
  return product;
}

/** `!(v <= best)` also lets NaN in, and nothing displaces it again, since `best !== best` ends the search. */
function maxLine(x: TypedArray, p: number, n: number): number {
  let best = x[p];
  for (const end = p + n; p < end; p++) {
    const v = x[p];
    if (!(v <= best)) {
      best = v;
      if (v !== v) break;
    }
  }
  return best;
}

function minLine(x: TypedArray, p: number, n: number): number {
  let best = x[p];
  for (const end = p + n; p < end; p++) {
    const v = x[p];
    if (!(v >= best)) {
      best = v;
      if (v !== v) break;
    }
  }
  return best;
}

function sumRow(into: TypedArray, x: TypedArray, p: number, width: number): void {
  for (let i = 0; i < width; i++) into[i] += x[p + i];
}

function prodRow(into: TypedArray, x: TypedArray, p: number, width: number): void {
  for (let i = 0; i < width; i++) into[i] *= x[p + i];
}

function intProdRow(into: TypedArray, x: TypedArray, p: number, width: number): void {
  for (let i = 0; i < width; i++) into[i] = Math.imul(into[i], x[p + i]);
}

function maxRow(into: TypedArray, x: TypedArray, p: number, width: number): void {
  for (let i = 0; i < width; i++) into[i] = Math.max(into[i], x[p + i]);
}

function minRow(into: TypedArray, x: TypedArray, p: number, width: number): void {
  for (let i = 0; i < width; i++) into[i] = Math.min(into[i], x[p + i]);
}

interface Reducer {
  readonly line: Line;
  readonly row: Row;
}

const FLOAT: Record<ReduceKind, Reducer> = {
  sum: { line: sumLine, row: sumRow },
  prod: { line: prodLine, row: prodRow },
  max: { line: maxLine, row: maxRow },
  min: { line: minLine, row: minRow },
};
const INT: Record<ReduceKind, Reducer> = {
  sum: { line: intSumLine, row: sumRow },
  prod: { line: intProdLine, row: intProdRow },
  max: FLOAT.max,
  min: FLOAT.min,
};

export const reduce: Kernel<{ readonly kind: ReduceKind }> = (outs, inputs, { kind }) => {
  const [out] = outs;
  const [x] = inputs;
  const to = dataOf(out);
  const from = dataOf(x);
  const [outer, n, inner] = x.shape;
  const isFloat = out.dtype === "float32" || out.dtype === "float64";
  const { line, row } = (isFloat ? FLOAT : INT)[kind];
  let p = out.offset;
  if (inner === 1) {
    for (let o = 0, q = x.offset; o < outer; o++, q += n) to[p++] = line(from, q, n);
    return undefined;
  }
  const sums: TypedArray = isFloat ? floats : ints;
  for (let o = 0; o < outer; o++) {
    const base = x.offset + o * n * inner;
    for (let start = 0; start < inner; start += COLUMNS) {
      const width = Math.min(COLUMNS, inner - start);
      for (let i = 0; i < width; i++) sums[i] = from[base + start + i];
      for (let r = 1; r < n; r++) row(sums, from, base + r * inner + start, width);
      for (let i = 0; i < width; i++) to[p++] = sums[i];
    }
  }
  return undefined;
};
