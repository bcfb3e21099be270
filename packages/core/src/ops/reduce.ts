/** Reductions over axes. */
import type { ArgReduceKind, ReduceKind, View } from "../backend.js";
import type { Device } from "../device.js";
import { dispatch } from "../dispatch.js";
import { type DType, expectArithmetic, expectFloat } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { expectOptions, type OptionKinds } from "../expect.js";
import { defineOp, type OpRecord } from "../op.js";
import { composite } from "../scope.js";
import {
  broadcastShapes,
  contiguousStrides,
  expectShape,
  formatShape,
  normalizeAxes,
  normalizeAxis,
  type Shape,
  sameShape,
  sizeOf,
} from "../shape.js";
import { allocateTensor, expectTensor, type Tensor } from "../tensor.js";
import { cast, copyInto, withPacked } from "./copy.js";
import { fillTensor } from "./create.js";
import { div, equal, mul, notEqual, where } from "./elementwise.js";
import { reshape } from "./views.js";

/** Which axes to reduce (default all) and whether they stay as length 1 (default no). */
export interface ReduceOptions {
  readonly axis?: number | readonly number[];
  readonly keepDims?: boolean;
}

const OPTIONS: OptionKinds<ReduceOptions> = { axis: "any", keepDims: "boolean" };

interface ReduceAttrs {
  /** Sorted. */
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): number[] {
  if (axes.length === shape.length && !keepDims) return [];
  return keepDims
    ? shape.map((length, i) => (axes.includes(i) ? 1 : length))
    : shape.filter((_, i) => !axes.includes(i));
}

/** A contiguous tensor seen with other lengths. */
function contiguousView(x: Tensor, shape: Shape): View {
  return { id: x.id, dtype: x.dtype, shape, strides: contiguousStrides(shape), offset: x.offset };
}

/** Product of the lengths of axes begin … end − 1. */
function product(shape: Shape, begin: number, end: number): number {
  let size = 1;
  for (let axis = begin; axis < end; axis++) size *= shape[axis]!;
  return size;
}

/** Reduces neighbouring axes at a time, the last ones first, each as the middle axis of [outer, n, inner]. */
function lowerReduce(device: Device, out: Tensor, x: Tensor, kind: ReduceKind, axes: readonly number[]): void {
  const last = axes[axes.length - 1]!;
  let left = axes.length - 1;
  while (left > 0 && axes[left - 1] === axes[left]! - 1) left--;
  const first = axes[left]!;
  const outer = product(x.shape, 0, first);
  const n = product(x.shape, first, last + 1);
  const inner = product(x.shape, last + 1, x.rank);
  device.expectReduction(kind, n);
  const target =
    left === 0 ? out : allocateTensor(device, [...x.shape.slice(0, first), ...x.shape.slice(last + 1)], x.dtype);
  device.backend.kernels.reduce([contiguousView(target, [outer, inner])], [contiguousView(x, [outer, n, inner])], {
    kind,
  });
  if (left > 0) {
    lowerReduce(device, out, target, kind, axes.slice(0, left));
    target.dispose();
  }
}

function defineReduce(kind: ReduceKind): OpRecord<ReduceAttrs> {
  return defineOp<ReduceAttrs>({
    name: kind,
    infer([x], { axes, keepDims }) {
      expectReducible(kind, x!.dtype);
      const shape = reducedShape(x!.shape, axes, keepDims);
      const empty = axes.find((axis) => x!.shape[axis] === 0);
      if (empty !== undefined && isExtreme(kind) && sizeOf(shape) > 0) throw emptyAxis(kind, x!, empty);
      return [{ shape, dtype: x!.dtype }];
    },
    lower(device, [out], inputs, { axes }) {
      const [x] = inputs;
      if (out!.size === 0) return;
      if (x!.size === 0) fillTensor(out!, kind === "prod" ? 1 : 0);
      else if (axes.length === 0) copyInto(out!, x!);
      else withPacked(inputs, ([ready]) => lowerReduce(device, out!, ready!, kind, axes));
    },
    vjp({ attrs: { axes }, inputs: [x], outputs: [y], dy: [dy] }) {
      const each = spread(dy!, x!.shape, axes);
      if (kind === "sum") return [each];
      if (kind === "prod") return [mul(each, productOfOthers(x!, axes))];
      // ties share the gradient
      const mask = cast(equal(x!, reshape(y!, reducedShape(x!.shape, axes, true))), x!.dtype);
      return [mul(each, div(mask, sum(mask, { axis: axes, keepDims: true })))];
    },
    saves: kind === "sum" ? {} : { inputs: [0], outputs: isExtreme(kind) ? [0] : [] },
  });
}

function isExtreme(kind: ReduceKind): boolean {
  return kind === "max" || kind === "min";
}

const reduceOps: Readonly<Record<ReduceKind, OpRecord<ReduceAttrs>>> = /* @__PURE__ */ defineReductions();

function defineReductions(): Record<ReduceKind, OpRecord<ReduceAttrs>> {
  return {
    sum: defineReduce("sum"),
    prod: defineReduce("prod"),
    max: defineReduce("max"),
    min: defineReduce("min"),
  };
}

/** Product of the other elements along the axes, right for zeros too. */
function productOfOthers(x: Tensor, axes: readonly number[]): Tensor {
  const options = { axis: axes, keepDims: true };
  const isZero = equal(x, 0);
  const nonZero = where(isZero, 1, x);
  const zeros = sum(cast(isZero, x.dtype), options);
  const product = prod(nonZero, options);
  // zeros among the others: their number without this element's own
  const others = cast(notEqual(zeros.sub(cast(isZero, x.dtype)), 0), "bool");
  return where(others, 0, div(product, nonZero));
}

function expectReducible(kind: ReduceKind, dtype: DType): void {
  if (dtype === "bool" && isExtreme(kind)) return;
  expectArithmetic(kind, "x", dtype, 'Cast it first, e.g. sum(cast(x, "int32")) counts.');
}

function emptyAxis(op: string, x: Tensor, axis: number): ShapeError {
  return new ShapeError({
    op,
    argument: "x",
    expected: "at least one element along the reduced axes",
    received: `${formatShape(x.shape)}, where axis ${axis} is empty`,
    remedy: "An empty set has no extreme; check the data.",
  });
}

function reduce(kind: ReduceKind, x: Tensor, options: ReduceOptions): Tensor {
  expectTensor(kind, "x", x);
  expectOptions(kind, options, OPTIONS);
  const { axis, keepDims = false } = options;
  return dispatch(reduceOps[kind], [x], { axes: normalizeAxes(kind, axis, x.rank), keepDims })[0]!;
}

/** Σ over the axes; 0 for empty ones. */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce("sum", x, options);
}

/** Product over the axes; 1 for empty ones. Gradients are right where elements are 0; second ones only where none is. */
export function prod(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce("prod", x, options);
}

/** Largest element; NaN if there is one. Ties share the gradient. @throws ShapeError over an empty axis */
export function max(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce("max", x, options);
}

/** Smallest element; NaN if there is one. Ties share the gradient. @throws ShapeError over an empty axis */
export function min(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce("min", x, options);
}

const meanOp = /* @__PURE__ */ defineOp<ReduceAttrs>({
  name: "mean",
  infer([x], { axes, keepDims }) {
    expectFloat("mean", "x", x!.dtype);
    return [{ shape: reducedShape(x!.shape, axes, keepDims), dtype: x!.dtype }];
  },
  compose: ([x], { axes, keepDims }) => [div(sum(x!, { axis: axes, keepDims }), countOf(x!, axes))],
  vjp: ({ attrs: { axes }, inputs: [x], dy: [dy] }) => [spread(div(dy!, countOf(x!, axes)), x!.shape, axes)],
});

/** Number of elements that go into each result. */
function countOf(x: Tensor, axes: readonly number[]): number {
  return axes.reduce((n, axis) => n * x.shape[axis]!, 1);
}

/** A reduction's gradient repeated along the reduced axes. */
function spread(dy: Tensor, shape: Shape, axes: readonly number[]): Tensor {
  return (dy.rank === 0 ? dy : reshape(dy, reducedShape(shape, axes, true))).expand(shape);
}

/** Σ/n over the axes, for floats; NaN for empty ones. */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  expectTensor("mean", "x", x);
  expectOptions("mean", options, OPTIONS);
  const { axis, keepDims = false } = options;
  return dispatch(meanOp, [x], { axes: normalizeAxes("mean", axis, x.rank), keepDims })[0]!;
}

/** Whether any element is true. */
export function any(x: Tensor, options: ReduceOptions = {}): Tensor {
  expectTensor("any", "x", x);
  expectOptions("any", options, OPTIONS);
  return composite("any", () => cast(max(cast(cast(x, "bool"), "int32"), options), "bool"));
}

/** Whether all elements are true. */
export function all(x: Tensor, options: ReduceOptions = {}): Tensor {
  expectTensor("all", "x", x);
  expectOptions("all", options, OPTIONS);
  return composite("all", () => cast(min(cast(cast(x, "bool"), "int32"), options), "bool"));
}

/** `x` summed over the axes along which `shape` was broadcast to it. @throws ShapeError for a shape that cannot have been */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  expectTensor("sumTo", "x", x);
  if (shape !== x.shape) expectShape("sumTo", shape);
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcastShapes("sumTo", x.shape, shape), x.shape)) {
    throw new ShapeError({
      op: "sumTo",
      argument: "shape",
      expected: `one that broadcasts to ${formatShape(x.shape)}`,
      received: formatShape(shape),
    });
  }
  const missing = x.rank - shape.length;
  const axes = x.shape.flatMap((length, i) => (i < missing || (shape[i - missing] === 1 && length !== 1) ? [i] : []));
  return composite("sumTo", () => reshape(axes.length > 0 ? sum(x, { axis: axes, keepDims: true }) : x, shape));
}

const argReduceOp = /* @__PURE__ */ defineOp<{
  readonly kind: ArgReduceKind;
  readonly axis: number;
  readonly keepDims: boolean;
}>({
  name: "argReduce",
  infer([x], { kind, axis, keepDims }) {
    expectReducible("max", x!.dtype);
    const shape = reducedShape(x!.shape, [axis], keepDims);
    if (x!.shape[axis] === 0 && sizeOf(shape) > 0) throw emptyAxis(kind, x!, axis);
    return [{ shape, dtype: "int32" }];
  },
  lower(device, [out], inputs, { kind, axis }) {
    if (out!.size === 0) return;
    device.expectReduction(kind, inputs[0]!.shape[axis]!);
    withPacked(inputs, ([x]) => {
      const outer = sizeOf(x!.shape.slice(0, axis));
      const inner = sizeOf(x!.shape.slice(axis + 1));
      device.backend.kernels.argReduce(
        [contiguousView(out!, [outer, inner])],
        [contiguousView(x!, [outer, x!.shape[axis]!, inner])],
        { kind },
      );
    });
  },
  differentiable: false,
});

export interface ArgReduceOptions {
  /** Whether the axis stays, as one of length 1. Default false. */
  readonly keepDims?: boolean;
}

function argReduce(kind: ArgReduceKind, x: Tensor, axis: number, options: ArgReduceOptions): Tensor {
  expectTensor(kind, "x", x);
  expectOptions(kind, options, ARG_OPTIONS);
  const { keepDims = false } = options;
  return dispatch(argReduceOp, [x], { kind, axis: normalizeAxis(kind, axis, x.rank), keepDims })[0]!;
}

const ARG_OPTIONS: OptionKinds<ArgReduceOptions> = { keepDims: "boolean" };

/** Position (int32) of the largest element along `axis`; the first of equals, or the first NaN. */
export function argMax(x: Tensor, axis = -1, options: ArgReduceOptions = {}): Tensor {
  return argReduce("argMax", x, axis, options);
}

/** Position (int32) of the smallest element along `axis`; the first of equals, or the first NaN. */
export function argMin(x: Tensor, axis = -1, options: ArgReduceOptions = {}): Tensor {
  return argReduce("argMin", x, axis, options);
}
