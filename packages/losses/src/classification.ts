/** Losses of classes: cross-entropies, and the hinge. */
import {
  CROSS_ENTROPY_OPTIONS,
  type CrossEntropyOptions,
  cast,
  composite,
  crossEntropy,
  div,
  type Expression,
  e,
  elementwise,
  expectFloat,
  expectIndex,
  expectSameDType,
  expectSameShape,
  expectTensor,
  formatShape,
  gather,
  logicalAnd,
  logSoftmax,
  mean,
  mul,
  neg,
  notEqual,
  pick,
  reshape,
  ShapeError,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from "@neurite/core";
import { expectFinite, expectOptions, type OptionKinds } from "@neurite/core/expect";
import { LOSS_OPTIONS, type LossOptions, reduceLoss } from "./reduction.js";
import { expectAlike } from "./regression.js";

export interface ClassWeights {
  /** Weight of each class [c]; `mean` divides by the weights of the targets. Default: all 1. */
  readonly weight?: Tensor;
}

export type NLLOptions = Omit<CrossEntropyOptions, "labelSmoothing"> & ClassWeights;
export type CrossEntropyLossOptions = CrossEntropyOptions & ClassWeights;

export interface BCEWithLogitsOptions extends LossOptions {
  /** Weight of the positive class, broadcast against the targets. Default 1. */
  readonly posWeight?: Tensor;
}

const { labelSmoothing: _, ...POSITIONS } = CROSS_ENTROPY_OPTIONS;
const NLL: OptionKinds<NLLOptions> = { ...POSITIONS, weight: "tensor" };
const CROSS_ENTROPY: OptionKinds<CrossEntropyLossOptions> = { ...CROSS_ENTROPY_OPTIONS, weight: "tensor" };
const BCE: OptionKinds<BCEWithLogitsOptions> = { ...LOSS_OPTIONS, posWeight: "tensor" };

/**
 * −ln softmax(logits)[target], stable for large logits (Jiang §8.2), with label smoothing, positions that do not count, and
 * class weights: each position's loss is multiplied by its target's weight.
 * @param logits [..., c]
 * @param targets int32 [...], classes 0 … c − 1 or `ignoreIndex`
 * @returns a scalar, or [...] with reduction `none`
 * @throws ShapeError, DTypeError, ValueError, IndexError for a class out of range
 * @example
 * const loss = crossEntropyLoss(model.forward(x), labels, { labelSmoothing: 0.1, ignoreIndex: PADDING });
 */
export function crossEntropyLoss(logits: Tensor, targets: Tensor, options: CrossEntropyLossOptions = {}): Tensor {
  expectTensor("crossEntropyLoss", "logits", logits);
  expectTensor("crossEntropyLoss", "targets", targets);
  expectOptions("crossEntropyLoss", options, CROSS_ENTROPY);
  const { weight, labelSmoothing = 0, ...rest } = options;
  if (!weight) return crossEntropy(logits, targets, { ...rest, labelSmoothing });
  expectFinite("crossEntropyLoss", "labelSmoothing", labelSmoothing, 0, 1);
  expectFloat("crossEntropyLoss", "logits", logits.dtype);
  return composite("crossEntropyLoss", () =>
    weightedNLL("crossEntropyLoss", logits, logSoftmax, targets, { ...rest, weight }, labelSmoothing),
  );
}

/**
 * −ln p[target] from log-probabilities, as given by `logSoftmax`.
 * @param logP [..., c]
 * @param targets int32 [...], classes 0 … c − 1 or `ignoreIndex`
 * @throws ShapeError, DTypeError, IndexError for a class out of range
 */
export function nllLoss(logP: Tensor, targets: Tensor, options: NLLOptions = {}): Tensor {
  expectTensor("nllLoss", "logP", logP);
  expectTensor("nllLoss", "targets", targets);
  expectOptions("nllLoss", options, NLL);
  expectFloat("nllLoss", "logP", logP.dtype);
  return composite("nllLoss", () => weightedNLL("nllLoss", logP, (x) => x, targets, options, 0));
}

/** A product that is 0 where the weight is, even of ∞. */
const weighed = /* @__PURE__ */ elementwise("weighedLoss", 2, 0, (weight, loss) => e.weigh(weight!, loss!));

/** @param logarithms from the rows given to logarithms of probabilities */
function weightedNLL(
  op: string,
  given: Tensor,
  logarithms: (rows: Tensor) => Tensor,
  targets: Tensor,
  { weight, ignoreIndex, reduction = "mean" }: NLLOptions,
  smoothing: number,
): Tensor {
  const classes = given.shape.at(-1);
  if (classes === undefined) {
    throw new ShapeError({ op, argument: "logits", expected: "a last axis of classes", received: "[]" });
  }
  expectIndex(op, "targets", targets.dtype);
  expectSameShape(op, "targets", given.shape.slice(0, -1), targets.shape);
  if (weight) {
    expectSameShape(op, "weight", [classes], weight.shape);
    expectSameDType(op, "weight", given.dtype, weight.dtype);
  }
  const flat = reshape(targets, [targets.size]);
  const counts = ignoreIndex === undefined ? null : notEqual(flat, ignoreIndex);
  const safe = counts ? where(counts, flat, 0) : flat;
  const own = weight ? gather(weight, safe) : null;
  // rows without any weight have no part in it, whatever they hold
  const weighty = own && smoothing === 0 ? notEqual(own, 0) : null;
  const real = counts && weighty ? logicalAnd(counts, weighty) : (counts ?? weighty);
  const flatGiven = reshape(given, [targets.size, classes]);
  const rows = logarithms(real ? where(unsqueeze(real, 1), flatGiven, 0) : flatGiven);
  const picked = neg(pick(rows, safe));
  let loss = own ? weighed([own, picked]) : picked;
  if (smoothing > 0) {
    const all = mean(weight ? weighed([weight, rows]) : rows, { axis: 1 });
    loss = sub(mul(loss, 1 - smoothing), mul(all, smoothing));
  }
  if (counts) loss = where(counts, loss, 0);
  if (reduction !== "mean") return reduceLoss(reshape(loss, targets.shape), reduction);
  if (!own && !counts) return mean(loss);
  const share = own ?? cast(counts!, given.dtype);
  const total = sum(counts && own ? where(counts, own, 0) : share);
  // with every position ignored the mean is 0
  return div(sum(loss), where(notEqual(total, 0), total, 1));
}

/** ln(1 + e^{−|x|}), by which softplus exceeds max(0, x). */
const excess = (x: Expression) => e.log1p(e.exp(e.neg(e.abs(x))));
const softplus = (x: Expression) => e.add(e.max(x, 0), excess(x));
// t·max(−x, 0) + (1 − t)·max(x, 0) + ln(1 + e^{−|x|}): what has weight 0 may be infinite
const logistic = /* @__PURE__ */ elementwise(
  "bceWithLogitsLoss",
  2,
  0,
  (x, t) => e.add(e.add(e.weigh(t!, e.max(e.neg(x!), 0)), e.weigh(e.sub(1, t!), e.max(x!, 0))), excess(x!)),
  (x, t) => [e.sub(e.sigmoid(x!), t!), e.neg(x!)],
);
// w·t·softplus(−x) + (1 − t)·softplus(x)
const weightedLogistic = /* @__PURE__ */ elementwise(
  "bceWithLogitsLoss",
  3,
  0,
  (x, t, w) => e.add(e.weigh(e.mul(w!, t!), softplus(e.neg(x!))), e.weigh(e.sub(1, t!), softplus(x!))),
  (x, t, w) => [
    e.sub(e.weigh(e.sub(1, t!), e.sigmoid(x!)), e.weigh(e.mul(w!, t!), e.sigmoid(e.neg(x!)))),
    e.sub(e.weigh(w!, softplus(e.neg(x!))), softplus(x!)),
    e.weigh(t!, softplus(e.neg(x!))),
  ],
);
/** The logarithm, cut off at −100 as in PyTorch, so that a certain mistake costs 100 and not ∞. */
const cutLog = (p: Expression) => e.max(e.log(p), -100);
const binary = /* @__PURE__ */ elementwise("bceLoss", 2, 0, (p, t) =>
  e.neg(e.add(e.weigh(t!, cutLog(p!)), e.weigh(e.sub(1, t!), cutLog(e.sub(1, p!))))),
);

/** Throws unless `value` broadcasts to the shape of `x`, without making it larger, in its dtype. */
function expectSpreads(op: string, argument: string, value: Tensor, x: Tensor): void {
  expectTensor(op, argument, value);
  expectSameDType(op, argument, x.dtype, value.dtype);
  const lead = x.rank - value.rank;
  if (lead >= 0 && value.shape.every((length, i) => length === 1 || length === x.shape[lead + i])) return;
  throw new ShapeError({
    op,
    argument,
    expected: `a shape that broadcasts to ${formatShape(x.shape)}`,
    received: formatShape(value.shape),
  });
}

/**
 * −t ln σ(x) − (1 − t) ln(1 − σ(x)) from logits, stable for large |x|.
 * @param logits any shape
 * @param targets the same shape and dtype, 0 … 1
 * @throws ShapeError, DTypeError when they differ
 */
export function bceWithLogitsLoss(logits: Tensor, targets: Tensor, options: BCEWithLogitsOptions = {}): Tensor {
  expectOptions("bceWithLogitsLoss", options, BCE);
  const { posWeight, reduction } = options;
  expectAlike("bceWithLogitsLoss", logits, targets, "targets");
  if (posWeight) expectSpreads("bceWithLogitsLoss", "posWeight", posWeight, logits);
  return composite("bceWithLogitsLoss", () => {
    const loss = posWeight ? weightedLogistic([logits, targets, posWeight]) : logistic([logits, targets]);
    return reduceLoss(loss, reduction);
  });
}

/**
 * −t ln p − (1 − t) ln(1 − p) from probabilities; each logarithm is at least −100, as in PyTorch. Prefer
 * {@link bceWithLogitsLoss}, whose gradients do not vanish.
 * @param probabilities 0 … 1, any shape
 * @param targets the same shape and dtype, 0 … 1
 * @throws ShapeError, DTypeError when they differ
 */
export function bceLoss(probabilities: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  expectOptions("bceLoss", options, LOSS_OPTIONS);
  expectAlike("bceLoss", probabilities, targets, "targets");
  return composite("bceLoss", () => reduceLoss(binary([probabilities, targets]), options.reduction));
}

const hinge = /* @__PURE__ */ elementwise("hingeLoss", 2, 0, (x, y) => e.max(e.sub(1, e.mul(x!, y!)), 0));

/**
 * max(0, 1 − y·x) of each score (Cortes & Vapnik 1995).
 * @param targets −1 or 1, shape and dtype as the scores
 * @throws ShapeError, DTypeError when they differ
 */
export function hingeLoss(scores: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  expectOptions("hingeLoss", options, LOSS_OPTIONS);
  expectAlike("hingeLoss", scores, targets, "targets");
  return composite("hingeLoss", () => reduceLoss(hinge([scores, targets]), options.reduction));
}
