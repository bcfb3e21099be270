/** Strided → contiguous, with conversion between dtypes. */
import type { DType, Kernel, TypedArray, View } from "@neurite/core";
import { copyRun, dataOf } from "../data.js";

/** Edge of the square tiles of a transposed copy: 32 rows of float64 are 8 kB, well within the first-level cache. */
const TILE = 32;

type Row = (to: TypedArray, p: number, from: TypedArray, q: number, step: number, length: number) => void;

/** How a row is converted: a store into the typed array truncates, and makes NaN 0, but it wraps. */
function rowFor(from: DType, to: DType): Row {
  if (to === "bool") return from === "bool" ? copyRow : testRow;
  if (to === "uint8") return from === "uint8" || from === "bool" ? copyRow : byteRow;
  return to === "int32" && (from === "float32" || from === "float64") ? integerRow : copyRow;
}

function saturating(low: number, high: number): Row {
  return (to, p, from, q, step, length) => {
    for (const end = p + length; p < end; p++, q += step) {
      to[p] = Math.min(Math.max(from[q], low), high);
    }
  };
}

const integerRow = saturating(-(2 ** 31), 2 ** 31 - 1);
const byteRow = saturating(0, 255);

export const copy: Kernel<Record<string, never>> = (outs, inputs) => {
  const [out] = outs;
  const [x] = inputs;
  const last = x.shape.length - 1;
  const across = last > 0 && Math.abs(x.strides[last]) > 1 ? tightestAxis(x) : last;
  if (across === last) copyRows(out, x);
  else copyTiles(out, x, across);
  return undefined;
};

/** The axis along which the input's elements lie closest together; that is read in tiles when it is not the last. */
function tightestAxis(x: View): number {
  let best = x.shape.length - 1;
  for (let axis = best - 1; axis >= 0; axis--) {
    const stride = Math.abs(x.strides[axis]);
    if (stride !== 0 && stride < Math.abs(x.strides[best])) best = axis;
  }
  return best;
}

function copyRow(to: TypedArray, p: number, from: TypedArray, q: number, step: number, length: number): void {
  for (const end = p + length; p < end; p++, q += step) to[p] = from[q];
}

function testRow(to: TypedArray, p: number, from: TypedArray, q: number, step: number, length: number): void {
  for (const end = p + length; p < end; p++, q += step) to[p] = from[q] !== 0 ? 1 : 0;
}

function copyRows(out: View, x: View): void {
  const to = dataOf(out);
  const from = dataOf(x);
  const { shape, strides } = x;
  const last = shape.length - 1;
  const length = shape[last];
  const step = strides[last] | 0;
  const sameRun = step === 1 && (x.dtype === out.dtype || (x.dtype === "bool" && out.dtype === "uint8"));
  const row = rowFor(x.dtype, out.dtype);
  let rows = 1;
  for (let axis = 0; axis < last; axis++) rows *= shape[axis];
  const position = last > 0 ? new Array<number>(last).fill(0) : [];
  let p = out.offset;
  let q = x.offset;
  for (let r = 0; r < rows; r++, p += length) {
    if (sameRun) copyRun(to, p, from, q, length);
    else row(to, p, from, q, step, length);
    for (let axis = last - 1; axis >= 0; axis--) {
      q += strides[axis];
      if (++position[axis] < shape[axis]) break;
      q -= strides[axis] * shape[axis];
      position[axis] = 0;
    }
  }
}

/** Tiles over (`across`, last axis) keep both the lines read and the lines written in cache; the other axes are looped. */
function copyTiles(out: View, x: View, across: number): void {
  const to = dataOf(out);
  const from = dataOf(x);
  const { shape, strides } = x;
  const last = shape.length - 1;
  const row = rowFor(x.dtype, out.dtype);
  const height = shape[across];
  const width = shape[last];
  const outStrides = new Array<number>(last + 1);
  for (let axis = last, stride = 1; axis >= 0; axis--) {
    outStrides[axis] = stride;
    stride *= shape[axis];
  }
  let planes = 1;
  for (let axis = 0; axis < last; axis++) if (axis !== across) planes *= shape[axis];
  const position = new Array<number>(last).fill(0);
  let p = out.offset;
  let q = x.offset;
  for (let plane = 0; plane < planes; plane++) {
    for (let i0 = 0; i0 < height; i0 += TILE) {
      const i1 = Math.min(i0 + TILE, height);
      for (let j0 = 0; j0 < width; j0 += TILE) {
        const run = Math.min(TILE, width - j0);
        for (let i = i0; i < i1; i++) {
          row(
            to,
            p + i * outStrides[across] + j0,
            from,
            q + i * strides[across] + j0 * strides[last],
            strides[last],
            run,
          );
        }
      }
    }
    for (let axis = last - 1; axis >= 0; axis--) {
      if (axis === across) continue;
      p += outStrides[axis];
      q += strides[axis];
      if (++position[axis] < shape[axis]) break;
      p -= outStrides[axis] * shape[axis];
      q -= strides[axis] * shape[axis];
      position[axis] = 0;
    }
  }
}
