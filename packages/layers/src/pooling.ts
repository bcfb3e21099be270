/** Pooling layers, channels last: x [n, …spatial, channels]. They have no parameters. */
import {
  type AvgPoolOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  globalAvgPool,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type Tensor,
} from "@neurite/core";
import { Module } from "./module.js";

/** A number for all spatial axes, or one per axis. */
type Size = number | readonly number[];

/** Largest element of each window of a sequence; the stride is the window's size unless given (Jiang §8.2.3). */
export class MaxPool1d extends Module {
  constructor(
    readonly size: Size,
    readonly options: MaxPoolOptions = {},
  ) {
    super();
  }

  forward(x: Tensor): Tensor {
    return maxPool1d(x, this.size, this.options);
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
    readonly options: MaxPoolOptions = {},
  ) {
    super();
  }

  forward(x: Tensor): Tensor {
    return maxPool2d(x, this.size, this.options);
  }
}

/** Largest element of each window of a volume. */
export class MaxPool3d extends Module {
  constructor(
    readonly size: Size,
    readonly options: MaxPoolOptions = {},
  ) {
    super();
  }

  forward(x: Tensor): Tensor {
    return maxPool3d(x, this.size, this.options);
  }
}

/** Mean of each window of a sequence; the stride is the window's size unless given. */
export class AvgPool1d extends Module {
  constructor(
    readonly size: Size,
    readonly options: AvgPoolOptions = {},
  ) {
    super();
  }

  forward(x: Tensor): Tensor {
    return avgPool1d(x, this.size, this.options);
  }
}

/** Mean of each window of an image. */
export class AvgPool2d extends Module {
  constructor(
    readonly size: Size,
    readonly options: AvgPoolOptions = {},
  ) {
    super();
  }

  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.size, this.options);
  }
}

/** Mean of each window of a volume. */
export class AvgPool3d extends Module {
  constructor(
    readonly size: Size,
    readonly options: AvgPoolOptions = {},
  ) {
    super();
  }

  forward(x: Tensor): Tensor {
    return avgPool3d(x, this.size, this.options);
  }
}

/** Means of `outputSize` parts of a sequence, however long: [n, length, channels] → [n, outputSize, channels]. */
export class AdaptiveAvgPool1d extends Module {
  constructor(readonly outputSize: Size) {
    super();
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool1d(x, this.outputSize);
  }
}

/** Means of parts of an image: [n, height, width, channels] → [n, ...outputSize, channels]. */
export class AdaptiveAvgPool2d extends Module {
  constructor(readonly outputSize: Size) {
    super();
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

/** Means of parts of a volume. */
export class AdaptiveAvgPool3d extends Module {
  constructor(readonly outputSize: Size) {
    super();
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
