/** Which class is taken for which, and the measures that follow from it: precision, recall, F1. */
import {
  argMax,
  cast,
  expectSameShape,
  expectTensor,
  greater,
  IndexError,
  isFloat,
  isNaN,
  scope,
  type Tensor,
  ValueError,
  where,
} from "@neurite/core";
import { expectInteger, expectOptions, type OptionKinds } from "@neurite/core/expect";

/** `macro`: the mean over the classes; `micro`: of all decisions together, where all three measures equal the accuracy. */
export type Averaging = "macro" | "micro";

export interface ConfusionMatrixOptions {
  /** Target value of positions that do not count. */
  readonly ignoreIndex?: number;
  /** Of two classes, class 1 is predicted where a single score is above it. Default 0, for logits; 0.5 for probabilities. */
  readonly threshold?: number;
}

const OPTIONS: OptionKinds<ConfusionMatrixOptions> = { ignoreIndex: "integer", threshold: "number" };

/** Its square is the number of counts, half a gigabyte of them. */
const MOST_CLASSES = 2 ** 13;

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/**
 * Counts of [target, prediction] over mini-batches. A measure whose denominator is 0 is 0, as in scikit-learn.
 * @example
 * const confusion = new ConfusionMatrix(10);
 * for await (const { x, y } of loader) await confusion.add(model.forward(x), y);
 * confusion.f1("macro");
 */
export class ConfusionMatrix {
  /** Number of positions by target (outer) and prediction (inner). */
  readonly counts: readonly number[][];
  readonly #ignoreIndex: number | undefined;
  readonly #threshold: number;

  /** @throws ValueError for less than one class */
  constructor(
    readonly classes: number,
    options: ConfusionMatrixOptions = {},
  ) {
    expectInteger("ConfusionMatrix", "classes", classes, 1, MOST_CLASSES);
    expectOptions("ConfusionMatrix", options, OPTIONS);
    this.counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
    this.#ignoreIndex = options.ignoreIndex;
    this.#threshold = options.threshold ?? 0;
  }

  /**
   * @param predictions scores [..., c], or classes (int32) of the targets' shape; of two classes also one score each, [..., 1]
   * @param targets int32 [...]; for a single score [..., 1] too
   * @throws ShapeError, IndexError for a class out of range; nothing is counted then
   */
  async add(predictions: Tensor, targets: Tensor): Promise<void> {
    expectTensor("ConfusionMatrix", "predictions", predictions);
    expectTensor("ConfusionMatrix", "targets", targets);
    const single = this.classes === 2 && predictions.shape.at(-1) === 1 && isFloat(predictions.dtype);
    const scores = single || predictions.rank === targets.rank + 1;
    const shape = single && targets.rank < predictions.rank ? predictions.shape.slice(0, -1) : predictions.shape;
    expectSameShape("ConfusionMatrix", "targets", single ? shape : shape.slice(0, targets.rank), targets.shape);
    const classes = scores ? scope(() => this.#classesOf(predictions, single)) : predictions;
    const read = Promise.all([classes.data(), targets.data()]);
    if (scores) classes.dispose();
    const [predicted, wanted] = await read;
    const counted = Array.from(wanted.keys()).filter((i) => wanted[i] !== this.#ignoreIndex);
    for (const i of counted) {
      for (const value of [wanted[i]!, predicted[i]!]) {
        if (Number.isInteger(value) && value >= 0 && value < this.classes) continue;
        throw new IndexError({
          op: "ConfusionMatrix",
          argument: "classes",
          expected: `integers from 0 to ${this.classes - 1}`,
          received: `${value} at position ${i}`,
        });
      }
    }
    for (const i of counted) this.counts[wanted[i]!]![predicted[i]!]!++;
  }

  /** A score that is NaN is of no class. */
  #classesOf(scores: Tensor, single: boolean): Tensor {
    if (!single) return argMax(scores);
    return where(isNaN(scores), -1, cast(greater(scores, this.#threshold), "int32"));
  }

  reset(): void {
    for (const row of this.counts) row.fill(0);
  }

  /** Positions counted. */
  get total(): number {
    return this.counts.flat().reduce((a, b) => a + b, 0);
  }

  /** Share of right predictions; NaN before any position was counted. */
  get accuracy(): number {
    return this.counts.reduce((sum, row, i) => sum + row[i]!, 0) / this.total;
  }

  /** Of the predictions of a class, the share that is right. */
  get precisions(): number[] {
    return this.counts.map((row, c) =>
      ratio(
        row[c]!,
        this.counts.reduce((sum, other) => sum + other[c]!, 0),
      ),
    );
  }

  /** Of the positions of a class, the share that is found. */
  get recalls(): number[] {
    return this.counts.map((row, c) =>
      ratio(
        row[c]!,
        row.reduce((a, b) => a + b, 0),
      ),
    );
  }

  /** Harmonic means of precision and recall of each class. */
  get f1s(): number[] {
    const { precisions, recalls } = this;
    return precisions.map((precision, c) => ratio(2 * precision * recalls[c]!, precision + recalls[c]!));
  }

  precision(averaging: Averaging = "macro"): number {
    return this.#average(this.precisions, averaging);
  }

  recall(averaging: Averaging = "macro"): number {
    return this.#average(this.recalls, averaging);
  }

  f1(averaging: Averaging = "macro"): number {
    return this.#average(this.f1s, averaging);
  }

  #average(values: readonly number[], averaging: Averaging): number {
    if (averaging === "micro") return this.accuracy;
    if (averaging !== "macro") {
      throw new ValueError({
        op: "ConfusionMatrix",
        argument: "averaging",
        expected: "macro or micro",
        received: String(averaging),
      });
    }
    return values.reduce((a, b) => a + b, 0) / this.classes;
  }
}
