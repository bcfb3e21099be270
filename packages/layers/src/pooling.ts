/** Pooling layers, channels last: x [n, …spatial, channels]. They have no parameters. */
import {
  type AvgPoolOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  expectTensor,
  globalAvgPool,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  pad,
  type Tensor,
} from "@neurite/core";
import { expectOptions, type OptionKinds } from "@neurite/core/expect";
import { expectSizes } from "./expect.js";
import { Module } from "./module.js";

/** A number for all spatial axes, or one per axis. */
type Size = number | readonly number[];

interface CeilMode {
  /** Takes a last window that begins in x but ends behind it, too, as PyTorch's `ceil_mode`. Default false. */
  readonly ceilMode?: boolean;
}

export interface MaxPoolLayerOptions extends MaxPoolOptions, CeilMode {}

/** In `ceilMode` what a window has behind x and its padding does not count. */
export interface AvgPoolLayerOptions extends AvgPoolOptions, CeilMode {}

const MAX_POOL: OptionKinds<MaxPoolLayerOptions> = {
  stride: "any",
  padding: "any",
  dilation: "any",
  ceilMode: "boolean",
};
const AVG_POOL: OptionKinds<AvgPoolLayerOptions> = {
  stride: "any",
  padding: "any",
  countIncludePad: "boolean",
  ceilMode: "boolean",
};

type Pair = readonly [before: number, after: number];

const entry = <T>(value: T | readonly T[], axis: number): T => (Array.isArray(value) ? value[axis] : value) as T;

/** Both ends of each spatial axis: the padding, and what a last window has behind it. */
function endsOf(
  x: Tensor,
  size: Size,
  { stride = size, padding = 0, dilation = 1 }: MaxPoolOptions,
): { readonly padding: readonly Pair[]; readonly behind: readonly number[] } {
  expectTensor("pooling", "x", x);
  const lengths = x.shape.slice(1, -1);
  const pairs = lengths.map((_, i): Pair => {
    const own = typeof padding === "string" ? 0 : entry<number | Pair>(padding, i);
    return typeof own === "number" ? [own, own] : own;
  });
  const behind = lengths.map((length, i) => {
    const [before, after] = pairs[i]!;
    const step = entry(stride, i);
    const room = length + before + after - entry(dilation, i) * (entry(size, i) - 1) - 1;
    const rest = room % step;
    const begin = room - rest + step;
    return room >= 0 && rest > 0 && begin < length + before ? step - rest : 0;
  });
  return { padding: pairs, behind };
}

/** The options of the op that takes all windows that the layer's options ask for. */
function whole(x: Tensor, size: Size, { ceilMode = false, ...options }: MaxPoolLayerOptions): MaxPoolOptions {
  if (!ceilMode || options.padding === "same") return options;
  const { padding, behind } = endsOf(x, size, options);
  return { ...options, padding: padding.map(([before, after], i) => [before, after + behind[i]!] as const) };
}

function averaged(
  pool: (x: Tensor, size: Size, options: AvgPoolOptions) => Tensor,
  x: Tensor,
  size: Size,
  { ceilMode = false, ...options }: AvgPoolLayerOptions,
): Tensor {
  if (!ceilMode || options.padding === "same") return pool(x, size, options);
  const { padding, behind } = endsOf(x, size, options);
  const counted = options.countIncludePad ?? true;
  if (!counted || behind.every((length) => length === 0))
    return pool(x, size, whole(x, size, { ceilMode, ...options }));
  // padding counts, but not what is behind it
  const padded = pad(x, [{}, ...padding.map(([before, after]) => ({ before, after })), {}]);
  return pool(padded, size, {
    ...options,
    padding: behind.map((after) => [0, after] as const),
    countIncludePad: false,
  });
}

/** Largest element of each window of a sequence; the stride is the window's size unless given (Jiang §8.2.3). */
export class MaxPool1d extends Module {
  constructor(
    readonly size: Size,
    readonly options: MaxPoolLayerOptions = {},
  ) {
    super();
    expectSizes("MaxPool1d", "size", size);
    expectOptions("MaxPool1d", options, MAX_POOL);
  }

  forward(x: Tensor): Tensor {
    return maxPool1d(x, this.size, whole(x, this.size, this.options));
  }
}

/**
 * Largest element of each window of an image.
 * @example
 * new MaxPool2d(3, { stride: 2, padding: 1 }).forward(x);     // [8, 32, 32, 16] → [8, 16, 16, 16]
 */
export class MaxPool2d extends Module {
  constructor(
    readonly size: Size,
    readonly options: MaxPoolLayerOptions = {},
  ) {
    super();
    expectSizes("MaxPool2d", "size", size);
    expectOptions("MaxPool2d", options, MAX_POOL);
  }

  forward(x: Tensor): Tensor {
    return maxPool2d(x, this.size, whole(x, this.size, this.options));
  }
}

/** Largest element of each window of a volume. */
export class MaxPool3d extends Module {
  constructor(
    readonly size: Size,
    readonly options: MaxPoolLayerOptions = {},
  ) {
    super();
    expectSizes("MaxPool3d", "size", size);
    expectOptions("MaxPool3d", options, MAX_POOL);
  }

  forward(x: Tensor): Tensor {
    return maxPool3d(x, this.size, whole(x, this.size, this.options));
  }
}

/** Mean of each window of a sequence; the stride is the window's size unless given. */
export class AvgPool1d extends Module {
  constructor(
    readonly size: Size,
    readonly options: AvgPoolLayerOptions = {},
  ) {
    super();
    expectSizes("AvgPool1d", "size", size);
    expectOptions("AvgPool1d", options, AVG_POOL);
  }

  forward(x: Tensor): Tensor {
    return averaged(avgPool1d, x, this.size, this.options);
  }
}

/** Mean of each window of an image. */
export class AvgPool2d extends Module {
  constructor(
    readonly size: Size,
    readonly options: AvgPoolLayerOptions = {},
  ) {
    super();
    expectSizes("AvgPool2d", "size", size);
    expectOptions("AvgPool2d", options, AVG_POOL);
  }

  forward(x: Tensor): Tensor {
    return averaged(avgPool2d, x, this.size, this.options);
  }
}

/** Mean of each window of a volume. */
export class AvgPool3d extends Module {
  constructor(
    readonly size: Size,
    readonly options: AvgPoolLayerOptions = {},
  ) {
    super();
    expectSizes("AvgPool3d", "size", size);
    expectOptions("AvgPool3d", options, AVG_POOL);
  }

  forward(x: Tensor): Tensor {
    return averaged(avgPool3d, x, this.size, this.options);
  }
}

/** Means of `outputSize` parts of a sequence, however long: [n, length, channels] → [n, outputSize, channels]. */
export class AdaptiveAvgPool1d extends Module {
  constructor(readonly outputSize: Size) {
    super();
    expectSizes("AdaptiveAvgPool1d", "outputSize", outputSize);
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool1d(x, this.outputSize);
  }
}

/** Means of parts of an image: [n, height, width, channels] → [n, ...outputSize, channels]. */
export class AdaptiveAvgPool2d extends Module {
  constructor(readonly outputSize: Size) {
    super();
    expectSizes("AdaptiveAvgPool2d", "outputSize", outputSize);
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

/** Means of parts of a volume. */
export class AdaptiveAvgPool3d extends Module {
  constructor(readonly outputSize: Size) {
    super();
    expectSizes("AdaptiveAvgPool3d", "outputSize", outputSize);
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool3d(x, this.outputSize);
  }
}

/** Mean over all positions: [n, …spatial, channels] → [n, channels]. */
export class GlobalAvgPool extends Module {
  forward(x: Tensor): Tensor {
    return globalAvgPool(x);
  }
}
