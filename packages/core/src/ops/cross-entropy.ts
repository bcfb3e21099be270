/** Cross-entropy of class indices, from logits. */
import { dispatch } from "../dispatch.js";
import { expectFloat, expectIndex } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { expectFinite, expectOptions, type OptionKinds } from "../expect.js";
import { defineOp } from "../op.js";
import { composite } from "../scope.js";
import { expectSameShape, formatShape } from "../shape.js";
import { expectTensor, type Tensor } from "../tensor.js";
import { cast } from "./copy.js";
import { arange } from "./create.js";
import { add, div, equal, maximum, mul, neg, notEqual, sub, where } from "./elementwise.js";
import { expectRange, pick } from "./gather.js";
import { mean, sum } from "./reduce.js";
import { logSoftmax, softmax } from "./softmax.js";
import { reshape, unsqueeze } from "./views.js";

interface CrossEntropyAttrs {
  readonly ignoreIndex: number | null;
  readonly labelSmoothing: number;
}

/**
 * Logits and targets with ignored positions replaced by zeros and class 0, and where to count the loss (null: everywhere).
 */
function counted(logits: Tensor, targets: Tensor, ignoreIndex: number | null) {
  if (ignoreIndex === null) return { kept: logits, safe: targets, mask: null };
  const mask = notEqual(targets, ignoreIndex);
  return { kept: where(unsqueeze(mask, 1), logits, 0), safe: where(mask, targets, 0), mask };
}

/** Loss of each row: logits [n, c] and targets [n] give [n], 0 where ignored. */
const crossEntropyOp = /* @__PURE__ */ defineOp<CrossEntropyAttrs>({
  name: "crossEntropy",
  infer([logits, targets], { ignoreIndex }) {
    expectFloat("crossEntropy", "logits", logits!.dtype);
    expectIndex("crossEntropy", "targets", targets!.dtype);
    expectSameShape("crossEntropy", "targets", logits!.shape.slice(0, 1), targets!.shape);
    if (ignoreIndex === null) expectRange("crossEntropy", targets!, logits!.shape[1]!);
    return [{ shape: targets!.shape, dtype: logits!.dtype }];
  },
  compose([logits, targets], { ignoreIndex, labelSmoothing }) {
    const { kept, safe, mask } = counted(logits!, targets!, ignoreIndex);
    const logP = logSoftmax(kept);
    let loss = neg(pick(logP, safe));
    if (labelSmoothing > 0) {
      loss = sub(mul(loss, 1 - labelSmoothing), mul(mean(logP, { axis: 1 }), labelSmoothing));
    }
    return [mask ? where(mask, loss, 0) : loss];
  },
  vjp: ({ attrs, inputs: [logits, targets], dy: [dy] }) => [
    dispatch(crossEntropyGradOp, [logits!, targets!, dy!], attrs)[0]!,
    null,
  ],
  saves: { inputs: [0, 1] },
});

/** dy·(softmax(logits) − smoothed one-hot), 0 where ignored; from logits, targets and dy. */
const crossEntropyGradOp = /* @__PURE__ */ defineOp<CrossEntropyAttrs>({
  name: "crossEntropyGrad",
  infer: ([logits]) => [logits!],
  compose([logits, targets, dy], { ignoreIndex, labelSmoothing }) {
    const { kept, safe, mask } = counted(logits!, targets!, ignoreIndex);
    const classes = logits!.shape[1]!;
    const oneHot = equal(unsqueeze(safe, 1), arange(0, classes, 1, { device: logits!.device }));
    const wanted = add(mul(cast(oneHot, logits!.dtype), 1 - labelSmoothing), labelSmoothing / classes);
    const weight = unsqueeze(mask ? where(mask, dy!, 0) : dy!, 1);
    return [mul(sub(softmax(kept), wanted), weight)];
  },
});

export interface CrossEntropyOptions {
  /** `mean` over the positions that count (default), `sum`, or `none` for each position's own loss. */
  readonly reduction?: "mean" | "sum" | "none";
  /** Target value of positions that do not count, such as padding. */
  readonly ignoreIndex?: number;
  /** ε in (1 − ε)·onehot + ε/c (Szegedy et al. 2015). */
  readonly labelSmoothing?: number;
}

/** What the options of a cross-entropy may be. */
export const CROSS_ENTROPY_OPTIONS: OptionKinds<CrossEntropyOptions> = {
  reduction: ["mean", "sum", "none"],
  ignoreIndex: "integer",
  labelSmoothing: "number",
};

/**
 * −ln softmax(logits)[target].
 * @param logits [..., c], unnormalised
 * @param targets int32 [...], classes 0 … c − 1 or `ignoreIndex`
 * @returns a scalar, or [...] with reduction `none`. With every position ignored the mean is 0.
 * @throws ShapeError, DTypeError, IndexError for a class out of range
 */
export function crossEntropy(logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}): Tensor {
  expectTensor("crossEntropy", "logits", logits);
  expectTensor("crossEntropy", "targets", targets);
  expectOptions("crossEntropy", options, CROSS_ENTROPY_OPTIONS);
  const { reduction = "mean", ignoreIndex = null, labelSmoothing = 0 } = options;
  if (logits.rank === 0) {
    throw new ShapeError({
      op: "crossEntropy",
      argument: "logits",
      expected: "a last axis of classes",
      received: formatShape(logits.shape),
      remedy: "Give logits [..., classes].",
    });
  }
  expectFinite("crossEntropy", "labelSmoothing", labelSmoothing, 0, 1);
  const rows = logits.shape.slice(0, -1);
  expectIndex("crossEntropy", "targets", targets.dtype);
  expectSameShape("crossEntropy", "targets", rows, targets.shape);
  return composite("crossEntropy", () => {
    const flatTargets = reshape(targets, [targets.size]);
    const flatLogits = reshape(logits, [targets.size, logits.shape[logits.rank - 1]!]);
    const loss = dispatch(crossEntropyOp, [flatLogits, flatTargets], { ignoreIndex, labelSmoothing })[0]!;
    if (reduction === "none") return reshape(loss, rows);
    if (reduction === "sum") return sum(loss);
    if (ignoreIndex === null) return mean(loss);
    const count = sum(cast(notEqual(flatTargets, ignoreIndex), loss.dtype));
    return div(sum(loss), maximum(count, 1));
  });
}
