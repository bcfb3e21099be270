/** Arrays for references: a shape and numbers in row-major order, with none of core's code behind them. */
import type { Shape } from "@neurite/core";

export interface Plain {
  readonly shape: Shape;
  /** Row-major. */
  readonly data: readonly number[];
}

/** Number of elements of a shape. */
export function count(shape: Shape): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** All index tuples of a shape in row-major order; one empty tuple for a scalar. */
export function indicesOf(shape: Shape): number[][] {
  let all: number[][] = [[]];
  for (const length of shape) all = all.flatMap((head) => Array.from({ length }, (_, i) => [...head, i]));
  return all;
}

/** The array whose element at `index` is `valueAt(index)`. */
export function build(shape: Shape, valueAt: (index: readonly number[]) => number): Plain {
  return { shape, data: indicesOf(shape).map(valueAt) };
}

/** Element at `index`. */
export function at(x: Plain, index: readonly number[]): number {
  let position = 0;
  for (let axis = 0; axis < x.shape.length; axis++) position = position * x.shape[axis] + index[axis];
  return x.data[position];
}

/** Element of `x` broadcast to an array of more or longer axes: aligned at the last axis, length 1 stretches. */
export function broadcastAt(x: Plain, index: readonly number[]): number {
  const missing = index.length - x.shape.length;
  return at(
    x,
    x.shape.map((length, axis) => (length === 1 ? 0 : index[axis + missing])),
  );
}

/** The shape to which all `shapes` broadcast. */
export function commonShape(shapes: readonly Shape[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const lengths = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    return lengths.find((length) => length !== 1) ?? 1;
  });
}

/** `f` of the broadcast elements of all arrays. */
export function zip(arrays: readonly Plain[], f: (...values: number[]) => number): Plain {
  return build(commonShape(arrays.map((x) => x.shape)), (index) => f(...arrays.map((x) => broadcastAt(x, index))));
}

/** `f` of the elements along `axes` for every position on the others; `keep` leaves the axes as length 1. */
export function fold(x: Plain, axes: readonly number[], keep: boolean, f: (values: number[]) => number): Plain {
  const lines = indicesOf(x.shape.filter((_, axis) => axes.includes(axis)));
  const full = x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
  const kept = build(full, (index) =>
    f(
      lines.map((line) => {
        let next = 0;
        return at(
          x,
          index.map((i, axis) => (axes.includes(axis) ? line[next++] : i)),
        );
      }),
    ),
  );
  return keep ? kept : { shape: x.shape.filter((_, axis) => !axes.includes(axis)), data: kept.data };
}

/** Each line along `axis` replaced by `f` of it, of the same length. */
export function alongAxis(x: Plain, axis: number, f: (line: number[]) => readonly number[]): Plain {
  const lines = new Map<string, readonly number[]>();
  return build(x.shape, (index) => {
    const key = index.with(axis, 0).join();
    let line = lines.get(key);
    if (!line) {
      line = f(Array.from({ length: x.shape[axis] }, (_, i) => at(x, index.with(axis, i))));
      lines.set(key, line);
    }
    return line[index[axis]];
  });
}

/** The same elements under another shape. */
export function reshaped(x: Plain, shape: Shape): Plain {
  return { shape, data: x.data };
}
