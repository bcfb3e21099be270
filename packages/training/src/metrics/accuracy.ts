/** Accuracy over mini-batches: how often the right class is first, or among the first k. */
import {
  add,
  arange,
  cast,
  concat,
  equal,
  expectFloat,
  expectIndex,
  expectSameShape,
  expectTensor,
  greater,
  isNaN,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  notEqual,
  pick,
  reshape,
  ShapeError,
  scope,
  squeeze,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from "@neurite/core";
import { expectOptions, type OptionKinds } from "@neurite/core/expect";

export interface AccuracyOptions {
  /** A target counts as found when it is among this many largest scores. Default 1. */
  readonly k?: number;
  /** Target value of positions that do not count, such as padding. */
  readonly ignoreIndex?: number;
  /** With one score a position, class 1 is above it. Default 0, for logits; 0.5 for probabilities. */
  readonly threshold?: number;
}

const OPTIONS: OptionKinds<AccuracyOptions> = { k: "size", ignoreIndex: "integer", threshold: "number" };

/** Scores of two classes from one score a position, [..., 1]: class 1 where it is above the threshold. */
function twoClasses(score: Tensor, threshold: number): Tensor {
  expectFloat("Accuracy", "scores", score.dtype);
  const above = cast(greater(score, threshold), "float32");
  // NaN is right for neither class
  const known = where(isNaN(score), Number.NaN, above);
  return concat([sub(1, known), known], -1);
}

/** Targets of the shape of scores [..., 1], without that axis; others as they are. */
function withoutLast(targets: Tensor, scores: Tensor): Tensor {
  return targets.rank === scores.rank && targets.shape.at(-1) === 1 ? squeeze(targets, -1) : targets;
}

/** Rows of scores and their targets, checked. */
export function rowsOf(op: string, scores: Tensor, targets: Tensor): { rows: Tensor; labels: Tensor } {
  expectTensor(op, "scores", scores);
  expectTensor(op, "targets", targets);
  const classes = scores.shape.at(-1);
  if (classes === undefined) {
    throw new ShapeError({ op, argument: "scores", expected: "a last axis of classes", received: "[]" });
  }
  expectIndex(op, "targets", targets.dtype);
  expectSameShape(op, "targets", scores.shape.slice(0, -1), targets.shape);
  return { rows: reshape(scores, [targets.size, classes]), labels: reshape(targets, [targets.size]) };
}

/**
 * The share of positions whose target has one of the k largest scores; of equal scores the first counts as larger, and NaN
 * as larger than any.
 * @throws ValueError for k below 1
 * @example
 * const accuracy = new Accuracy();
 * for await (const { x, y } of loader) await accuracy.add(model.forward(x), y);
 * accuracy.value;
 */
export class Accuracy {
  readonly #k: number;
  readonly #ignoreIndex: number | undefined;
  readonly #threshold: number;
  #found = 0;
  #count = 0;

  constructor(options: AccuracyOptions = {}) {
    expectOptions("Accuracy", options, OPTIONS);
    const { k = 1, ignoreIndex, threshold = 0 } = options;
    this.#threshold = threshold;
    this.#k = k;
    this.#ignoreIndex = ignoreIndex;
  }

  /**
   * @param scores [..., c], logits or probabilities; [..., 1] of two classes, of which class 1 lies above the threshold
   * @param targets int32 [...]; of two classes [..., 1] too
   * @throws ShapeError, DTypeError, IndexError for a class out of range
   */
  async add(scores: Tensor, targets: Tensor): Promise<void> {
    const totals = scope(() => {
      const { rows, labels } = this.#rows(scores, targets);
      const counts = notEqual(labels, this.#ignoreIndex ?? -1);
      const safe = this.#ignoreIndex === undefined ? labels : where(counts, labels, 0);
      const own = unsqueeze(pick(rows, safe), 1);
      const classes = arange(0, rows.shape[1]!, 1, { device: rows.device });
      const earlier = logicalAnd(equal(rows, own), less(classes, unsqueeze(safe, 1)));
      const ahead = add(cast(logicalNot(lessEqual(rows, own)), "int32"), cast(earlier, "int32"));
      const found = logicalAnd(less(sum(ahead, { axis: 1 }), this.#k), counts);
      return [sum(cast(found, "int32")), sum(cast(counts, "int32"))] as never;
    }) as readonly [Tensor, Tensor];
    const [found, count] = await Promise.all(totals.map((total) => total.item()));
    for (const total of totals) total.dispose();
    this.#found += found!;
    this.#count += count!;
  }

  #rows(scores: Tensor, targets: Tensor): ReturnType<typeof rowsOf> {
    expectTensor("Accuracy", "scores", scores);
    expectTensor("Accuracy", "targets", targets);
    if (scores.shape.at(-1) !== 1) return rowsOf("Accuracy", scores, targets);
    return rowsOf("Accuracy", twoClasses(scores, this.#threshold), withoutLast(targets, scores));
  }

  /** 0 … 1; NaN before any position was counted. */
  get value(): number {
    return this.#found / this.#count;
  }

  reset(): void {
    this.#found = 0;
    this.#count = 0;
  }
}
