/**
 * Windows that slide along the spatial axes of a channels-last tensor [n, …spatial, channels]: the arithmetic and the
 * views that convolution (`convolution.ts`) and pooling (`max-pool.ts`, `average-pool.ts`) share.
 */
import { expectFloat } from "../dtype.js";
import { ShapeError, UnsupportedError } from "../errors.js";
import { badValue, type OptionKinds } from "../expect.js";
import { scope } from "../scope.js";
import { formatShape, type Shape, sizeOf } from "../shape.js";
import { expectTensor, type Tensor } from "../tensor.js";
import { pad } from "./pad.js";
import { permute, slice, windows } from "./views.js";

/** Number of spatial axes. */
export type Dimensions = 1 | 2 | 3;

/** Names of the spatial axes, for messages. */
export const SPATIAL_NAMES: Readonly<Record<Dimensions, string>> = {
  1: "length",
  2: "height, width",
  3: "depth, height, width",
};

/**
 * Elements added at the ends of the spatial axes: one number for all of them; one entry per axis, a number for both ends or
 * `[before, after]`; `"valid"` for none; `"same"` for as many that ⌈length / stride⌉ windows fit, the odd one behind, as in
 * TensorFlow.
 */
export type Padding = number | "same" | "valid" | readonly (number | readonly [before: number, after: number])[];

/** How windows slide. A number stands for all spatial axes. */
export interface SlidingOptions {
  /** From one window's start to the next. */
  readonly stride?: number | readonly number[];
  /** Default 0. */
  readonly padding?: Padding;
  /** From one element of a window to the next. Default 1. */
  readonly dilation?: number | readonly number[];
}

/** What the options of windows that slide may be; their entries are checked one by one. */
export const SLIDING: OptionKinds<SlidingOptions> = { stride: "any", padding: "any", dilation: "any" };

/** The same with one entry per spatial axis. */
export interface Sliding {
  readonly strides: readonly number[];
  readonly padding: readonly (readonly [before: number, after: number])[];
  readonly dilation: readonly number[];
}

/** One integer per spatial axis, each at least `minimum`. */
export function perAxis(
  op: string,
  argument: string,
  value: number | readonly number[],
  dimensions: number,
  minimum = 1,
): readonly number[] {
  const list = typeof value === "number" ? new Array<number>(dimensions).fill(value) : value;
  const fits = Array.isArray(list) && list.length === dimensions;
  if (!fits || !list.every((entry) => Number.isSafeInteger(entry) && entry >= minimum)) {
    const expected = `an integer from ${minimum} on, or ${dimensions} of them, one per spatial axis`;
    throw badValue(op, argument, expected, value);
  }
  return list;
}

/** Elements between the ends of a dilated window, both counted. */
export function reachOf(size: number, dilation: number): number {
  return dilation * (size - 1) + 1;
}

/** TensorFlow's "same" for an axis of `length`. */
function samePadding(length: number, size: number, stride: number, dilation: number): [number, number] {
  const windowCount = Math.ceil(length / stride);
  const total = Math.max((windowCount - 1) * stride + reachOf(size, dilation) - length, 0);
  const before = Math.floor(total / 2);
  return [before, total - before];
}

/** Options with one entry per axis. @throws ValueError for entries that are no sensible integers */
export function slidingOf(
  op: string,
  spatial: Shape,
  size: Shape,
  { stride = 1, padding = 0, dilation = 1 }: SlidingOptions,
): Sliding {
  const n = spatial.length;
  const strides = perAxis(op, "stride", stride, n);
  const dilations = perAxis(op, "dilation", dilation, n);
  const pairs = spatial.map((length, axis): readonly [number, number] => {
    if (padding === "same") return samePadding(length, size[axis]!, strides[axis]!, dilations[axis]!);
    const own = padding === "valid" ? 0 : Array.isArray(padding) ? padding[axis] : padding;
    return typeof own === "number" ? [own, own] : own;
  });
  const fits = !Array.isArray(padding) || padding.length === n;
  const whole = (pair: unknown) =>
    Array.isArray(pair) && pair.length === 2 && pair.every((width) => Number.isSafeInteger(width) && width >= 0);
  if (!fits || !pairs.every(whole)) {
    const expected = `a non-negative integer, "same", "valid", or ${n} entries, one per spatial axis: integers or [before, after]`;
    throw badValue(op, "padding", expected, padding);
  }
  return { strides, padding: pairs, dilation: dilations };
}

/** Number of windows along each spatial axis. @throws ShapeError when an axis is too short for one */
export function windowCounts(op: string, x: Shape, size: Shape, { strides, padding, dilation }: Sliding): number[] {
  return size.map((k, i) => {
    const reach = reachOf(k, dilation[i]!);
    const [before, after] = padding[i]!;
    const length = x[i + 1]! + before + after;
    if (length < reach) {
      throw new ShapeError({
        op,
        argument: "x",
        expected: `at least ${reach} elements along axis ${i + 1}, the reach of a window of ${k}`,
        received: `${formatShape(x)} with ${x[i + 1]}${before + after > 0 ? ` and padding ${before} + ${after}` : ""}`,
        remedy: "Pad it, or take a smaller window or dilation.",
      });
    }
    return Math.floor((length - reach) / strides[i]!) + 1;
  });
}

/** Throws unless `x` holds floats as [n, …spatial, channels]. */
export function expectSpatial(op: string, x: Tensor, dimensions: Dimensions): void {
  expectTensor(op, "x", x);
  expectFloat(op, "x", x.dtype);
  if (x.rank === dimensions + 2) return;
  throw new ShapeError({
    op,
    argument: "x",
    expected: `[n, ${SPATIAL_NAMES[dimensions]}, channels]`,
    received: formatShape(x.shape),
    remedy: "The batch comes first and the channels last; a single example takes unsqueeze(x, 0).",
  });
}

/** `x` with `value` at the ends of its spatial axes. */
export function padSpatial(x: Tensor, padding: Sliding["padding"], value = 0): Tensor {
  return pad(x, [{}, ...padding.map(([before, after]) => ({ before, after })), {}], value);
}

/** `x` without what {@link padSpatial} added. */
export function cropSpatial(x: Tensor, padding: Sliding["padding"]): Tensor {
  return slice(x, [null, ...padding.map(([before, after], i) => [before, x.shape[i + 1]! - after] as const)]);
}

/** All windows of a padded tensor, as a view: [n, …spatial, …rest] → [n, …counts, …size, …rest]. */
export function windowsOf(x: Tensor, size: Shape, { strides, dilation }: Sliding): Tensor {
  const n = size.length;
  let view = x;
  size.forEach((k, i) => {
    view = windows(view, 2 * i + 1, { size: k, stride: strides[i]!, dilation: dilation[i]! });
  });
  const counts = size.map((_, i) => 2 * i + 1);
  const places = size.map((_, i) => 2 * i + 2);
  const rest = Array.from({ length: view.rank - 2 * n - 1 }, (_, i) => 2 * n + 1 + i);
  return permute(view, [0, ...counts, ...places, ...rest]);
}

/** Most places in a window that are taken one after the other: each is a handful of kernels. */
const MOST_PLACES = 2 ** 16;

/** The places in a window, in row-major order. */
export function placesOf(size: Shape): number[][] {
  if (sizeOf(size) > MOST_PLACES) {
    throw new UnsupportedError({
      op: "windows",
      argument: "size",
      expected: `at most ${MOST_PLACES} elements in a window`,
      received: formatShape(size),
      remedy: "Reduce all of an axis with max or mean instead.",
    });
  }
  let all: number[][] = [[]];
  for (const length of size) all = all.flatMap((head) => Array.from({ length }, (_, i) => [...head, i]));
  return all;
}

/** The elements that all windows of a padded tensor have at one place: a view [n, …counts, …rest]. */
export function atPlace(x: Tensor, place: Shape, counts: Shape, { strides, dilation }: Sliding): Tensor {
  const ranges = place.map((p, i) => {
    const start = p * dilation[i]!;
    return [start, start + (counts[i]! - 1) * strides[i]! + 1, strides[i]!] as const;
  });
  return slice(x, [null, ...ranges]);
}

/** One element per window [n, …counts, …rest] put to its place in a tensor of zeros of the padded lengths: the transpose of {@link atPlace}. */
export function toPlace(part: Tensor, place: Shape, padded: Shape, { strides, dilation }: Sliding): Tensor {
  const widths = place.map((p, i) => {
    const before = p * dilation[i]!;
    const span = (part.shape[i + 1]! - 1) * strides[i]! + 1;
    return { before, after: padded[i]! - before - span, interior: strides[i]! - 1 };
  });
  return pad(part, [{}, ...widths, ...part.shape.slice(place.length + 1).map(() => ({}))]);
}

/**
 * The error of windows spread out so that windows of step 1 over it give the gradient by the input: zeros between its
 * elements for the stride and around them for the windows' reach (Jiang §8.3.2).
 * @param dy [n, …counts, …rest]
 * @param spatial lengths of the input without padding
 */
export function spreadError(dy: Tensor, spatial: Shape, size: Shape, { strides, padding, dilation }: Sliding): Tensor {
  const rest = dy.shape.slice(size.length + 1).map(() => ({}));
  const ends = size.map((k, i) => {
    const reach = reachOf(k, dilation[i]!);
    const before = reach - 1 - padding[i]![0];
    const span = (dy.shape[i + 1]! - 1) * strides[i]! + 1;
    return { before, after: spatial[i]! + reach - 1 - span - before };
  });
  // more padding than reach: the outermost errors belong to windows that saw nothing but padding
  const widths = ends.map(({ before, after }, i) => ({
    before: Math.max(before, 0),
    after: Math.max(after, 0),
    interior: strides[i]! - 1,
  }));
  const spread = pad(dy, [{}, ...widths, ...rest]);
  const cuts = ends.map(
    ({ before, after }, i) => [Math.max(-before, 0), spread.shape[i + 1]! - Math.max(-after, 0)] as const,
  );
  return slice(spread, [null, ...cuts]);
}

/**
 * `first` combined with further terms one at a time. Each intermediate result is freed once the next is there, so a long
 * sum takes the memory of two.
 */
export function accumulate(first: Tensor, count: number, combine: (sum: Tensor, i: number) => Tensor): Tensor {
  let sum = first;
  for (let i = 0; i < count; i++) {
    const before = sum;
    sum = scope(() => combine(before, i));
    if (i > 0) before.dispose("it was added to a sum");
  }
  return sum;
}
