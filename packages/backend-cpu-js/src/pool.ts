/** Freed arrays kept for the next allocation of their size, so that a training loop leaves nothing to the garbage collector. */
import { type DType, hostArray, type TypedArray } from "@neurite/core";

/** Freed arrays are dropped beyond this sum: enough for the activations of a small net, small next to a browser tab's limit. */
const MAX_POOLED_BYTES = 256 * 2 ** 20;

/** Four sizes to the octave: at most a fourth of an array is unused. */
const STEPS = 4;

/** Index of the smallest size that holds `length` elements. */
export function sizeClass(length: number): number {
  if (length <= STEPS) return length;
  const octave = 31 - Math.clz32(length - 1) - 2;
  return STEPS * octave + ((length - 1) >>> octave) + 1;
}

/** Elements of an array of a size class. */
export function classLength(index: number): number {
  if (index <= 2 * STEPS) return index;
  const octave = Math.floor((index - 1) / STEPS) - 1;
  return (index - STEPS * octave) * 2 ** octave;
}

/** Keeps arrays of one element kind each in stacks by size class. */
export class Pool {
  #float32: TypedArray[][] = [];
  #float64: TypedArray[][] = [];
  #int32: TypedArray[][] = [];
  #uint8: TypedArray[][] = [];
  #bytes = 0;

  /** An array of at least `length` elements with any contents. */
  take(dtype: DType, length: number): TypedArray {
    const index = sizeClass(length);
    const stack = this.#stacks(dtype)[index];
    if (stack !== undefined && stack.length > 0) {
      const array = stack.pop()!;
      this.#bytes -= array.byteLength;
      return array;
    }
    return hostArray(dtype, classLength(index));
  }

  give(array: TypedArray): void {
    if (this.#bytes + array.byteLength > MAX_POOLED_BYTES) return;
    this.#bytes += array.byteLength;
    const stacks =
      array instanceof Float32Array
        ? this.#float32
        : array instanceof Float64Array
          ? this.#float64
          : array instanceof Int32Array
            ? this.#int32
            : this.#uint8;
    const index = sizeClass(array.length);
    const stack = stacks[index];
    if (stack === undefined) stacks[index] = [array];
    else stack.push(array);
  }

  #stacks(dtype: DType): TypedArray[][] {
    switch (dtype) {
      case "float32":
        return this.#float32;
      case "float64":
        return this.#float64;
      case "int32":
        return this.#int32;
      default:
        return this.#uint8;
    }
  }
}
