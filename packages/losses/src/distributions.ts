/** Losses of distributions and directions. */
import {
  abs,
  composite,
  div,
  e,
  elementwise,
  exp,
  expectSameDType,
  expectSameShape,
  expectTensor,
  floor,
  log,
  max,
  maximum,
  mul,
  sqrt,
  squeeze,
  sum,
  type Tensor,
} from "@neurite/core";
import { expectFinite, expectOptions, type OptionKinds } from "@neurite/core/expect";
import { LOSS_OPTIONS, type LossOptions, type Reduction, reduceLoss } from "./reduction.js";
import { expectAlike } from "./regression.js";

export interface KLDivOptions {
  /** `batchMean`: the sum divided by the length of the first axis, the divergence as defined. Default `mean`, as in PyTorch. */
  readonly reduction?: Reduction | "batchMean";
  /** Whether the target has logarithms too. Default false. */
  readonly logTarget?: boolean;
}

const KL_DIV: OptionKinds<KLDivOptions> = { reduction: ["mean", "sum", "none", "batchMean"], logTarget: "boolean" };

// p ln p is 0 at p = 0, and so is all of it, whatever q
const divergence = /* @__PURE__ */ elementwise(
  "klDivLoss",
  2,
  0,
  (q, p) => e.weigh(p!, e.sub(e.log(p!), q!)),
  (q, p) => [e.neg(p!), e.select(e.eq(p!, 0), 0, e.add(e.sub(e.log(p!), q!), 1))],
);
const logDivergence = /* @__PURE__ */ elementwise("klDivLoss", 2, 0, (q, p) => e.weigh(e.exp(p!), e.sub(p!, q!)));

/**
 * p(ln p − ln q) of each element; summed, the Kullback–Leibler divergence KL(p ‖ q).
 * @param logQ logarithms of the model's probabilities, any shape
 * @param target p, or ln p with `logTarget`; the same shape and dtype
 * @throws ShapeError, DTypeError when they differ
 */
export function klDivLoss(logQ: Tensor, target: Tensor, options: KLDivOptions = {}): Tensor {
  expectOptions("klDivLoss", options, KL_DIV);
  const { reduction = "mean", logTarget = false } = options;
  expectAlike("klDivLoss", logQ, target);
  return composite("klDivLoss", () => {
    const loss = (logTarget ? logDivergence : divergence)([logQ, target]);
    return reduction === "batchMean" ? div(sum(loss), logQ.shape[0] ?? 1) : reduceLoss(loss, reduction);
  });
}

/** Norms below count as this, as in PyTorch. */
const SMALLEST_NORM = 1e-8;
/** Vectors whose largest element is smaller are not scaled up further. */
const LEAST_SCALE = 1e-30;

interface Normalized {
  readonly scaled: Tensor;
  /** Of `scaled`. */
  readonly norm: Tensor;
}

/** x divided by about its largest element, since squares may leave the range, and its norm then. */
function normalized(x: Tensor, axis: number): Normalized {
  const along = { axis, keepDims: true };
  // a step function, so that no gradient goes through it
  const scale = exp(floor(log(maximum(max(abs(x), along), LEAST_SCALE))));
  const scaled = div(x, scale);
  // the root's slope at 0 is infinite, so the square is kept away from it
  const root = sqrt(maximum(sum(mul(scaled, scaled), { axis }), LEAST_SCALE));
  return { scaled, norm: maximum(root, div(SMALLEST_NORM, squeeze(scale, axis))) };
}

/**
 * Cosine of the angle between vectors along `axis` (default the last): a·b / (max(‖a‖, 1e-8)·max(‖b‖, 1e-8)).
 * @throws ShapeError, DTypeError when they differ in kind
 */
export function cosineSimilarity(a: Tensor, b: Tensor, axis = -1): Tensor {
  expectAlike("cosineSimilarity", a, b, "b");
  return composite("cosineSimilarity", () => {
    const [p, q] = [a, b].map((x) => normalized(x, axis)) as [Normalized, Normalized];
    return div(sum(mul(p.scaled, q.scaled), { axis }), mul(p.norm, q.norm));
  });
}

export interface CosineEmbeddingOptions extends LossOptions {
  /** Cosine that unlike pairs may have for nothing, −1 … 1. Default 0. */
  readonly margin?: number;
}

const COSINE: OptionKinds<CosineEmbeddingOptions> = { ...LOSS_OPTIONS, margin: "number" };

const embedding = /* @__PURE__ */ elementwise("cosineEmbeddingLoss", 2, 1, (c, y, margin) =>
  e.select(e.gt(y!, 0), e.sub(1, c!), e.max(e.sub(c!, margin!), 0)),
);

/**
 * 1 − cos(a, b) for pairs with target 1, max(0, cos(a, b) − margin) for those with −1.
 * @param a [..., d]
 * @param b [..., d]
 * @param targets [...] of 1 and −1, in the dtype of `a`
 * @throws ShapeError, DTypeError when they differ in kind, ValueError for a margin outside of [−1, 1]
 */
export function cosineEmbeddingLoss(
  a: Tensor,
  b: Tensor,
  targets: Tensor,
  options: CosineEmbeddingOptions = {},
): Tensor {
  expectOptions("cosineEmbeddingLoss", options, COSINE);
  const { margin = 0, reduction } = options;
  expectFinite("cosineEmbeddingLoss", "margin", margin, -1, 1);
  expectAlike("cosineEmbeddingLoss", a, b, "b");
  expectTensor("cosineEmbeddingLoss", "targets", targets);
  expectSameShape("cosineEmbeddingLoss", "targets", a.shape.slice(0, -1), targets.shape);
  expectSameDType("cosineEmbeddingLoss", "targets", a.dtype, targets.dtype);
  return composite("cosineEmbeddingLoss", () =>
    reduceLoss(embedding([cosineSimilarity(a, b), targets], [margin]), reduction),
  );
}
