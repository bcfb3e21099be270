/**
 * Max-pooling along one, two or three spatial axes, channels last. The gradient goes to the first largest element of each
 * window in row-major order; its place, 0 … K − 1, is the hidden result of the forward pass.
 */

import type { Device } from "../device.js";
import { dispatch } from "../dispatch.js";
import { elementwise } from "../elementwise.js";
import { expectOptions } from "../expect.js";
import { e } from "../expression.js";
import { defineOp, type OpRecord } from "../op.js";
import { scope } from "../scope.js";
import type { Shape } from "../shape.js";
import { fromHost, type Tensor } from "../tensor.js";
import { copy } from "./copy.js";
import { add, equal, where } from "./elementwise.js";
import { type PoolAttrs, type PoolGradAttrs, paddedLengths, poolAttrs, pooledShape } from "./pooling.js";
import { max } from "./reduce.js";
import {
  accumulate,
  atPlace,
  cropSpatial,
  type Dimensions,
  padSpatial,
  placesOf,
  SLIDING,
  type SlidingOptions,
  toPlace,
} from "./sliding.js";
import { expand, windows } from "./views.js";

/** Whether x displaces the largest so far: by being larger, or the first NaN. */
const displaces = /* @__PURE__ */ elementwise("displaces", 2, 0, (x, best) =>
  e.and(e.not(e.isNaN(best)), e.not(e.le(x, best))),
);

/** Largest element of each window, one axis after the other; x is padded already. */
function largest(x: Tensor, { size, strides, dilation }: PoolAttrs): Tensor {
  let y = x;
  size.forEach((k, i) => {
    if (k === 1 && strides[i] === 1) return;
    y = max(windows(y, i + 1, { size: k, stride: strides[i]!, dilation: dilation[i]! }), { axis: i + 2 });
  });
  // an op's result is a handle of its own
  return y === x ? copy(x) : y;
}

/** The first place of each window that is no padding, [1, …counts, 1]: a window of −∞ has no larger element than padding. */
function firstPlaces({ size, strides, padding, dilation }: PoolAttrs, counts: Shape, device: Device): Tensor {
  let firsts = [0];
  for (const [axis, count] of counts.entries()) {
    const along = Array.from({ length: count }, (_, window) =>
      Math.max(0, Math.ceil((padding[axis]![0] - window * strides[axis]!) / dilation[axis]!)),
    );
    firsts = firsts.flatMap((first) => along.map((place) => first * size[axis]! + place));
  }
  return fromHost(Int32Array.from(firsts), "int32", [1, ...counts, 1], device);
}

/** Largest element of each window and its place, the place by place; x is padded already. */
function largestWithPlace(x: Tensor, attrs: PoolAttrs, counts: Shape): [y: Tensor, found: Tensor] {
  const places = placesOf(attrs.size);
  let best = copy(atPlace(x, places[0]!, counts, attrs));
  let found = scope(() => copy(expand(firstPlaces(attrs, counts, x.device), best.shape)));
  for (let i = 1; i < places.length; i++) {
    const before = [best, found] as const;
    [best, found] = scope((): [Tensor, Tensor] => {
      const next = atPlace(x, places[i]!, counts, attrs);
      const wins = displaces([next, before[0]]);
      return [where(wins, next, before[0]), where(wins, i, before[1])];
    });
    for (const handle of before) handle.dispose("a later place of the window was compared with it");
  }
  return [best, found];
}

function defineMaxPool(dimensions: Dimensions): OpRecord<PoolAttrs> {
  const name = `maxPool${dimensions}d`;
  return defineOp<PoolAttrs>({
    name,
    infer([x], attrs, aux) {
      const shape = pooledShape(name, x!, attrs);
      const y = { shape, dtype: x!.dtype };
      return aux ? [y, { shape, dtype: "int32" }] : [y];
    },
    compose([x], attrs, aux) {
      const padded = padSpatial(x!, attrs.padding, Number.NEGATIVE_INFINITY);
      if (!aux) return [largest(padded, attrs)];
      return largestWithPlace(padded, attrs, pooledShape(name, x!, attrs).slice(1, -1));
    },
    vjp: ({ attrs, inputs: [x], aux: [places], dy: [dy] }) =>
      dispatch(maxPoolGradOp, [dy!, places!], { ...attrs, spatial: x!.shape.slice(1, -1) }),
    aux: 1,
  });
}

/** The error of each window at the place of its largest element; inputs dy and int32 places, of one shape. */
const maxPoolGradOp: OpRecord<PoolGradAttrs> = /* @__PURE__ */ defineOp<PoolGradAttrs>({
  name: "maxPoolGrad",
  infer: ([dy], { spatial }) => [{ shape: [dy!.shape[0]!, ...spatial, dy!.shape[dy!.rank - 1]!], dtype: dy!.dtype }],
  compose([dy, found], attrs) {
    const places = placesOf(attrs.size);
    const lengths = paddedLengths(attrs);
    const part = (i: number) => toPlace(where(equal(found!, i), dy!, 0), places[i]!, lengths, attrs);
    const first = scope(() => part(0));
    const total = accumulate(first, places.length - 1, (sum, i) => add(sum, part(i + 1)));
    return [cropSpatial(total, attrs.padding)];
  },
  vjp: ({ attrs, inputs: [, places], dy: [error] }) => [dispatch(maxPoolPickOp, [error!, places!], attrs)[0]!, null],
  saves: { inputs: [1] },
});

/** The element of x at each window's place: what max-pooling does to a change of its input. Inputs x and int32 places. */
const maxPoolPickOp: OpRecord<PoolGradAttrs> = /* @__PURE__ */ defineOp<PoolGradAttrs>({
  name: "maxPoolPick",
  infer: ([x, places]) => [{ shape: places!.shape, dtype: x!.dtype }],
  compose([x, found], attrs) {
    const padded = padSpatial(x!, attrs.padding);
    const counts = found!.shape.slice(1, -1);
    const places = placesOf(attrs.size);
    const pick = (i: number, otherwise: Tensor | number) =>
      where(equal(found!, i), atPlace(padded, places[i]!, counts, attrs), otherwise);
    const first = scope(() => pick(0, 0));
    return [accumulate(first, places.length - 1, (before, i) => pick(i + 1, before))];
  },
  vjp: ({ attrs, inputs: [, places], dy: [dy] }) => [dispatch(maxPoolGradOp, [dy!, places!], attrs)[0]!, null],
  saves: { inputs: [1] },
});

const pools: Readonly<Record<Dimensions, OpRecord<PoolAttrs>>> = /* @__PURE__ */ definePools();

function definePools(): Record<Dimensions, OpRecord<PoolAttrs>> {
  return { 1: defineMaxPool(1), 2: defineMaxPool(2), 3: defineMaxPool(3) };
}

/** How the window of a max-pooling slides. `stride` defaults to the window's size. */
export type MaxPoolOptions = SlidingOptions;

function maxPool(x: Tensor, size: number | readonly number[], options: MaxPoolOptions, dimensions: Dimensions): Tensor {
  expectOptions(`maxPool${dimensions}d`, options, SLIDING);
  const attrs = poolAttrs(`maxPool${dimensions}d`, x, size, options, dimensions);
  return dispatch(pools[dimensions], [x], attrs)[0]!;
}

/**
 * Largest element of each window (Jiang §8.2.3); padding counts as −∞, NaN wins. Of equal elements the first in x gets the
 * gradient, as in PyTorch and tfjs.
 * @param x [n, length, channels]
 * @param size of the window
 * @returns [n, ⌊(length + padding − dilation·(size − 1) − 1)/stride⌋ + 1, channels]
 * @throws ShapeError, DTypeError, ValueError
 */
export function maxPool1d(x: Tensor, size: number | readonly number[], options: MaxPoolOptions = {}): Tensor {
  return maxPool(x, size, options, 1);
}

/**
 * The same over images [n, height, width, channels].
 * @throws ShapeError, DTypeError, ValueError
 * @example
 * maxPool2d(x, 2)                              // [8, 32, 32, 16] → [8, 16, 16, 16]
 * maxPool2d(x, 3, { stride: 2, padding: 1 })
 */
export function maxPool2d(x: Tensor, size: number | readonly number[], options: MaxPoolOptions = {}): Tensor {
  return maxPool(x, size, options, 2);
}

/** The same over volumes [n, depth, height, width, channels]. @throws ShapeError, DTypeError, ValueError */
export function maxPool3d(x: Tensor, size: number | readonly number[], options: MaxPoolOptions = {}): Tensor {
  return maxPool(x, size, options, 3);
}
