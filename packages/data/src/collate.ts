/** From items to the arrays of one batch. */
import { type DType, hostArray, type Shape, ShapeError, sizeOf, type TypedArray } from "@neurite/core";

/** One array of a batch, in host memory. */
export interface HostArrayOf {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: TypedArray;
}

/** The arrays of a batch by name. */
export type HostBatch = Readonly<Record<string, HostArrayOf>>;

/**
 * Integer sequences as one int32 array [n, longest], filled up with `padding` at the end.
 * @param length width of the array; default that of the longest sequence, and at least 1
 * @throws ShapeError when a sequence is longer than `length`
 */
export function padSequences(sequences: readonly (readonly number[])[], padding: number, length?: number): HostArrayOf {
  const longest = Math.max(1, ...sequences.map((sequence) => sequence.length));
  const width = length ?? longest;
  if (longest > width) {
    throw new ShapeError({
      op: "padSequences",
      argument: "sequences",
      expected: `at most ${width} elements each`,
      received: String(longest),
      remedy: "Raise the length or cut the sequence.",
    });
  }
  const data = new Int32Array(sequences.length * width).fill(padding);
  for (const [row, sequence] of sequences.entries()) data.set(sequence, row * width);
  return { dtype: "int32", shape: [sequences.length, width], data };
}

/** Arrays of one shape stacked along a new first axis. @throws ShapeError when a length differs */
export function stackArrays(arrays: readonly ArrayLike<number>[], shape: Shape, dtype: DType = "float32"): HostArrayOf {
  const size = sizeOf(shape);
  const data = hostArray(dtype, arrays.length * size);
  for (const [row, array] of arrays.entries()) {
    if (array.length !== size) {
      throw new ShapeError({
        op: "stackArrays",
        argument: `arrays[${row}]`,
        expected: `${size} elements`,
        received: String(array.length),
      });
    }
    data.set(array, row * size);
  }
  return { dtype, shape: [arrays.length, ...shape], data };
}
