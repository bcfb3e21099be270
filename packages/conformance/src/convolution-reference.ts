/** Convolution and pooling in plain loops, from their definitions, along any number of spatial axes. */
import type { Shape } from "@neurite/core";
import { at, build, indicesOf, type Plain } from "./plain.js";

/** How windows slide, one entry per spatial axis. */
export interface Slide {
  readonly stride: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly dilation: readonly number[];
}

/** The same number along `n` axes. */
export function slide(n: number, { stride = 1, pad = 0, dilation = 1 } = {}): Slide {
  const all = (value: number) => new Array<number>(n).fill(value);
  return { stride: all(stride), before: all(pad), after: all(pad), dilation: all(dilation) };
}

/** Number of windows along each axis. */
function countsOf(spatial: Shape, size: Shape, { stride, before, after, dilation }: Slide): number[] {
  return size.map(
    (k, i) => Math.floor((spatial[i] + before[i] + after[i] - dilation[i] * (k - 1) - 1) / stride[i]) + 1,
  );
}

/** Position in x of a place of a window. */
function positionOf(window: Shape, place: Shape, { stride, before, dilation }: Slide): number[] {
  return window.map((w, i) => w * stride[i] + place[i] * dilation[i] - before[i]);
}

const isInside = (position: Shape, spatial: Shape) => position.every((p, i) => p >= 0 && p < spatial[i]);

/** y[n, …, o] = Σ filters[place, c, o]·x[n, position, c of o's group] + bias[o]. */
export function convolved(x: Plain, filters: Plain, bias: Plain | undefined, how: Slide, groups = 1): Plain {
  const n = how.stride.length;
  const spatial = x.shape.slice(1, n + 1);
  const size = filters.shape.slice(0, n);
  const [c, outs] = filters.shape.slice(n);
  const places = indicesOf(size);
  return build([x.shape[0], ...countsOf(spatial, size, how), outs], (index) => {
    const o = index[n + 1];
    const first = Math.floor(o / (outs / groups)) * c;
    let sum = bias ? bias.data[o] : 0;
    for (const place of places) {
      const position = positionOf(index.slice(1, n + 1), place, how);
      if (!isInside(position, spatial)) continue;
      for (let k = 0; k < c; k++) sum += at(filters, [...place, k, o]) * at(x, [index[0], ...position, first + k]);
    }
    return sum;
  });
}

/** Every element of x spread by the filters [...size, outs / groups, channels] over a result with these spatial lengths. */
export function convolvedTransposed(
  x: Plain,
  filters: Plain,
  bias: Plain | undefined,
  spatial: Shape,
  how: Slide,
  groups = 1,
): Plain {
  const n = how.stride.length;
  const size = filters.shape.slice(0, n);
  const [o, channels] = filters.shape.slice(n);
  const places = indicesOf(size);
  const shape = [x.shape[0], ...spatial, o * groups];
  const data = build(shape, (index) => (bias ? bias.data[index[n + 1]] : 0)).data.slice();
  for (const index of indicesOf(x.shape)) {
    const group = Math.floor(index[n + 1] / (channels / groups));
    for (const place of places) {
      const position = positionOf(index.slice(1, n + 1), place, how);
      if (!isInside(position, spatial)) continue;
      for (let k = 0; k < o; k++) {
        const target = [index[0], ...position, group * o + k];
        const flat = target.reduce((sum, i, axis) => sum * shape[axis] + i, 0);
        data[flat] += at(filters, [...place, k, index[n + 1]]) * at(x, index);
      }
    }
  }
  return { shape, data };
}

/** `f` of the elements of each window that are inside of x, [n, …spatial, channels]. */
export function pooled(x: Plain, size: Shape, how: Slide, f: (elements: readonly number[]) => number): Plain {
  const n = size.length;
  const spatial = x.shape.slice(1, n + 1);
  const places = indicesOf(size);
  return build([x.shape[0], ...countsOf(spatial, size, how), x.shape[n + 1]], (index) => {
    const positions = places.map((place) => positionOf(index.slice(1, n + 1), place, how));
    const inside = positions.filter((position) => isInside(position, spatial));
    return f(inside.map((position) => at(x, [index[0], ...position, index[n + 1]])));
  });
}

/** Lengths of the axes of a result of transposed convolution. */
export function transposedLengths(lengths: Shape, size: Shape, how: Slide, more: number): number[] {
  const { stride, before, after, dilation } = how;
  return lengths.map((l, i) => (l - 1) * stride[i] + dilation[i] * (size[i] - 1) + 1 - before[i] - after[i] + more);
}
