/** Convolution where each channel has a filter of its own, and its gradient by the filters. */
import { sizeOf, type View } from "@neurite/core";
import type { Engine } from "../engine.js";
import { defineDepthwise, defineDepthwiseFilterGradient } from "../matmul/depthwise.js";
import { addressOf } from "../views.js";
import { sumPixels } from "./convolution-product.js";
import { SHARED_WORK, type Steps } from "./convolution-walk.js";

/** Largest filter whose places are written out. */
const MOST_PLACES = 49;

/** Whether filters [...size, 1, channels] are one for each channel of a sequence or an image. */
export function isDepthwise(filters: View, { groups }: Steps): boolean {
  const [c, outs] = filters.shape.slice(-2) as [number, number];
  const size = filters.shape.slice(0, -2);
  return groups > 1 && c === 1 && outs === groups && size.length < 3 && sizeOf(size) <= MOST_PLACES;
}

/** Height and width; a sequence is an image of one row. */
function pair(lengths: readonly number[]): readonly [number, number] {
  return [1, ...lengths].slice(-2) as [number, number];
}

/** How an output is walked through, and that as the kernels' first arguments. */
function walk(y: View, x: View, steps: Steps) {
  const [strides, dilation] = [pair(steps.strides), pair(steps.dilation)];
  const n = y.shape[0]!;
  const [rows, pixels] = pair(y.shape.slice(1, -1));
  const [height, width] = pair(x.shape.slice(1, -1));
  const channels = x.shape.at(-1)!;
  const pixel = 4 * channels;
  const line = width * pixel;
  const moves = [height * line, strides[0] * line, strides[1] * pixel, dilation[0] * line, dilation[1] * pixel];
  /** Those of some of the pixels in a row. */
  const args = (count = pixels, start = 0) => [
    rows,
    count,
    channels,
    addressOf(x) + start * strides[1] * pixel,
    ...moves,
  ];
  return { n, rows, pixels, args };
}

/** y [n, oh, ow, c] of images that are padded already and filters [kh, kw, 1, c]; or of sequences, without the heights. */
export function convolveDepthwise(
  engine: Engine,
  y: View,
  x: View,
  filters: View,
  bias: View | undefined,
  steps: Steps,
): void {
  const [kh, kw] = pair(filters.shape.slice(0, -2));
  const channels = filters.shape.at(-1)!;
  const { n, rows, pixels, args } = walk(y, x, steps);
  const kernel = engine.kernel(`depthwise ${kh}×${kw}`, (module, features) =>
    defineDepthwise(module, features, [kh, kw]),
  );
  engine.run(
    kernel,
    n * rows,
    Math.ceil(SHARED_WORK / (pixels * kh * kw * channels)),
    ...args(),
    addressOf(filters),
    bias ? addressOf(bias) : 0,
    addressOf(y),
  );
}

/** Gradient by the filters [kh, kw, 1, c], of x, which is padded already, and dy [n, oh, ow, c]. */
export function depthwiseFilterGradient(engine: Engine, gradient: View, x: View, dy: View, steps: Steps): void {
  const [kh, kw] = pair(gradient.shape.slice(0, -2));
  const channels = gradient.shape.at(-1)!;
  const { n, rows, pixels, args } = walk(dy, x, steps);
  const kernel = engine.kernel(`depthwise filter gradient ${kh}×${kw}`, (module, features) =>
    defineDepthwiseFilterGradient(module, features, [kh, kw]),
  );
  const row = 4 * channels * pixels;
  sumPixels(engine, gradient, n * rows, pixels, 1, (first, count, pixel, pixelCount, to) =>
    engine.run(
      kernel,
      Math.ceil(channels / 4),
      Math.ceil(SHARED_WORK / (count * pixelCount * kh * kw * 4)),
      ...args(pixelCount, pixel),
      first,
      count,
      addressOf(dy) + first * row + 4 * channels * pixel,
      row,
      to,
    ),
  );
}
