/** Average pooling along one, two or three spatial axes, channels last: over sliding windows, to a given number of parts, or over all. */
import { dispatch } from "../dispatch.js";
import { hostArray } from "../dtype.js";
import { UnsupportedError } from "../errors.js";
import { expectOptions, type OptionKinds } from "../expect.js";
import { defineOp, type OpRecord } from "../op.js";
import { composite } from "../scope.js";
import { sizeOf } from "../shape.js";
import { expectTensor, fromHost, type Tensor } from "../tensor.js";
import { mul, where } from "./elementwise.js";
import { gather } from "./gather.js";
import { type PoolAttrs, type PoolGradAttrs, poolAttrs, pooledShape } from "./pooling.js";
import { max, mean, sum } from "./reduce.js";
import {
  type Dimensions,
  expectSpatial,
  padSpatial,
  perAxis,
  SLIDING,
  type SlidingOptions,
  spreadError,
} from "./sliding.js";
import { windows } from "./views.js";

interface AvgPoolAttrs extends PoolAttrs {
  /** Whether padding counts as zeros among a window's elements, or not at all. */
  readonly countIncludePad: boolean;
}

interface AvgPoolGradAttrs extends PoolGradAttrs {
  readonly countIncludePad: boolean;
}

/** Sums over the windows of every spatial axis, one axis after the other. */
function windowSums(x: Tensor, size: readonly number[], strides: readonly number[]): Tensor {
  let y = x;
  size.forEach((k, i) => {
    if (k > 1 || strides[i]! > 1) y = sum(windows(y, i + 1, { size: k, stride: strides[i]! }), { axis: i + 2 });
  });
  return y;
}

/** `y` [n, …counts, channels] divided by the number of elements that each window counts. */
function divided(y: Tensor, spatial: readonly number[], attrs: AvgPoolAttrs): Tensor {
  const { size, strides, padding, countIncludePad } = attrs;
  if (countIncludePad || padding.every(([before, after]) => before + after === 0)) return mul(y, 1 / sizeOf(size));
  // the number of elements is a product of one number per axis
  let result = y;
  size.forEach((k, i) => {
    const shares = hostArray(y.dtype, y.shape[i + 1]!);
    for (let j = 0; j < shares.length; j++) {
      const start = j * strides[i]! - padding[i]![0];
      shares[j] = 1 / (Math.min(start + k, spatial[i]!) - Math.max(start, 0));
    }
    const shape = [shares.length, ...size.slice(i + 1).map(() => 1), 1];
    result = mul(result, fromHost(shares, y.dtype, shape, y.device));
  });
  return result;
}

function defineAvgPool(dimensions: Dimensions): OpRecord<AvgPoolAttrs> {
  const name = `avgPool${dimensions}d`;
  return defineOp<AvgPoolAttrs>({
    name,
    infer: ([x], attrs) => [{ shape: pooledShape(name, x!, attrs), dtype: x!.dtype }],
    compose([x], attrs) {
      const sums = windowSums(padSpatial(x!, attrs.padding), attrs.size, attrs.strides);
      return [divided(sums, x!.shape.slice(1, -1), attrs)];
    },
    vjp: ({ attrs, inputs: [x], dy: [dy] }) => [
      dispatch(avgPoolGradOp, [dy!], { ...attrs, spatial: x!.shape.slice(1, -1) })[0]!,
    ],
  });
}

/** Every element gets its share of the errors of the windows it is in. */
const avgPoolGradOp: OpRecord<AvgPoolGradAttrs> = /* @__PURE__ */ defineOp<AvgPoolGradAttrs>({
  name: "avgPoolGrad",
  infer: ([dy], { spatial }) => [{ shape: [dy!.shape[0]!, ...spatial, dy!.shape[dy!.rank - 1]!], dtype: dy!.dtype }],
  compose([dy], attrs) {
    const { size, spatial } = attrs;
    const shares = divided(dy!, spatial, attrs);
    // sums over windows are symmetric: the same of the spread error
    return [
      windowSums(
        spreadError(shares, spatial, size, attrs),
        size,
        size.map(() => 1),
      ),
    ];
  },
  vjp: ({ attrs: { spatial, ...attrs }, dy: [error] }) => [
    dispatch(pools[spatial.length as Dimensions], [error!], attrs)[0]!,
  ],
});

const pools: Readonly<Record<Dimensions, OpRecord<AvgPoolAttrs>>> = /* @__PURE__ */ definePools();

function definePools(): Record<Dimensions, OpRecord<AvgPoolAttrs>> {
  return { 1: defineAvgPool(1), 2: defineAvgPool(2), 3: defineAvgPool(3) };
}

/** How the window of an average pooling slides. `stride` defaults to the window's size. */
export interface AvgPoolOptions extends Omit<SlidingOptions, "dilation"> {
  /** Whether padding counts as zeros (default, as in PyTorch) or not at all (as in tfjs and TensorFlow). */
  readonly countIncludePad?: boolean;
}

const { dilation: _, ...WINDOW } = SLIDING;
const OPTIONS: OptionKinds<AvgPoolOptions> = { ...WINDOW, countIncludePad: "boolean" };

function avgPool(x: Tensor, size: number | readonly number[], options: AvgPoolOptions, dimensions: Dimensions): Tensor {
  expectOptions(`avgPool${dimensions}d`, options, OPTIONS);
  const { countIncludePad = true, ...sliding } = options;
  const attrs = { ...poolAttrs(`avgPool${dimensions}d`, x, size, sliding, dimensions), countIncludePad };
  return dispatch(pools[dimensions], [x], attrs)[0]!;
}

/**
 * Mean of each window.
 * @param x [n, length, channels]
 * @param size of the window
 * @returns [n, ⌊(length + padding − size)/stride⌋ + 1, channels]
 * @throws ShapeError, DTypeError, ValueError
 */
export function avgPool1d(x: Tensor, size: number | readonly number[], options: AvgPoolOptions = {}): Tensor {
  return avgPool(x, size, options, 1);
}

/**
 * The same over images [n, height, width, channels].
 * @throws ShapeError, DTypeError, ValueError
 * @example
 * avgPool2d(x, 2)                                                      // [8, 32, 32, 16] → [8, 16, 16, 16]
 * avgPool2d(x, 3, { stride: 1, padding: "same", countIncludePad: false })
 */
export function avgPool2d(x: Tensor, size: number | readonly number[], options: AvgPoolOptions = {}): Tensor {
  return avgPool(x, size, options, 2);
}

/** The same over volumes [n, depth, height, width, channels]. @throws ShapeError, DTypeError, ValueError */
export function avgPool3d(x: Tensor, size: number | readonly number[], options: AvgPoolOptions = {}): Tensor {
  return avgPool(x, size, options, 3);
}

/** Most places that an axis' parts may have together: they are listed on the host, a gigabyte of them here. */
const MOST_PLACES = 2 ** 28;

/** Means of `parts` windows along an axis, of two lengths: part i is from ⌊i·length/parts⌋ to ⌈(i + 1)·length/parts⌉. */
function averageParts(op: string, x: Tensor, axis: number, parts: number): Tensor {
  const length = x.shape[axis]!;
  // a part covers at most a fraction of an element more at either end
  if (parts * (Math.ceil(length / parts) + 1) > MOST_PLACES) {
    throw new UnsupportedError({
      op,
      argument: "outputSize",
      expected: `parts that cover at most ${MOST_PLACES} elements of axis ${axis} together`,
      received: `${parts} parts of ${length} elements`,
      remedy: "Repeat elements with expand and reshape where parts are shorter than an element.",
    });
  }
  const starts = Array.from({ length: parts }, (_, i) => Math.floor((i * length) / parts));
  const ends = starts.map((_, i) => Math.ceil(((i + 1) * length) / parts));
  const longest = starts.reduce((most, start, i) => Math.max(most, ends[i]! - start), 0);
  const indices = new Int32Array(parts * longest);
  const inside = new Uint8Array(parts * longest);
  const shares = hostArray(x.dtype, parts);
  starts.forEach((start, i) => {
    shares[i] = 1 / (ends[i]! - start);
    for (let j = 0; j < longest; j++) {
      indices[i * longest + j] = Math.min(start + j, length - 1);
      inside[i * longest + j] = start + j < ends[i]! ? 1 : 0;
    }
  });
  const rest = x.shape.slice(axis + 1).map(() => 1);
  const { device, dtype } = x;
  const elements = gather(x, fromHost(indices, "int32", [parts, longest], device), axis);
  const counted = where(fromHost(inside, "bool", [parts, longest, ...rest], device), elements, 0);
  return mul(sum(counted, { axis: axis + 1 }), fromHost(shares, dtype, [parts, ...rest], device));
}

function adaptive(x: Tensor, outputSize: number | readonly number[], dimensions: Dimensions): Tensor {
  const op = `adaptiveAvgPool${dimensions}d`;
  expectSpatial(op, x, dimensions);
  const parts = perAxis(op, "outputSize", outputSize, dimensions);
  const spatial = x.shape.slice(1, -1);
  // parts of one length are windows
  if (spatial.every((length, i) => length > 0 && length % parts[i]! === 0)) {
    return avgPool(
      x,
      spatial.map((length, i) => length / parts[i]!),
      {},
      dimensions,
    );
  }
  return composite(op, () => parts.reduce((y, count, i) => averageParts(op, y, i + 1, count), x));
}

/**
 * Means of `outputSize` parts of the spatial axis; part i is from ⌊i·length/parts⌋ to ⌈(i + 1)·length/parts⌉, as in PyTorch.
 * @param x [n, length, channels]
 * @returns [n, outputSize, channels]
 * @throws ShapeError, DTypeError, ValueError
 */
export function adaptiveAvgPool1d(x: Tensor, outputSize: number | readonly number[]): Tensor {
  return adaptive(x, outputSize, 1);
}

/** The same over images: [n, height, width, channels] → [n, ...outputSize, channels]. @throws ShapeError, DTypeError, ValueError */
export function adaptiveAvgPool2d(x: Tensor, outputSize: number | readonly number[]): Tensor {
  return adaptive(x, outputSize, 2);
}

/** The same over volumes [n, depth, height, width, channels]. @throws ShapeError, DTypeError, ValueError */
export function adaptiveAvgPool3d(x: Tensor, outputSize: number | readonly number[]): Tensor {
  return adaptive(x, outputSize, 3);
}

/** All axes but the batch and the channels. */
function spatialAxes(op: string, x: Tensor): number[] {
  expectTensor(op, "x", x);
  const dimensions = Math.min(Math.max(x.rank - 2, 1), 3) as Dimensions;
  expectSpatial(op, x, dimensions);
  return Array.from({ length: dimensions }, (_, i) => i + 1);
}

/** Mean over all spatial axes, of which there are one to three: [n, …spatial, channels] → [n, channels]. @throws ShapeError, DTypeError */
export function globalAvgPool(x: Tensor): Tensor {
  return mean(x, { axis: spatialAxes("globalAvgPool", x) });
}

/** Largest element over all spatial axes: [n, …spatial, channels] → [n, channels]. Ties share the gradient. @throws ShapeError, DTypeError */
export function globalMaxPool(x: Tensor): Tensor {
  return max(x, { axis: spatialAxes("globalMaxPool", x) });
}
