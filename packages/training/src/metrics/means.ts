/** Means over mini-batches: of numbers, of absolute errors, of the surprise of a language model. */
import {
  abs,
  cast,
  crossEntropy,
  expectSameShape,
  expectTensor,
  notEqual,
  scope,
  sub,
  sum,
  type Tensor,
} from "@neurite/core";
import { badValue, expectFinite, expectOptions, expectShare, type OptionKinds } from "@neurite/core/expect";
import { rowsOf } from "./accuracy.js";

/** The weighted mean of numbers, such as the losses of mini-batches by their sizes. */
export class RunningMean {
  #sum = 0;
  #weight = 0;

  /** @param weight number of items that the value is the mean of. @throws ValueError for a negative one */
  add(value: number, weight = 1): void {
    if (typeof value !== "number") throw badValue("RunningMean", "value", "a number", value);
    expectFinite("RunningMean", "weight", weight, 0);
    this.#sum += value * weight;
    this.#weight += weight;
  }

  /** NaN before the first number. */
  get value(): number {
    return this.#sum / this.#weight;
  }

  reset(): void {
    this.#sum = 0;
    this.#weight = 0;
  }
}

/** A mean that forgets: a ← d·a + (1 − d)·x, divided by 1 − dᵗ, so that it does not start from 0. */
export class MovingAverage {
  #sum = 0;
  #rest = 1;

  /** @throws ValueError for a decay outside of [0, 1) */
  constructor(readonly decay = 0.9) {
    expectShare("MovingAverage", "decay", decay, "a number from 0 to below 1");
  }

  add(value: number): void {
    if (typeof value !== "number") throw badValue("MovingAverage", "value", "a number", value);
    this.#sum = this.decay * this.#sum + (1 - this.decay) * value;
    this.#rest *= this.decay;
  }

  /** NaN before the first number. */
  get value(): number {
    return this.#sum / (1 - this.#rest);
  }

  reset(): void {
    this.#sum = 0;
    this.#rest = 1;
  }
}

/** The mean of |f − r| over all elements. */
export class MeanAbsoluteError {
  readonly #mean = new RunningMean();

  /** @throws ShapeError, DTypeError when they differ in kind */
  async add(prediction: Tensor, target: Tensor): Promise<void> {
    expectTensor("MeanAbsoluteError", "prediction", prediction);
    expectTensor("MeanAbsoluteError", "target", target);
    expectSameShape("MeanAbsoluteError", "target", prediction.shape, target.shape);
    const total = scope(() => sum(abs(sub(prediction, target))) as never) as Tensor;
    const error = await total.item();
    total.dispose();
    if (prediction.size > 0) this.#mean.add(error / prediction.size, prediction.size);
  }

  /** NaN before the first element. */
  get value(): number {
    return this.#mean.value;
  }

  reset(): void {
    this.#mean.reset();
  }
}

export interface PerplexityOptions {
  /** Target value of positions that do not count, such as padding. */
  readonly ignoreIndex?: number;
}

const PERPLEXITY: OptionKinds<PerplexityOptions> = { ignoreIndex: "integer" };

/** e to the mean of −ln p[target]: among how many equally likely tokens a language model would be as unsure. */
export class Perplexity {
  readonly #mean = new RunningMean();
  readonly #ignoreIndex: number | undefined;

  constructor(options: PerplexityOptions = {}) {
    expectOptions("Perplexity", options, PERPLEXITY);
    this.#ignoreIndex = options.ignoreIndex;
  }

  /**
   * @param logits [..., tokens]
   * @param targets int32 [...]
   * @throws ShapeError, DTypeError, IndexError for a token out of range
   */
  async add(logits: Tensor, targets: Tensor): Promise<void> {
    const totals = scope(() => {
      const { rows, labels } = rowsOf("Perplexity", logits, targets);
      const ignoreIndex = this.#ignoreIndex ?? -1;
      const counted = sum(cast(notEqual(labels, ignoreIndex), "int32"));
      const options = this.#ignoreIndex === undefined ? {} : { ignoreIndex };
      return [crossEntropy(rows, labels, { ...options, reduction: "sum" }), counted] as never;
    }) as readonly [Tensor, Tensor];
    const [loss, count] = await Promise.all(totals.map((total) => total.item()));
    for (const total of totals) total.dispose();
    if (count! > 0) this.#mean.add(loss! / count!, count!);
  }

  /** At least 1; NaN before any position was counted. */
  get value(): number {
    return Math.exp(this.#mean.value);
  }

  reset(): void {
    this.#mean.reset();
  }
}
