/**
 * Comparisons with numbers that the tensor's dtype does not hold: 3e9 beside int32, ½ beside integers, 1e39 beside float32. Each is
 * made one with a number that it holds, with the same answer for every element. Read next: `ops/elementwise.ts`.
 */
import type { DType } from "./dtype.js";

export type Comparison = "eq" | "ne" | "lt" | "le" | "gt" | "ge";

/** The comparison with its operands exchanged. */
export const MIRRORED: Readonly<Record<Comparison, Comparison>> = {
  eq: "eq",
  ne: "ne",
  lt: "gt",
  le: "ge",
  gt: "lt",
  ge: "le",
};

/** Smallest and largest finite element of each dtype. */
const RANGES: Readonly<Record<DType, readonly [low: number, high: number]>> = {
  float32: [-3.4028234663852886e38, 3.4028234663852886e38],
  float64: [-Number.MAX_VALUE, Number.MAX_VALUE],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint8: [0, 255],
  bool: [0, 1],
};

/**
 * What `x fn value` is for x of `dtype`. Floats are compared with the number rounded to their dtype, so that
 * `equal(tensor([0.1]), 0.1)` holds; integers and bools with the number itself.
 */
export function comparisonWith(fn: Comparison, value: number, dtype: DType): readonly [Comparison, number] {
  const isFloat = dtype === "float32" || dtype === "float64";
  const [low, high] = RANGES[dtype];
  if (isFloat ? fitsFloat(value, high) : Number.isInteger(value) && value >= low && value <= high) return [fn, value];
  // what is never equal is as NaN is, which an integer never is either
  const [never, always] = isFloat ? NEVER_FLOAT : [["lt", low] as const, ["ge", low] as const];
  if (fn === "eq" || Number.isNaN(value)) return fn === "ne" ? always : never;
  if (fn === "ne") return always;
  const below = fn === "lt" || fn === "le";
  if (value > high) return [below ? "le" : "gt", high];
  if (value < low) return [below ? "lt" : "ge", low];
  // a fraction between two integers
  return below ? ["le", Math.floor(value)] : ["ge", Math.ceil(value)];
}

const NEVER_FLOAT = [
  ["eq", Number.NaN],
  ["ne", Number.NaN],
] as const;

/** NaN and ±∞ are elements of floats; a finite number is when it rounds to a finite one. */
function fitsFloat(value: number, high: number): boolean {
  return !Number.isFinite(value) || high > 1e300 || Number.isFinite(Math.fround(value));
}
