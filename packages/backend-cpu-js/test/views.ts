/** Views over plain arrays, and element access by index, for checks against naive loops. */
import { type DType, hostArray, type TypedArray, type View } from "@neurite/core";

export const DTYPES: readonly DType[] = ["float32", "float64", "int32", "uint8", "bool"];

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

export function contiguousStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  for (let axis = shape.length - 1, stride = 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

export function view(
  id: TypedArray,
  dtype: DType,
  shape: readonly number[],
  strides?: readonly number[],
  offset = 0,
): View {
  return { id, dtype, shape, strides: strides ?? contiguousStrides(shape), offset };
}

/** An output with an offset and guards: kernels must write their elements and no others. */
export function output(dtype: DType, shape: readonly number[]): View {
  const id = hostArray(dtype, sizeOf(shape) + 5).fill(7);
  return view(id, dtype, shape, undefined, 2);
}

/** The values of a contiguous view, after a check of the guards of {@link output}. */
export function valuesOf(out: View): number[] {
  const array = out.id as TypedArray;
  const size = sizeOf(out.shape);
  const guards = [...array.subarray(0, out.offset), ...array.subarray(out.offset + size)];
  if (guards.some((guard) => guard !== 7)) throw new Error("a kernel wrote outside its output");
  return [...array.subarray(out.offset, out.offset + size)];
}

/** All index tuples of a shape in row-major order. */
export function indices(shape: readonly number[]): number[][] {
  let all: number[][] = [[]];
  for (const length of shape) all = all.flatMap((head) => Array.from({ length }, (_, i) => [...head, i]));
  return all;
}

export function at(x: View, index: readonly number[]): number {
  return (x.id as TypedArray)[index.reduce((sum, i, axis) => sum + i * x.strides[axis], x.offset)];
}

export function elements(x: View): number[] {
  return indices(x.shape).map((index) => at(x, index));
}

/** A small seeded generator of numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

/** An array of numbers that suit the dtype: small integers, bits, or floats around 0. */
export function filled(dtype: DType, length: number, random: () => number): TypedArray {
  const array = hostArray(dtype, length);
  for (let i = 0; i < length; i++) {
    if (dtype === "bool") array[i] = Math.floor(random() * 2);
    else if (dtype === "uint8") array[i] = Math.floor(random() * 256);
    else if (dtype === "int32") array[i] = Math.floor(random() * 2000) - 1000;
    else array[i] = random() * 8 - 4;
  }
  return array;
}

/** A view of random numbers with the given strides, placed so that every element lies inside its array. */
export function strided(
  dtype: DType,
  shape: readonly number[],
  strides: readonly number[],
  random: () => number,
): View {
  let low = 0;
  let high = 0;
  shape.forEach((length, axis) => {
    const reach = (length - 1) * strides[axis];
    if (reach < 0) low += reach;
    else high += reach;
  });
  return view(filled(dtype, high - low + 4, random), dtype, shape, strides, 3 - low);
}
