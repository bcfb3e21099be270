/**
 * Weights and inputs that are the same in every library: the n-th number depends on the array's seed and n alone.
 * `peers/native.py` makes the same numbers.
 */

/** An array of numbers, uniform in [low, high): float32, or int32 where `integer`. */
export interface ArraySpec {
  readonly shape: readonly number[];
  readonly low: number;
  readonly high: number;
  readonly integer?: boolean;
  readonly seed: number;
}

export type HostArray = Float32Array | Int32Array;

/** 32 well mixed bits (the finaliser "lowbias32" of Chris Wellons' hash prospector). */
function mix(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** The array that a specification describes, in row-major order. */
export function makeArray({ shape, low, high, integer, seed }: ArraySpec): HostArray {
  const length = shape.reduce((a, b) => a * b, 1);
  const start = Math.imul(seed, 0x9e3779b9);
  // 24 bits: exact in float32
  const uniform = (i: number) => (mix((start + i) | 0) >>> 8) * 2 ** -24;
  const array = integer ? new Int32Array(length) : new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const value = low + (high - low) * uniform(i);
    array[i] = integer ? Math.floor(value) : value;
  }
  return array;
}
