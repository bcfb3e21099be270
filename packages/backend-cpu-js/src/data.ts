/** Small helpers that every kernel uses. */
import type { TypedArray, View } from "@neurite/core";

/** The array behind a view; on this backend that is its storage id. */
export function dataOf(view: View): TypedArray {
  return view.id as TypedArray;
}

export function elementsOf(view: View): number {
  let size = 1;
  for (let i = 0; i < view.shape.length; i++) size *= view.shape[i];
  return size;
}

/**
 * Copies `length` neighbouring elements between arrays of one kind. Below about 32 elements a loop beats the call of
 * `set` and the view it needs.
 */
export function copyRun(to: TypedArray, p: number, from: TypedArray, q: number, length: number): void {
  if (length < 32) for (const end = p + length; p < end; p++, q++) to[p] = from[q];
  else to.set(from.subarray(q, q + length), p);
}

/** Position of the first index outside `[0, n)`, or −1. */
export function firstBadIndex(indices: TypedArray, offset: number, count: number, n: number): number {
  for (let i = 0; i < count; i++) {
    const index = indices[offset + i];
    if (index < 0 || index >= n) return i;
  }
  return -1;
}
