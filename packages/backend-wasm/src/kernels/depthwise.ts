/** Convolution where each channel has a filter of its own, and its gradient by the filters. */
import type { View } from "@neurite/core";
import type { Engine } from "../engine.js";
import { defineDepthwise, defineDepthwiseFilterGradient } from "../matmul/depthwise.js";
import { addressOf } from "../views.js";
import { type Geometry, SHARED_WORK, type Steps, walkOf } from "./convolution-walk.js";

/** Largest filter whose places are written out. */
const MOST_PLACES = 49;

/** Whether filters [kh, kw, 1, channels] are one for each channel. */
export function isDepthwise(filters: View, { groups }: Geometry): boolean {
  const [kh, kw, c, outs] = filters.shape as [number, number, number, number];
  return groups > 1 && c === 1 && outs === groups && kh * kw <= MOST_PLACES;
}

/** How an output is walked through, and that as the kernels' first arguments. */
function walk(y: View, x: View, steps: Steps) {
  const { n, rows, pixels, imageStep, rowStep, pixelStep, tapStep } = walkOf(y, x, steps);
  const channels = x.shape[3]!;
  const columnStep = 4 * steps.dilation[1]! * channels;
  const args = [rows, pixels, channels, addressOf(x), imageStep, rowStep, pixelStep, tapStep, columnStep] as const;
  return { n, rows, pixels, args };
}

/** y [n, oh, ow, c] of images that are padded already and filters [kh, kw, 1, c]. */
export function convolveDepthwise(
  engine: Engine,
  y: View,
  x: View,
  filters: View,
  bias: View | undefined,
  steps: Steps,
): void {
  const [kh, kw, , channels] = filters.shape as [number, number, number, number];
  const { n, rows, pixels, args } = walk(y, x, steps);
  const kernel = engine.kernel(`depthwise ${kh}×${kw}`, (module, features) =>
    defineDepthwise(module, features, [kh, kw]),
  );
  engine.run(
    kernel,
    n * rows,
    Math.ceil(SHARED_WORK / (pixels * kh * kw * channels)),
    ...args,
    addressOf(filters),
    bias ? addressOf(bias) : 0,
    addressOf(y),
  );
}

/** Gradient by the filters [kh, kw, 1, c], of x, which is padded already, and dy [n, oh, ow, c]. */
export function depthwiseFilterGradient(engine: Engine, gradient: View, x: View, dy: View, steps: Steps): void {
  const [kh, kw, , channels] = gradient.shape as [number, number, number, number];
  const { n, rows, pixels, args } = walk(dy, x, steps);
  const kernel = engine.kernel(`depthwise filter gradient ${kh}×${kw}`, (module, features) =>
    defineDepthwiseFilterGradient(module, features, [kh, kw]),
  );
  engine.run(
    kernel,
    Math.ceil(channels / 4),
    Math.ceil(SHARED_WORK / (n * rows * pixels * kh * kw * 4)),
    ...args,
    n,
    addressOf(dy),
    addressOf(gradient),
  );
}
