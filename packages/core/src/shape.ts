/** Shapes, strides, broadcasting and axes: plain arithmetic on small arrays, without tensors. */
import { IndexError, ShapeError } from "./errors.js";
import { describeValue, expectList } from "./expect.js";

/** Lengths of the axes, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** Most axes of a tensor, as in NumPy and PyTorch: data nested deeper than this is nested in itself. */
export const MAX_RANK = 64;

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i]!;
  return size;
}

/** Row-major strides in elements. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i]!;
  }
  return strides;
}

/** Whether the strides are row-major for the shape; axes of length 1 do not count. */
export function isContiguous(shape: Shape, strides: Shape): boolean {
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const length = shape[i]!;
    if (length === 0) return true;
    if (length !== 1) {
      if (strides[i] !== stride) return false;
      stride *= length;
    }
  }
  return true;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** `[2, 3]` as text. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** The common shape of `a` and `b` under NumPy's rules: aligned at the last axis, length 1 stretches. */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const m = a[a.length - i] ?? 1;
    const n = b[b.length - i] ?? 1;
    if (m !== n && m !== 1 && n !== 1) {
      throw new ShapeError({
        op,
        argument: "operands",
        expected: "shapes that broadcast (equal lengths or 1, aligned at the last axis)",
        received: `${formatShape(a)} and ${formatShape(b)}, which differ at axis -${i}: ${m} and ${n}`,
        remedy: "Reshape or expand one of them.",
      });
    }
    shape[rank - i] = m === 1 ? n : m;
  }
  return shape;
}

/** `axis` counted from the front, 0 … rank − 1; negative axes count from the end. */
export function normalizeAxis(op: string, axis: number, rank: number, argument = "axis"): number {
  const normal = Number.isInteger(axis) && axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normal < 0 || normal >= rank) {
    throw new IndexError({
      op,
      argument,
      expected: rank === 0 ? "no axis, since the tensor is a scalar" : `an integer from ${-rank} to ${rank - 1}`,
      received: describeValue(axis),
      remedy: `The tensor has ${rank} axes.`,
    });
  }
  return normal;
}

/** Sorted, unique, normalised axes; `undefined` means all of them. */
export function normalizeAxes(op: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) {
    const all: number[] = [];
    for (let i = 0; i < rank; i++) all.push(i);
    return all;
  }
  if (!Array.isArray(axes)) return [normalizeAxis(op, axes as number, rank)];
  const normal = axes.map((axis) => normalizeAxis(op, axis, rank)).sort((a, b) => a - b);
  for (let i = 1; i < normal.length; i++) {
    if (normal[i] === normal[i - 1]) {
      throw new IndexError({
        op,
        argument: "axis",
        expected: "each axis once",
        received: `[${axes.join(", ")}]`,
        remedy: `Axis ${normal[i]} is named twice.`,
      });
    }
  }
  return normal;
}

/** Throws unless every length is a non-negative integer, and their product too. */
export function expectShape(op: string, shape: Shape): void {
  expectList(op, "shape", shape, "lengths, such as [2, 3]");
  // by index: a hole of an array is no length
  for (let i = 0; i < shape.length; i++) {
    const length = shape[i];
    if (!Number.isSafeInteger(length) || length! < 0) {
      throw new ShapeError({
        op,
        argument: "shape",
        expected: "non-negative integers",
        received: describeValue(shape),
        remedy: "Every axis needs a whole length.",
      });
    }
  }
  if (shape.length > MAX_RANK || sizeOf(shape) > Number.MAX_SAFE_INTEGER) {
    throw new ShapeError({
      op,
      argument: "shape",
      expected: `at most ${MAX_RANK} axes and 2^53 elements`,
      received: `${shape.length} axes and ${sizeOf(shape)} elements`,
    });
  }
}

/** Throws unless `received` equals `expected`. */
export function expectSameShape(op: string, argument: string, expected: Shape, received: Shape): void {
  if (!sameShape(expected, received)) {
    throw new ShapeError({
      op,
      argument,
      expected: `shape ${formatShape(expected)}`,
      received: formatShape(received),
      remedy: "Reshape it or check where it was made.",
    });
  }
}
