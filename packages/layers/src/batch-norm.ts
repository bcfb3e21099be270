/** Batch normalisation with running statistics (Ioffe & Szegedy 2015; Jiang §8.2.5). */
import {
  Buffer,
  batchNorm,
  batchNormInference,
  composite,
  e,
  elementwise,
  formatShape,
  Parameter,
  ShapeError,
  scope,
  type Tensor,
  ValueError,
} from "@neurite/core";
import { expectFinite, expectOptions, expectSize, type OptionKinds } from "@neurite/core/expect";
import { initConstant } from "./initializers.js";
import { Module } from "./module.js";
import { NORM, type NormOptions } from "./normalization.js";

export interface BatchNormOptions extends NormOptions {
  /** Share of the newest batch in the running statistics, as in PyTorch; others call 1 − this the momentum. Default 0.1. */
  readonly momentum?: number;
  /** Whether there are running statistics. Without them evaluation uses the batch's, too. Default true. */
  readonly trackRunningStats?: boolean;
}

const OPTIONS: OptionKinds<BatchNormOptions> = { ...NORM, momentum: "number", trackRunningStats: "boolean" };

/** old + share·(factor·new − old). */
const moveTowards = /* @__PURE__ */ elementwise("moveTowards", 2, 2, (old, next, share, factor) =>
  e.add(old, e.mul(share, e.sub(e.mul(factor, next), old))),
);

/**
 * Normalises each channel over the mini-batch while training, and by the running statistics in evaluation; x [..., channels].
 * Weight and bias start at 1 and 0, running mean and variance at 0 and 1. The running variance is unbiased (÷ n − 1).
 * @throws ValueError while training on a single element per channel, whose variance is 0
 */
export class BatchNorm extends Module {
  readonly eps: number;
  readonly momentum: number;
  /** [channels] */
  readonly weight: Parameter | null;
  /** [channels] */
  readonly bias: Parameter | null;
  /** [channels] */
  readonly runningMean: Buffer | null;
  /** [channels] */
  readonly runningVar: Buffer | null;

  constructor(
    readonly channels: number,
    options: BatchNormOptions = {},
  ) {
    super();
    expectOptions("BatchNorm", options, OPTIONS);
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true, ...init } = options;
    expectSize("BatchNorm", "channels", channels);
    expectFinite("BatchNorm", "eps", eps, 0);
    expectFinite("BatchNorm", "momentum", momentum, 0, 1);
    this.eps = eps;
    this.momentum = momentum;
    this.weight = affine ? new Parameter(initConstant([channels], 1, init)) : null;
    this.bias = affine ? new Parameter(initConstant([channels], 0, init)) : null;
    this.runningMean = trackRunningStats ? new Buffer(initConstant([channels], 0, init)) : null;
    this.runningVar = trackRunningStats ? new Buffer(initConstant([channels], 1, init)) : null;
  }

  /** The layer's name, the ranks of x that it takes (null: any), and how to say so. */
  protected get form(): { readonly name: string; readonly ranks: readonly number[] | null; readonly words: string } {
    return { name: "BatchNorm", ranks: null, words: "[..., channels]" };
  }

  forward(x: Tensor): Tensor {
    const { runningMean, runningVar, eps } = this;
    const { name, ranks, words } = this.form;
    if (x.shape[x.rank - 1] !== this.channels || (ranks && !ranks.includes(x.rank))) {
      throw new ShapeError({
        op: name,
        argument: "x",
        expected: `${words} with ${this.channels} channels`,
        received: formatShape(x.shape),
      });
    }
    const options = { weight: this.weight ?? undefined, bias: this.bias ?? undefined, eps };
    if (!this.training && runningMean && runningVar) return batchNormInference(x, runningMean, runningVar, options);
    const n = x.size / this.channels;
    if (this.training && n === 1) {
      throw new ValueError({
        op: name,
        argument: "x",
        expected: "more than one element per channel while training",
        received: formatShape(x.shape),
        remedy: "Use larger batches (drop a last one of 1), or eval().",
      });
    }
    return composite(name, () => {
      const { y, mean, variance } = batchNorm(x, options);
      if (this.training && runningMean && runningVar && n > 0) {
        this.#update(runningMean, mean, 1);
        this.#update(runningVar, variance, n / (n - 1));
      }
      return y;
    });
  }

  #update(running: Buffer, batch: Tensor, factor: number): void {
    scope(() => {
      running.assign(moveTowards([running, batch], [this.momentum, factor]));
    });
  }
}

/** Of vectors [n, channels] or sequences [n, length, channels]. */
export class BatchNorm1d extends BatchNorm {
  protected override get form() {
    return { name: "BatchNorm1d", ranks: [2, 3], words: "[n, channels] or [n, length, channels]" };
  }
}

/** Of images [n, height, width, channels]. */
export class BatchNorm2d extends BatchNorm {
  protected override get form() {
    return { name: "BatchNorm2d", ranks: [4], words: "[n, height, width, channels]" };
  }
}

/** Of volumes [n, depth, height, width, channels]. */
export class BatchNorm3d extends BatchNorm {
  protected override get form() {
    return { name: "BatchNorm3d", ranks: [5], words: "[n, depth, height, width, channels]" };
  }
}
