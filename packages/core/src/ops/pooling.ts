/** What max-pooling (`max-pool.ts`) and average pooling (`average-pool.ts`) share: their options, checks and shapes. */
import { ShapeError } from "../errors.js";
import type { Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import {
  type Dimensions,
  expectSpatial,
  perAxis,
  type Sliding,
  type SlidingOptions,
  slidingOf,
  windowCounts,
} from "./sliding.js";

/** Attributes of a pooling kernel. */
export interface PoolAttrs extends Sliding {
  /** Lengths of the window. */
  readonly size: readonly number[];
}

/** Attributes of a gradient by x: `spatial` are the lengths of x's spatial axes, which the stride leaves open. */
export interface PoolGradAttrs extends PoolAttrs {
  readonly spatial: readonly number[];
}

/** Normalised arguments of a pooling function; the stride is the window's size unless given, as in PyTorch. */
export function poolAttrs(
  op: string,
  x: Tensor,
  size: number | readonly number[],
  options: SlidingOptions,
  dimensions: Dimensions,
): PoolAttrs {
  expectSpatial(op, x, dimensions);
  const lengths = perAxis(op, "size", size, dimensions);
  return {
    size: lengths,
    ...slidingOf(op, x.shape.slice(1, -1), lengths, { ...options, stride: options.stride ?? size }),
  };
}

/** Shape of the result: [n, …counts, channels]. @throws ShapeError where a window would see nothing but padding */
export function pooledShape(op: string, x: Tensor, attrs: PoolAttrs): number[] {
  const counts = windowCounts(op, x.shape, attrs.size, attrs);
  counts.forEach((count, i) => {
    const blind =
      attrs.padding[i]![0] + attrs.padding[i]![1] === 0 ? -1 : blindWindow(x.shape[i + 1]!, count, i, attrs);
    if (blind < 0) return;
    throw new ShapeError({
      op,
      argument: "padding",
      expected: `at least one element of x in every window along axis ${i + 1}`,
      received: `padding ${attrs.padding[i]!.join(" + ")}, which leaves none to window ${blind}`,
      remedy: "Pad by less than the window's size.",
    });
  });
  return [x.shape[0]!, ...counts, x.shape[x.rank - 1]!];
}

/** The first window along an axis without an element of x, or −1. */
function blindWindow(
  length: number,
  count: number,
  axis: number,
  { size, strides, padding, dilation }: PoolAttrs,
): number {
  const [stride, step, before] = [strides[axis]!, dilation[axis]!, padding[axis]![0]];
  // a window that begins in x sees its first place; only those before and the last ones can be blind
  const early = Math.min(count, Math.ceil(before / stride));
  for (let window = 0; window < early; window++) {
    const start = window * stride - before;
    const place = Math.ceil(-start / step);
    if (place >= size[axis]! || start + place * step >= length) return window;
  }
  const late = Math.max(early, Math.ceil((length + before) / stride));
  return late < count ? late : -1;
}

/** Lengths of the spatial axes with padding. */
export function paddedLengths({ spatial, padding }: PoolGradAttrs): Shape {
  return spatial.map((length, i) => length + padding[i]![0] + padding[i]![1]);
}
