/** Element types and their host arrays. */
import { DTypeError, UnsupportedError, ValueError } from "./errors.js";

/** Element types. `bool` is stored as one byte, 0 or 1. */
export type DType = "float32" | "float64" | "int32" | "uint8" | "bool";

export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** The host array that carries each dtype. */
export interface HostArray {
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

export const DTYPES: readonly DType[] = ["float32", "float64", "int32", "uint8", "bool"];

/** Bytes of one element. */
export function bytesPerElement(dtype: DType): number {
  // comparisons, not a table: every allocation asks
  return dtype === "float32" || dtype === "int32" ? 4 : dtype === "float64" ? 8 : 1;
}

export function isFloat(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float64";
}

/** A new zeroed host array of `length` elements. @throws UnsupportedError where the host has no room for it */
export function hostArray<D extends DType>(dtype: D, length: number): HostArray[D] {
  try {
    return newArray(dtype, length) as HostArray[D];
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new UnsupportedError(
      {
        op: "hostArray",
        argument: "length",
        expected: `as many ${dtype} elements as the host has memory for`,
        received: String(length),
        remedy: "Split the data, or free some memory first.",
      },
      { cause },
    );
  }
}

function newArray(dtype: DType, length: number): TypedArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(length);
    case "float64":
      return new Float64Array(length);
    case "int32":
      return new Int32Array(length);
    default:
      return new Uint8Array(length);
  }
}

/** The dtype a host array stands for; a `Uint8Array` is `uint8`. */
export function dtypeOf(array: TypedArray): DType {
  if (array instanceof Float32Array) return "float32";
  if (array instanceof Float64Array) return "float64";
  if (array instanceof Int32Array) return "int32";
  if (array instanceof Uint8Array) return "uint8";
  throw new DTypeError({
    op: "tensor",
    argument: "data",
    expected: "a Float32Array, Float64Array, Int32Array or Uint8Array",
    received: Object.prototype.toString.call(array).slice(8, -1),
    remedy: "Convert it to one of these arrays first.",
  });
}

const LIMITS: Readonly<Record<"int32" | "uint8" | "bool", readonly [low: number, high: number, words: string]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1, "an integer from -2147483648 to 2147483647"],
  uint8: [0, 255, "an integer from 0 to 255"],
  bool: [0, 1, "0 or 1"],
};

/** A number cast to `dtype`, up to the rounding of floats: truncated toward zero and saturated, NaN 0, and true unless 0. */
export function castNumber(value: number, dtype: DType): number {
  if (dtype === "bool") return value !== 0 ? 1 : 0;
  if (dtype === "float32" || dtype === "float64") return value;
  const [low, high] = LIMITS[dtype];
  return Number.isNaN(value) ? 0 : Math.trunc(Math.min(Math.max(value, low), high));
}

/** Whether `value` is an element of `dtype`, rounding of floats aside: a finite number that overflows is none. */
export function fits(value: number, dtype: DType): boolean {
  if (dtype === "float32") return Number.isFinite(Math.fround(value)) || !Number.isFinite(value);
  if (dtype === "float64") return true;
  const [low, high] = LIMITS[dtype];
  return Number.isInteger(value) && value >= low && value <= high;
}

/** Throws unless `value` is an element of `dtype`, rounding of floats aside. */
export function expectFits(op: string, argument: string, value: number, dtype: DType): void {
  if (fits(value, dtype)) return;
  throw new ValueError({
    op,
    argument,
    expected:
      dtype === "float32" ? "a number that float32 holds, below 3.4e38" : `${wordsOf(dtype)}, as ${dtype} holds`,
    received: String(value),
    remedy: 'A number takes the dtype of its tensor: choose one that holds it, or cast, as in cast(x, "float32").',
  });
}

function wordsOf(dtype: DType): string {
  return dtype === "int32" || dtype === "uint8" || dtype === "bool" ? LIMITS[dtype][2] : "a number";
}

/** Throws unless `dtype` is a floating-point type. */
export function expectFloat(op: string, argument: string, dtype: DType): void {
  if (!isFloat(dtype)) {
    throw new DTypeError({
      op,
      argument,
      expected: "float32 or float64",
      received: dtype,
      remedy: `Cast it first: cast(${argument}, "float32").`,
    });
  }
}

/** Throws unless a dtype has arithmetic: a bool or uint8 has none, so that no sum of them leaves its range unseen. */
export function expectArithmetic(op: string, argument: string, dtype: DType, remedy?: string): void {
  if (dtype === "bool" || dtype === "uint8") {
    throw new DTypeError({
      op,
      argument,
      expected: "float32, float64 or int32",
      received: dtype,
      remedy: remedy ?? `Cast it first: cast(${argument}, "int32").`,
    });
  }
}

/** Throws unless both dtypes are the same. */
export function expectSameDType(op: string, argument: string, expected: DType, received: DType): void {
  if (expected !== received) {
    throw new DTypeError({
      op,
      argument,
      expected,
      received,
      remedy: `Tensors are never promoted silently; cast it: cast(${argument}, "${expected}").`,
    });
  }
}

/** Throws unless `dtype` is int32, the dtype of indices. */
export function expectIndex(op: string, argument: string, dtype: DType): void {
  if (dtype !== "int32") {
    throw new DTypeError({
      op,
      argument,
      expected: "int32 indices",
      received: dtype,
      remedy: `Cast it: cast(${argument}, "int32").`,
    });
  }
}
