/** Views: other shapes and orders of the same storage, without copying. */
import { dispatch } from "../dispatch.js";
import { IndexError, ShapeError, ValueError } from "../errors.js";
import {
  badValue,
  describeValue,
  expectInteger,
  expectList,
  expectOptions,
  expectRecord,
  type OptionKinds,
} from "../expect.js";
import { defineOp } from "../op.js";
import { composite } from "../scope.js";
import { expectShape, formatShape, normalizeAxes, normalizeAxis, type Shape, sameShape, sizeOf } from "../shape.js";
import { expectTensor, type Tensor, viewOf } from "../tensor.js";
import { copy } from "./copy.js";
import { pad } from "./pad.js";
import { sumTo } from "./reduce.js";

const inferNothing = () => [];

// ---- reshape

const reshapeOp = /* @__PURE__ */ defineOp<{ readonly shape: Shape; readonly strides: readonly number[] }>({
  name: "reshape",
  infer: inferNothing,
  view: (x, { shape, strides }) => viewOf(x, shape, strides, x.offset),
  vjp: ({ inputs: [x], dy: [dy] }) => [reshape(dy!, x!.shape)],
});

/**
 * The same elements in row-major order under another shape. A view where the strides allow it, else a copy.
 * @param shape one length may be −1: it is inferred
 * @throws ShapeError when the number of elements differs
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  expectTensor("reshape", "x", x);
  expectList("reshape", "shape", shape, "lengths");
  if (sameShape(shape, x.shape)) return x;
  const target = inferLength(x, shape);
  if (sameShape(target, x.shape)) return x;
  const strides = reshapedStrides(x.shape, x.strides, target);
  if (strides) return dispatch(reshapeOp, [x], { shape: target, strides })[0]!;
  return composite("reshape", () => reshape(copy(x), target));
}

function inferLength(x: Tensor, shape: Shape): Shape {
  for (let i = 0; i < shape.length; i++) {
    if (Number.isSafeInteger(shape[i]) && shape[i]! >= -1) continue;
    const received = describeValue(shape);
    throw new ShapeError({ op: "reshape", argument: "shape", expected: "non-negative integers, or one -1", received });
  }
  const unknown = shape.indexOf(-1);
  const rest = sizeOf(shape.filter((_, i) => i !== unknown));
  const target = unknown < 0 ? shape : shape.map((length, i) => (i === unknown ? x.size / rest : length));
  if (unknown < 0 || Number.isInteger(x.size / rest)) expectShape("reshape", target);
  if (sizeOf(target) !== x.size || target.some((length) => !Number.isInteger(length))) {
    throw new ShapeError({
      op: "reshape",
      argument: "shape",
      expected: `${x.size} elements, as in ${formatShape(x.shape)}`,
      received: describeValue(shape),
      remedy: "One length may be -1 to be inferred.",
    });
  }
  return target;
}

/** Strides that show `shape` with these `strides` as `target`, or null when that takes a copy. */
function reshapedStrides(shape: Shape, strides: Shape, target: Shape): number[] | null {
  // an empty tensor has no element that a stride could miss
  if (sizeOf(shape) === 0) return target.map(() => 0);
  // runs of axes that are contiguous among themselves can be cut anew
  const runs: { size: number; stride: number }[] = [];
  for (let i = 0; i < shape.length; i++) {
    if (shape[i] === 1) continue;
    const last = runs[runs.length - 1];
    if (last && last.stride === strides[i]! * shape[i]!) {
      last.size *= shape[i]!;
      last.stride = strides[i]!;
    } else runs.push({ size: shape[i]!, stride: strides[i]! });
  }
  const result = new Array<number>(target.length).fill(1);
  let axis = target.length - 1;
  for (let r = runs.length - 1; r >= 0; r--) {
    const { size, stride } = runs[r]!;
    let covered = 1;
    while (covered < size && axis >= 0) {
      result[axis] = stride * covered;
      covered *= target[axis]!;
      axis--;
    }
    if (covered !== size) return null;
  }
  return result;
}

/** Drops an axis of length 1, or all of them. */
export function squeeze(x: Tensor, axis?: number): Tensor {
  expectTensor("squeeze", "x", x);
  if (axis === undefined)
    return reshape(
      x,
      x.shape.filter((length) => length !== 1),
    );
  const at = normalizeAxis("squeeze", axis, x.rank);
  if (x.shape[at] !== 1) {
    throw new ShapeError({
      op: "squeeze",
      argument: "axis",
      expected: "an axis of length 1",
      received: `axis ${axis} of ${formatShape(x.shape)}`,
      remedy: "Select one element of it with slice instead.",
    });
  }
  return reshape(x, x.shape.toSpliced(at, 1));
}

/** Inserts an axis of length 1 so that it becomes axis `axis` of the result. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  expectTensor("unsqueeze", "x", x);
  const at = normalizeAxis("unsqueeze", axis, x.rank + 1);
  return reshape(x, x.shape.toSpliced(at, 0, 1));
}

// ---- permute

const permuteOp = /* @__PURE__ */ defineOp<{ readonly axes: readonly number[] }>({
  name: "permute",
  infer: inferNothing,
  view(x, { axes }) {
    const shape: number[] = [];
    const strides: number[] = [];
    for (const axis of axes) {
      shape.push(x.shape[axis]!);
      strides.push(x.strides[axis]!);
    }
    return viewOf(x, shape, strides, x.offset);
  },
  vjp: ({ attrs: { axes }, dy: [dy] }) => [
    permute(
      dy!,
      axes.map((_, i) => axes.indexOf(i)),
    ),
  ],
});

/** Axis i of the result is axis `axes[i]` of `x`. */
export function permute(x: Tensor, axes: readonly number[]): Tensor {
  expectTensor("permute", "x", x);
  expectList("permute", "axes", axes, "axes");
  const order = axes.map((axis) => normalizeAxis("permute", axis, x.rank, "axes"));
  if (order.length !== x.rank || new Set(order).size !== x.rank) {
    throw new ShapeError({
      op: "permute",
      argument: "axes",
      expected: `each of the ${x.rank} axes of ${formatShape(x.shape)} once`,
      received: formatShape(axes),
      remedy: "Name every axis.",
    });
  }
  return dispatch(permuteOp, [x], { axes: order })[0]!;
}

/** Exchanges two axes, by default the last two. */
export function transpose(x: Tensor, a = -2, b = -1): Tensor {
  expectTensor("transpose", "x", x);
  const first = normalizeAxis("transpose", a, x.rank);
  const second = normalizeAxis("transpose", b, x.rank);
  const axes = normalizeAxes("transpose", undefined, x.rank);
  axes[first] = second;
  axes[second] = first;
  return dispatch(permuteOp, [x], { axes })[0]!;
}

// ---- expand

const expandOp = /* @__PURE__ */ defineOp<{ readonly shape: Shape }>({
  name: "expand",
  infer: inferNothing,
  view(x, { shape }) {
    const missing = shape.length - x.rank;
    const strides = shape.map((length, i) => {
      const own = i - missing;
      return own < 0 || (x.shape[own] === 1 && length !== 1) ? 0 : x.strides[own]!;
    });
    return viewOf(x, shape, strides, x.offset);
  },
  vjp: ({ inputs: [x], dy: [dy] }) => [sumTo(dy!, x!.shape)],
});

/** `x` repeated along new leading axes and along axes of length 1, without copying. −1 keeps a length. */
export function expand(x: Tensor, shape: Shape): Tensor {
  expectTensor("expand", "x", x);
  expectList("expand", "shape", shape, "lengths");
  const missing = shape.length - x.rank;
  const target = shape.map((length, i) => (length === -1 && i >= missing ? x.shape[i - missing]! : length));
  const fits = missing >= 0 && x.shape.every((length, i) => length === 1 || length === target[i + missing]);
  if (!fits) {
    throw new ShapeError({
      op: "expand",
      argument: "shape",
      expected: `a shape that ${formatShape(x.shape)} broadcasts to`,
      received: describeValue(shape),
      remedy: "Only axes of length 1 can be stretched.",
    });
  }
  expectShape("expand", target);
  return sameShape(target, x.shape) ? x : dispatch(expandOp, [x], { shape: target })[0]!;
}

// ---- slice

interface AxisSlice {
  readonly start: number;
  readonly step: number;
  readonly length: number;
}

const sliceOp = /* @__PURE__ */ defineOp<{ readonly axes: readonly AxisSlice[] }>({
  name: "slice",
  infer: inferNothing,
  view: (x, { axes }) =>
    viewOf(
      x,
      axes.map((axis) => axis.length),
      // + 0: a step of −1 over a stride of 0 is −0
      axes.map((axis, i) => axis.step * x.strides[i]! + 0),
      axes.reduce((offset, axis, i) => offset + (axis.length > 0 ? axis.start * x.strides[i]! : 0), x.offset),
    ),
  vjp({ attrs: { axes }, inputs: [x], dy: [dy] }) {
    const reversed = axes.flatMap((axis, i) => (axis.step < 0 ? [i] : []));
    const forward = reversed.length > 0 ? flip(dy!, reversed) : dy!;
    return [
      pad(
        forward,
        axes.map(({ start, step, length }, i) => {
          const total = x!.shape[i]!;
          if (length === 0) return { before: total, after: 0 };
          const low = step < 0 ? start + step * (length - 1) : start;
          const stride = Math.abs(step);
          return { before: low, after: total - low - stride * (length - 1) - 1, interior: stride - 1 };
        }),
      ),
    ];
  },
});

/** A position (the axis goes away), `[start, end, step]` as in Python (parts may be left out), or null for all of the axis. */
export type SliceRange =
  | number
  | null
  | readonly [start?: number | null | undefined, end?: number | null | undefined, step?: number | undefined];

/**
 * A part of a tensor, with Python's meaning of negative positions and steps.
 * @param ranges one per axis, from the first; axes not named are taken whole
 * @throws IndexError for a position outside the axis
 * @example
 * slice(x, [null, [0, 2]])   // x[:, 0:2]
 * slice(x, [-1])             // x[-1], one axis fewer
 * slice(x, [[null, null, -1]]) // x[::-1]
 */
export function slice(x: Tensor, ranges: readonly SliceRange[]): Tensor {
  expectTensor("slice", "x", x);
  expectList("slice", "ranges", ranges, "positions and [start, end, step]");
  if (ranges.length > x.rank) {
    throw new ShapeError({
      op: "slice",
      argument: "ranges",
      expected: `at most ${x.rank} ranges for ${formatShape(x.shape)}`,
      received: String(ranges.length),
      remedy: "Give one range per axis.",
    });
  }
  const axes = x.shape.map((length, i) => axisSlice(ranges[i] ?? null, length, i));
  const whole = axes.every((axis, i) => axis.start === 0 && axis.step === 1 && axis.length === x.shape[i]);
  return composite("slice", () => {
    const part = whole ? x : dispatch(sliceOp, [x], { axes })[0]!;
    return reshape(
      part,
      part.shape.filter((_, i) => typeof ranges[i] !== "number"),
    );
  });
}

function axisSlice(range: SliceRange, length: number, axis: number): AxisSlice {
  if (range === null) return { start: 0, step: 1, length };
  if (typeof range === "number") {
    const start = range < 0 ? range + length : range;
    if (!Number.isInteger(range) || start < 0 || start >= length) {
      throw new IndexError({
        op: "slice",
        argument: `index of axis ${axis}`,
        expected: `an integer from ${-length} to ${length - 1}`,
        received: String(range),
        remedy: `The axis has length ${length}.`,
      });
    }
    return { start, step: 1, length: 1 };
  }
  if (!Array.isArray(range) || range.length > 3) {
    throw badValue("slice", `range of axis ${axis}`, "a position, null, or [start, end, step]", range);
  }
  const step = range[2] ?? 1;
  if (!Number.isSafeInteger(step) || step === 0) {
    throw new ValueError({
      op: "slice",
      argument: `step of axis ${axis}`,
      expected: "an integer other than 0",
      received: describeValue(step),
      remedy: "Use -1 to reverse.",
    });
  }
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const bound = (value: number | null | undefined, otherwise: number) => {
    if (value === null || value === undefined) return otherwise;
    expectInteger("slice", `bound of axis ${axis}`, value);
    return Math.min(Math.max(value < 0 ? value + length : value, low), high);
  };
  const start = bound(range[0], step > 0 ? low : high);
  const end = bound(range[1], step > 0 ? high : low);
  return { start, step, length: Math.max(0, Math.ceil((end - start) / step)) };
}

/** The elements in reverse order along `axes`. */
export function flip(x: Tensor, axes: number | readonly number[]): Tensor {
  expectTensor("flip", "x", x);
  const reversed = normalizeAxes("flip", axes, x.rank);
  return slice(
    x,
    x.shape.map((_, i) => (reversed.includes(i) ? [null, null, -1] : null)),
  );
}

// ---- windows

const windowsOp = /* @__PURE__ */ defineOp<Required<WindowOptions> & { readonly axis: number; readonly count: number }>(
  {
    name: "windows",
    infer: inferNothing,
    view(x, { axis, size, stride, dilation, count }) {
      const step = x.strides[axis]!;
      return viewOf(
        x,
        x.shape.toSpliced(axis, 1, count, size),
        x.strides.toSpliced(axis, 1, step * stride, step * dilation),
        x.offset,
      );
    },
    // a sum of shifted, padded slices: one for each place in the window
    vjp({ attrs: { axis, size, stride, dilation, count }, inputs: [x], dy: [dy] }) {
      const length = x!.shape[axis]!;
      let sum: Tensor | null = null;
      for (let place = 0; place < size; place++) {
        const part = slice(
          dy!,
          dy!.shape.map((_, i) => (i === axis + 1 ? place : null)),
        );
        const before = place * dilation;
        const after = length - before - (count - 1) * stride - 1;
        const widths = x!.shape.map((_, i) => (i === axis ? { before, after, interior: stride - 1 } : {}));
        const shifted = pad(part, widths);
        sum = sum === null ? shifted : sum.add(shifted);
      }
      return [sum];
    },
  },
);

export interface WindowOptions {
  /** Elements in a window. */
  readonly size: number;
  /** From one window's start to the next. Default 1. */
  readonly stride?: number;
  /** From one element of a window to the next. Default 1. */
  readonly dilation?: number;
}

const WINDOWS: OptionKinds<WindowOptions> = { size: "integer", stride: "integer", dilation: "integer" };

/**
 * Sliding windows along an axis: [… n …] becomes [… count, size …], count = ⌊(n − dilation·(size − 1) − 1)/stride⌋ + 1.
 * A view: no element is copied.
 */
export function windows(x: Tensor, axis: number, options: WindowOptions): Tensor {
  expectTensor("windows", "x", x);
  expectRecord("windows", "options", options, "an object with the windows' size");
  expectOptions("windows", options, WINDOWS);
  const { size, stride = 1, dilation = 1 } = options;
  const at = normalizeAxis("windows", axis, x.rank);
  const reach = dilation * (size - 1) + 1;
  const positive = [size, stride, dilation].every((value) => Number.isInteger(value) && value > 0);
  if (!positive || reach > x.shape[at]!) {
    throw new ShapeError({
      op: "windows",
      argument: "size",
      expected: `positive size, stride and dilation that reach at most ${x.shape[at]}, the length of axis ${axis}`,
      received: `size ${size}, stride ${stride}, dilation ${dilation} (reach ${reach})`,
      remedy: "Pad the axis or take a smaller window.",
    });
  }
  const count = Math.floor((x.shape[at]! - reach) / stride) + 1;
  return dispatch(windowsOp, [x], { axis: at, size, stride, dilation, count })[0]!;
}
