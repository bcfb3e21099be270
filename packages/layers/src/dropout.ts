/** Dropout of elements and of whole channels. */
import {
  add,
  composite,
  dropout,
  expectTensor,
  formatShape,
  mul,
  notEqual,
  ones,
  ShapeError,
  type Tensor,
  where,
} from "@neurite/core";
import { expectOptions, expectShare } from "@neurite/core/expect";
import { INIT_OPTIONS } from "./init-options.js";
import type { InitOptions } from "./initializers.js";
import { Module } from "./module.js";

/** Only the generator counts: the same options serve all layers of a net. */
export type DropoutOptions = InitOptions;

/**
 * While training, zeroes each element with probability `p` and scales the others by 1/(1 − p); the identity in evaluation
 * (Srivastava et al. 2014; Jiang §8.5).
 */
export class Dropout extends Module {
  constructor(
    readonly p = 0.5,
    readonly options: DropoutOptions = {},
  ) {
    super();
    expectProbability("Dropout", p);
    expectOptions("Dropout", options, INIT_OPTIONS);
  }

  forward(x: Tensor): Tensor {
    return this.training ? dropout(x, this.p, this.options.generator) : x;
  }
}

/** Throws unless elements can be dropped with probability `p`. */
export function expectProbability(op: string, p: number, argument = "p"): void {
  expectShare(op, argument, p, "a probability from 0 to below 1");
}

/** Where a scaled ELU ends towards −∞: −1.0507… · 1.6732…. */
const SELU_FLOOR = -1.7580993408473766;

/**
 * Dropout that keeps mean 0 and variance 1, for networks of {@link SELU} (Klambauer et al. 2017): while training, puts each
 * element with probability `p` at SELU's lower end, and scales and shifts all; the identity in evaluation.
 */
export class AlphaDropout extends Module {
  constructor(
    readonly p = 0.5,
    readonly options: DropoutOptions = {},
  ) {
    super();
    expectProbability("AlphaDropout", p);
    expectOptions("AlphaDropout", options, INIT_OPTIONS);
  }

  forward(x: Tensor): Tensor {
    expectTensor("AlphaDropout", "x", x);
    const { p } = this;
    if (!this.training || p === 0) return x;
    const scale = 1 / Math.sqrt((1 - p) * (1 + p * SELU_FLOOR ** 2));
    const { dtype, device } = x;
    return composite("alphaDropout", () => {
      const kept = notEqual(dropout(ones(x.shape, { dtype, device }), p, this.options.generator), 0);
      return add(mul(where(kept, x, SELU_FLOOR), scale), -scale * p * SELU_FLOOR);
    });
  }
}

/** Dropout of whole channels of an example, since the neighbours of a position tell what it was (Tompson et al. 2015). */
abstract class SpatialDropout extends Module {
  readonly #dimensions: number;

  constructor(
    dimensions: number,
    readonly p = 0.5,
    readonly options: DropoutOptions = {},
  ) {
    super();
    this.#dimensions = dimensions;
    expectProbability(`Dropout${dimensions}d`, p);
    expectOptions(`Dropout${dimensions}d`, options, INIT_OPTIONS);
  }

  forward(x: Tensor): Tensor {
    expectTensor(`Dropout${this.#dimensions}d`, "x", x);
    if (x.rank !== this.#dimensions + 2) {
      throw new ShapeError({
        op: `Dropout${this.#dimensions}d`,
        argument: "x",
        expected: `${this.#dimensions + 2} axes: n, ${this.#dimensions === 1 ? "length" : "positions"}, channels`,
        received: formatShape(x.shape),
      });
    }
    if (!this.training || this.p === 0) return x;
    const { dtype, device } = x;
    const shape = x.shape.map((length, i) => (i === 0 || i === x.rank - 1 ? length : 1));
    return composite("dropout", () => {
      const mask = dropout(ones(shape, { dtype, device }), this.p, this.options.generator);
      // a channel that is dropped may hold anything
      return where(notEqual(mask, 0), mul(x, mask), 0);
    });
  }
}

/** While training, zeroes whole channels of sequences [n, length, channels] with probability `p`, scaling the others. */
export class Dropout1d extends SpatialDropout {
  constructor(p = 0.5, options: DropoutOptions = {}) {
    super(1, p, options);
  }
}

/** The same for images [n, height, width, channels]. */
export class Dropout2d extends SpatialDropout {
  constructor(p = 0.5, options: DropoutOptions = {}) {
    super(2, p, options);
  }
}

/** The same for volumes [n, depth, height, width, channels]. */
export class Dropout3d extends SpatialDropout {
  constructor(p = 0.5, options: DropoutOptions = {}) {
    super(3, p, options);
  }
}
