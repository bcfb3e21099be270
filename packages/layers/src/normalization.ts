/** Normalisation of each example by itself: layer, group and root-mean-square normalisation. */
import { groupNorm, layerNorm, ones, Parameter, rmsNorm, type Tensor, ValueError, zeros } from "@neurite/core";
import { expectNumber, expectSize } from "./expect.js";
import type { InitOptions } from "./initializers.js";
import { Module } from "./module.js";

export interface NormOptions extends Pick<InitOptions, "device" | "dtype"> {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Whether weight (and bias) are learned. Default true. */
  readonly affine?: boolean;
}

export interface LayerNormLayerOptions extends NormOptions {
  /** Whether there is a bias beside the weight. Default true. */
  readonly bias?: boolean;
}

/**
 * Normalises over the last axes of each example (Ba et al. 2016; Jiang §8.2.6). Weight and bias, of the shape of these axes,
 * start at 1 and 0.
 * @example
 * new LayerNorm(64).forward(x);               // [8, 11, 64] → [8, 11, 64]
 */
export class LayerNorm extends Module {
  readonly shape: readonly number[];
  readonly eps: number;
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;

  constructor(
    shape: number | readonly number[],
    { eps = 1e-5, affine = true, bias = true, ...init }: LayerNormLayerOptions = {},
  ) {
    super();
    this.shape = shapeOf("LayerNorm", shape);
    expectNumber("LayerNorm", "eps", eps, 0);
    this.eps = eps;
    this.weight = affine ? new Parameter(ones(this.shape, init)) : null;
    this.bias = affine && bias ? new Parameter(zeros(this.shape, init)) : null;
  }

  forward(x: Tensor): Tensor {
    const { weight, bias, eps, shape } = this;
    return layerNorm(x, { weight: weight ?? undefined, bias: bias ?? undefined, eps, axes: shape.length });
  }
}

function shapeOf(op: string, shape: number | readonly number[]): readonly number[] {
  const lengths = typeof shape === "number" ? [shape] : shape;
  if (lengths.length === 0) {
    throw new ValueError({ op, argument: "shape", expected: "at least one axis", received: "[]" });
  }
  for (const length of lengths) expectSize(op, "shape", length);
  return lengths;
}

export interface RMSNormLayerOptions extends NormOptions {
  /** Added to the mean of squares. Default: the distance from 1 to the next number of x's dtype, as in PyTorch. */
  readonly eps?: number;
}

/** Divides by the root of the mean square over the last axes of each example (Zhang & Sennrich 2019). */
export class RMSNorm extends Module {
  readonly shape: readonly number[];
  readonly eps: number | undefined;
  readonly weight: Parameter | null;

  constructor(shape: number | readonly number[], { eps, affine = true, ...init }: RMSNormLayerOptions = {}) {
    super();
    this.shape = shapeOf("RMSNorm", shape);
    if (eps !== undefined) expectNumber("RMSNorm", "eps", eps, 0);
    this.eps = eps;
    this.weight = affine ? new Parameter(ones(this.shape, init)) : null;
  }

  forward(x: Tensor): Tensor {
    return rmsNorm(x, { weight: this.weight ?? undefined, eps: this.eps, axes: this.shape.length });
  }
}

/** Normalises each example over its positions and the channels of each group (Wu & He 2018); x [n, ..., channels]. */
export class GroupNorm extends Module {
  readonly eps: number;
  /** [channels] */
  readonly weight: Parameter | null;
  /** [channels] */
  readonly bias: Parameter | null;

  constructor(
    readonly groups: number,
    readonly channels: number,
    { eps = 1e-5, affine = true, ...init }: NormOptions = {},
  ) {
    super();
    expectSize("GroupNorm", "groups", groups);
    expectSize("GroupNorm", "channels", channels);
    expectNumber("GroupNorm", "eps", eps, 0);
    if (channels % groups !== 0) {
      throw new ValueError({
        op: "GroupNorm",
        argument: "groups",
        expected: `a divisor of ${channels} channels`,
        received: String(groups),
      });
    }
    this.eps = eps;
    this.weight = affine ? new Parameter(ones([channels], init)) : null;
    this.bias = affine ? new Parameter(zeros([channels], init)) : null;
  }

  forward(x: Tensor): Tensor {
    const { weight, bias, eps } = this;
    return groupNorm(x, this.groups, { weight: weight ?? undefined, bias: bias ?? undefined, eps });
  }
}
