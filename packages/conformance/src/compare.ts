/** How far results are from what they should be. */
import type { DType, Shape, TypedArray } from "@neurite/core";
import { indicesOf, type Plain } from "./plain.js";

/** A result read back from a device. */
export interface Read {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data: TypedArray;
}

/** The failed claim of a check, in words. */
export class Mismatch extends Error {
  override readonly name = "Mismatch";
  constructor(
    message: string,
    readonly maxError = Number.POSITIVE_INFINITY,
  ) {
    super(message);
  }
}

/** What a float, integer or bool array would hold. */
function stored(value: number, dtype: DType): number {
  if (dtype === "float32") return Math.fround(value);
  if (dtype === "float64") return value;
  if (dtype === "bool") return value !== 0 ? 1 : 0;
  return dtype === "uint8" ? value & 255 : value | 0;
}

function distance(actual: number, expected: number, relative: boolean): number {
  if (actual === expected || (Number.isNaN(actual) && Number.isNaN(expected))) return 0;
  if (!Number.isFinite(actual) || !Number.isFinite(expected)) return Number.POSITIVE_INFINITY;
  return Math.abs(actual - expected) / (relative ? Math.abs(expected) : Math.max(1, Math.abs(expected)));
}

export interface CompareOptions {
  /** Largest error of floats; integers and bools must be equal. */
  readonly tolerance: number;
  readonly signedZeros?: boolean;
  readonly relative?: boolean;
}

/**
 * Largest error of a result.
 * @param what names the result in the message
 * @throws Mismatch when dtype or shape differ or the error exceeds the tolerance
 */
export function compare(
  what: string,
  actual: Read,
  expected: Plain & { readonly dtype: DType },
  { tolerance, signedZeros = false, relative = false }: CompareOptions,
): number {
  const { dtype } = expected;
  if (actual.dtype !== dtype) throw new Mismatch(`${what} has dtype ${actual.dtype}, not ${dtype}`);
  if (actual.shape.join() !== expected.shape.join() || actual.data.length !== expected.data.length) {
    throw new Mismatch(
      `${what} has shape [${actual.shape}] and ${actual.data.length} elements, not [${expected.shape}] and ${expected.data.length}`,
    );
  }
  const exact = dtype !== "float32" && dtype !== "float64";
  let worst = 0;
  let place = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const wanted = stored(expected.data[i], dtype);
    const error =
      signedZeros && wanted === 0 && !Object.is(actual.data[i], wanted)
        ? Number.POSITIVE_INFINITY
        : distance(actual.data[i], wanted, relative);
    if (error > worst) {
      worst = error;
      place = i;
    }
  }
  if (worst > (exact ? 0 : tolerance)) {
    const index = indicesOf(expected.shape)[place];
    const [is, wanted] = [actual.data[place], stored(expected.data[place], dtype)].map(show);
    const wide = exact ? "" : `, an error of ${worst.toPrecision(3)} where ${tolerance} is allowed`;
    throw new Mismatch(`${what} is ${is} at [${index}], not ${wanted}${wide}`, worst);
  }
  return worst;
}

function show(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** Throws unless the numbers are the same; NaN equals NaN, and zeros differ by their sign. */
export function expectEqual(what: string, actual: ArrayLike<number>, expected: readonly number[]): void {
  const found = Array.from(actual);
  if (found.length !== expected.length || found.some((value, i) => !Object.is(value, expected[i]))) {
    throw new Mismatch(`${what} is [${found.map(show)}], not [${expected.map(show)}]`);
  }
}

/** Throws unless the claim holds. */
export function expectThat(holds: boolean, otherwise: string): void {
  if (!holds) throw new Mismatch(otherwise);
}
