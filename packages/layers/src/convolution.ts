/** Convolutional layers, channels last: x [n, …spatial, channels] and filters [...size, channels / groups, outs]. */
import {
  type ConvolutionOptions,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  Parameter,
  type Tensor,
  ValueError,
} from "@neurite/core";
import { expectOptions, expectSize, type OptionKinds } from "@neurite/core/expect";
import { expectSizes } from "./expect.js";
import { INIT_OPTIONS, initOptions } from "./init-options.js";
import { type InitOptions, initUniform } from "./initializers.js";
import { Module } from "./module.js";

/** Letters of the spatial axes in a layout tag. */
const AXES = { 1: "k", 2: "kh,kw", 3: "kd,kh,kw" } as const;
type Dimensions = keyof typeof AXES;

export interface ConvOptions extends Omit<ConvolutionOptions, "bias">, InitOptions {
  /** Default true. */
  readonly bias?: boolean;
}

export interface ConvTransposeLayerOptions extends Omit<ConvTransposeOptions, "bias">, InitOptions {
  /** Default true. */
  readonly bias?: boolean;
}

const CONVOLUTION: OptionKinds<ConvOptions> = {
  ...INIT_OPTIONS,
  bias: "boolean",
  stride: "any",
  padding: "any",
  dilation: "any",
  groups: "size",
};
const TRANSPOSED: OptionKinds<ConvTransposeLayerOptions> = { ...CONVOLUTION, outputPadding: "any" };

/** What the layers of convolution and of transposed convolution have in common. */
abstract class Filters extends Module {
  readonly size: readonly number[];
  readonly weight: Parameter;
  /** [outs] */
  readonly bias: Parameter | null;
  /** How the filters slide. */
  readonly options: Omit<ConvTransposeOptions, "bias">;

  constructor(
    name: string,
    dimensions: Dimensions,
    readonly channels: number,
    readonly outs: number,
    size: number | readonly number[],
    given: ConvTransposeLayerOptions,
    transposed: boolean,
  ) {
    super();
    expectOptions(name, given, transposed ? TRANSPOSED : CONVOLUTION);
    const { bias = true, device: _, dtype: __, generator: ___, ...options } = given;
    const { groups = 1 } = options;
    expectSize(name, "channels", channels);
    expectSize(name, "outs", outs);
    expectSizes(name, "size", size);
    this.size = typeof size === "number" ? new Array<number>(dimensions).fill(size) : size;
    if (this.size.length !== dimensions) {
      throw new ValueError({
        op: name,
        argument: "size",
        expected: `a number, or ${dimensions} of them`,
        received: JSON.stringify(size),
      });
    }
    if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0 || outs % groups !== 0) {
      throw new ValueError({
        op: name,
        argument: "groups",
        expected: `a positive integer that divides both ${channels} input channels and ${outs} output channels`,
        received: String(groups),
      });
    }
    // PyTorch's Kaiming-uniform with a = √5 and its fan-in, which for the transposed layer counts the output channels
    const seen = (transposed ? outs : channels) / groups;
    const bound = 1 / Math.sqrt(this.size.reduce((n, length) => n * length, seen));
    const init = initOptions(given);
    const shape = [...this.size, seen, transposed ? channels : outs];
    const layout = `${AXES[dimensions]},${transposed ? "out,in" : "in,out"}`;
    this.weight = new Parameter(initUniform(shape, bound, init), { layout });
    this.bias = bias ? new Parameter(initUniform([outs], bound, init)) : null;
    this.options = options;
  }

  protected all(): ConvTransposeOptions {
    return { ...this.options, bias: this.bias ?? undefined };
  }
}

/**
 * Convolution over sequences (Jiang §8.2.4): [n, length, channels] → [n, length′, outs]. Weight [size, channels / groups, outs]
 * and bias start uniform in ±1/√(size · channels / groups), as in PyTorch.
 */
export class Conv1d extends Filters {
  constructor(channels: number, outs: number, size: number | readonly number[], options: ConvOptions = {}) {
    super("Conv1d", 1, channels, outs, size, options, false);
  }

  forward(x: Tensor): Tensor {
    return conv1d(x, this.weight, this.all());
  }
}

/**
 * Convolution over images: [n, height, width, channels] → [n, height′, width′, outs]; weight [kh, kw, channels / groups, outs].
 * @example
 * const layer = new Conv2d(3, 16, 3, { stride: 2, padding: "same" });
 * layer.forward(images);                       // [8, 32, 32, 3] → [8, 16, 16, 16]
 */
export class Conv2d extends Filters {
  constructor(channels: number, outs: number, size: number | readonly number[], options: ConvOptions = {}) {
    super("Conv2d", 2, channels, outs, size, options, false);
  }

  forward(x: Tensor): Tensor {
    return conv2d(x, this.weight, this.all());
  }
}

/** Convolution over volumes or video: [n, depth, height, width, channels]; weight [kd, kh, kw, channels / groups, outs]. */
export class Conv3d extends Filters {
  constructor(channels: number, outs: number, size: number | readonly number[], options: ConvOptions = {}) {
    super("Conv3d", 3, channels, outs, size, options, false);
  }

  forward(x: Tensor): Tensor {
    return conv3d(x, this.weight, this.all());
  }
}

/**
 * Transposed convolution over sequences: [n, length, channels] → [n, length′, outs]. Weight [size, outs / groups, channels],
 * that of the convolution it transposes; it starts uniform in ±1/√(size · outs / groups), as in PyTorch.
 */
export class ConvTranspose1d extends Filters {
  constructor(
    channels: number,
    outs: number,
    size: number | readonly number[],
    options: ConvTransposeLayerOptions = {},
  ) {
    super("ConvTranspose1d", 1, channels, outs, size, options, true);
  }

  forward(x: Tensor): Tensor {
    return convTranspose1d(x, this.weight, this.all());
  }
}

/** Transposed convolution over images; weight [kh, kw, outs / groups, channels]. */
export class ConvTranspose2d extends Filters {
  constructor(
    channels: number,
    outs: number,
    size: number | readonly number[],
    options: ConvTransposeLayerOptions = {},
  ) {
    super("ConvTranspose2d", 2, channels, outs, size, options, true);
  }

  forward(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight, this.all());
  }
}

/** Transposed convolution over volumes; weight [kd, kh, kw, outs / groups, channels]. */
export class ConvTranspose3d extends Filters {
  constructor(
    channels: number,
    outs: number,
    size: number | readonly number[],
    options: ConvTransposeLayerOptions = {},
  ) {
    super("ConvTranspose3d", 3, channels, outs, size, options, true);
  }

  forward(x: Tensor): Tensor {
    return convTranspose3d(x, this.weight, this.all());
  }
}
