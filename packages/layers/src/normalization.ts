/** Normalisation of each example by itself: layer, group and root-mean-square normalisation. */
import { groupNorm, layerNorm, Parameter, rmsNorm, type Tensor, ValueError } from "@neurite/core";
import { badValue, expectFinite, expectOptions, expectSize, type OptionKinds } from "@neurite/core/expect";
import { INIT_OPTIONS } from "./init-options.js";
import { type InitOptions, initConstant } from "./initializers.js";
import { Module } from "./module.js";

/** No random number is drawn, so a generator counts for nothing: the same options serve all layers of a net. */
export interface NormOptions extends InitOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Whether weight (and bias) are learned. Default true. */
  readonly affine?: boolean;
}

/** What these options may be. */
export const NORM: OptionKinds<NormOptions> = { ...INIT_OPTIONS, eps: "number", affine: "boolean" };

export interface LayerNormLayerOptions extends NormOptions {
  /** Whether there is a bias beside the weight. Default true. */
  readonly bias?: boolean;
}

const LAYER_NORM: OptionKinds<LayerNormLayerOptions> = { ...NORM, bias: "boolean" };

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

  constructor(shape: number | readonly number[], options: LayerNormLayerOptions = {}) {
    super();
    expectOptions("LayerNorm", options, LAYER_NORM);
    const { eps = 1e-5, affine = true, bias = true, ...init } = options;
    this.shape = shapeOf("LayerNorm", shape);
    expectFinite("LayerNorm", "eps", eps, 0);
    this.eps = eps;
    this.weight = affine ? new Parameter(initConstant(this.shape, 1, init)) : null;
    this.bias = affine && bias ? new Parameter(initConstant(this.shape, 0, init)) : null;
  }

  forward(x: Tensor): Tensor {
    const { weight, bias, eps, shape } = this;
    return layerNorm(x, { weight: weight ?? undefined, bias: bias ?? undefined, eps, axes: shape.length });
  }
}

function shapeOf(op: string, shape: number | readonly number[]): readonly number[] {
  const lengths = Array.isArray(shape) ? shape : [shape];
  if (lengths.length === 0) throw badValue(op, "shape", "at least one axis", shape);
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

  constructor(shape: number | readonly number[], options: RMSNormLayerOptions = {}) {
    super();
    expectOptions("RMSNorm", options, NORM);
    const { eps, affine = true, ...init } = options;
    this.shape = shapeOf("RMSNorm", shape);
    if (eps !== undefined) expectFinite("RMSNorm", "eps", eps, 0);
    this.eps = eps;
    this.weight = affine ? new Parameter(initConstant(this.shape, 1, init)) : null;
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
    options: NormOptions = {},
  ) {
    super();
    expectOptions("GroupNorm", options, NORM);
    const { eps = 1e-5, affine = true, ...init } = options;
    expectSize("GroupNorm", "groups", groups);
    expectSize("GroupNorm", "channels", channels);
    expectFinite("GroupNorm", "eps", eps, 0);
    if (channels % groups !== 0) {
      throw new ValueError({
        op: "GroupNorm",
        argument: "groups",
        expected: `a divisor of ${channels} channels`,
        received: String(groups),
      });
    }
    this.eps = eps;
    this.weight = affine ? new Parameter(initConstant([channels], 1, init)) : null;
    this.bias = affine ? new Parameter(initConstant([channels], 0, init)) : null;
  }

  forward(x: Tensor): Tensor {
    const { weight, bias, eps } = this;
    return groupNorm(x, this.groups, { weight: weight ?? undefined, bias: bias ?? undefined, eps });
  }
}
