/** From items to the arrays of one batch. */
import { type DType, expectShape, hostArray, type Shape, ShapeError, sizeOf, type TypedArray } from "@neurite/core";
import { expectDType, expectInteger, expectIntegers, expectList, expectNumbers } from "@neurite/core/expect";

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
 * @throws ShapeError when a sequence is longer than `length`, ValueError for numbers that are no integers
 */
export function padSequences(sequences: readonly (readonly number[])[], padding: number, length?: number): HostArrayOf {
  expectList("padSequences", "sequences", sequences, "sequences");
  for (const [row, sequence] of sequences.entries()) {
    expectIntegers("padSequences", `sequences[${row}]`, sequence);
  }
  const longest = sequences.reduce((most, sequence) => Math.max(most, sequence.length), 1);
  const width = length ?? longest;
  expectInteger("padSequences", "length", width, 1);
  expectInteger("padSequences", "padding", padding);
  if (longest > width) {
    throw new ShapeError({
      op: "padSequences",
      argument: "sequences",
      expected: `at most ${width} elements each`,
      received: String(longest),
      remedy: "Raise the length or cut the sequence.",
    });
  }
  const data = hostArray("int32", sequences.length * width).fill(padding);
  for (const [row, sequence] of sequences.entries()) {
    data.set(sequence, row * width);
  }
  return { dtype: "int32", shape: [sequences.length, width], data };
}

/** Arrays of one shape stacked along a new first axis. @throws ShapeError when a length differs */
export function stackArrays(arrays: readonly ArrayLike<number>[], shape: Shape, dtype: DType = "float32"): HostArrayOf {
  expectShape("stackArrays", shape);
  expectDType("stackArrays", "dtype", dtype);
  expectList("stackArrays", "arrays", arrays, "arrays");
  const size = sizeOf(shape);
  const data = hostArray(dtype, arrays.length * size);
  for (const [row, array] of arrays.entries()) {
    expectNumbers("stackArrays", `arrays[${row}]`, array);
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
