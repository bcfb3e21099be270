/** Scaled dot-product attention (Vaswani et al. 2017). */
import { dispatch } from "../dispatch.js";
import { expectFloat, expectSameDType } from "../dtype.js";
import { DTypeError, ShapeError } from "../errors.js";
import { expectFinite, expectOptions, type OptionKinds } from "../expect.js";
import { defineOp } from "../op.js";
import { composite } from "../scope.js";
import { broadcastShapes, formatShape, type Shape, sameShape } from "../shape.js";
import { expectTensor, type Tensor } from "../tensor.js";
import { div, exp, maximum, mul, sub, where } from "./elementwise.js";
import { matmul } from "./matmul.js";
import { any, max, sum, sumTo } from "./reduce.js";
import { softmax, softmaxGrad } from "./softmax.js";
import { transpose, unsqueeze } from "./views.js";

const attentionOp = /* @__PURE__ */ defineOp<{ readonly scale: number }>({
  name: "attention",
  infer([q, k, v, mask]) {
    expectFloat("attention", "query", q!.dtype);
    expectSameDType("attention", "key", q!.dtype, k!.dtype);
    expectSameDType("attention", "value", q!.dtype, v!.dtype);
    const [n, m] = [q!.shape[q!.rank - 2]!, k!.shape[k!.rank - 2]!];
    if (q!.shape[q!.rank - 1] !== k!.shape[k!.rank - 1] || m !== v!.shape[v!.rank - 2]) {
      throw new ShapeError({
        op: "attention",
        argument: "key and value",
        expected: `[..., m, ${q!.shape[q!.rank - 1]}] and [..., m, any]`,
        received: `${formatShape(k!.shape)} and ${formatShape(v!.shape)}`,
        remedy: "Query and key share their features, key and value their length.",
      });
    }
    const leading = [q!, k!, v!].map((x): Shape => x.shape.slice(0, -2));
    const batch = leading.reduce((a, b) => broadcastShapes("attention", a, b));
    if (mask) expectMask("attention", mask, [...batch, n, m]);
    return [{ shape: [...batch, n, v!.shape[v!.rank - 1]!], dtype: q!.dtype }];
  },
  compose: ([q, k, v, mask], { scale }) => [matmul(weightsOf(q!, k!, mask, scale), v!)],
  vjp({ inputs: [q, k, v, mask], dy: [dy], attrs }) {
    const inputs = mask ? [q!, k!, v!, dy!, mask] : [q!, k!, v!, dy!];
    return [...dispatch(attentionGradOp, inputs, attrs), null];
  },
  saves: { inputs: "all" },
});

/** softmax(scale · q kᵀ), [..., n, m]. The queries are scaled, since there are fewer of their elements than of scores. */
function weightsOf(q: Tensor, k: Tensor, mask: Tensor | undefined, scale: number): Tensor {
  return maskedSoftmax(matmul(scale === 1 ? q : mul(q, scale), transpose(k)), mask);
}

/**
 * Gradients by query, key and value, from these, dy and the mask. The weights, whose number grows with the square of the
 * length, are computed again rather than kept (Rabe and Staats 2021).
 */
const attentionGradOp = /* @__PURE__ */ defineOp<{ readonly scale: number }>({
  name: "attentionGrad",
  infer: ([q, k, v]) => [q!, k!, v!],
  compose([q, k, v, dy, mask], { scale }) {
    const weights = weightsOf(q!, k!, mask, scale);
    const scores = softmaxGrad(weights, matmul(dy!, transpose(v!)));
    return [
      sumTo(mul(matmul(scores, k!), scale), q!.shape),
      sumTo(matmul(transpose(scores), mul(q!, scale)), k!.shape),
      sumTo(matmul(transpose(weights), dy!), v!.shape),
    ];
  },
});

function expectMask(op: string, mask: Tensor, scores: Shape): void {
  if (mask.dtype !== "bool") {
    throw new DTypeError({
      op,
      argument: "mask",
      expected: "bool, true where a key may be attended to",
      received: mask.dtype,
      remedy: "Compare first, e.g. notEqual(tokens, padding).",
    });
  }
  if (!sameShape(broadcastShapes(op, scores, mask.shape), scores)) {
    throw new ShapeError({
      op,
      argument: "mask",
      expected: `a shape that broadcasts to the scores' ${formatShape(scores)}`,
      received: formatShape(mask.shape),
    });
  }
}

const ALONG = { axis: -1, keepDims: true };
/** The least float32, and a number below the least sum of powers, the largest of which is 1. */
const LOWEST = -3.4028234663852886e38;
const SMALLEST = 1e-30;

const maskedSoftmaxOp = /* @__PURE__ */ defineOp<Record<string, never>>({
  name: "maskedSoftmax",
  infer([scores, mask]) {
    expectMask("maskedSoftmax", mask!, scores!.shape);
    return [scores!];
  },
  compose([scores, mask]) {
    const kept = where(mask!, scores!, Number.NEGATIVE_INFINITY);
    // of a row of −∞ alone the powers shall be 0, not those of ∞ − ∞, and their sum nothing to divide 0 by
    const top = maximum(scores!.size === 0 ? kept : max(kept, ALONG), LOWEST);
    const powers = exp(sub(kept, top));
    return [div(powers, maximum(sum(powers, ALONG), SMALLEST))];
  },
  // the error of a weight that is none may be anything
  vjp: ({ inputs: [, mask], outputs: [y], dy: [dy] }) => [softmaxGrad(y!, where(mask!, dy!, 0)), null],
  saves: { inputs: [1], outputs: [0] },
});

/**
 * Softmax over the last axis among the positions where `mask` (bool, broadcast) is true; without a mask, over all.
 * A row with no true position, or with scores of −∞ alone, becomes all zeros instead of NaN.
 * @throws ShapeError, DTypeError for a mask that does not fit
 */
export function maskedSoftmax(scores: Tensor, mask?: Tensor): Tensor {
  expectTensor("maskedSoftmax", "scores", scores);
  return mask !== undefined ? dispatch(maskedSoftmaxOp, [scores, mask], {})[0]! : softmax(scores);
}

/** Keys and values, 0 where no query attends to them: a product of weights 0 and NaN would be NaN. */
function attended(mask: Tensor, key: Tensor, value: Tensor): [Tensor, Tensor] {
  if (mask.dtype !== "bool" || mask.rank === 0 || mask.size === 0) return [key, value];
  const used = mask.rank === 1 ? mask : any(mask, { axis: -2 });
  if (used.shape.at(-1) !== key.shape[key.rank - 2]) return [key, value];
  const column = unsqueeze(used, -1);
  return [where(column, key, 0), where(column, value, 0)];
}

export interface AttentionOptions {
  /** bool, broadcast to [..., n, m]; true where query i may attend to key j. */
  readonly mask?: Tensor;
  /** Factor of the scores; default 1/√features. */
  readonly scale?: number;
}

const OPTIONS: OptionKinds<AttentionOptions> = { mask: "tensor", scale: "number" };

/**
 * softmax(scale · q kᵀ) v, softmax over the keys.
 * @param query [..., n, d]
 * @param key [..., m, d]
 * @param value [..., m, v]
 * @returns [..., n, v]; a query that may attend to nothing gets zeros, and a key that no query attends to may hold anything
 */
export function attention(query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions = {}): Tensor {
  expectOptions("attention", options, OPTIONS);
  for (const [name, x] of Object.entries({ query, key, value })) {
    expectTensor("attention", name, x);
    if (x.rank >= 2) continue;
    throw new ShapeError({
      op: "attention",
      argument: name,
      expected: "[..., length, features]",
      received: formatShape(x.shape),
      remedy: "Add the missing axes with unsqueeze.",
    });
  }
  const { mask, scale = 1 / Math.sqrt(query.shape[query.rank - 1] ?? 1) } = options;
  expectFinite("attention", "scale", scale);
  if (!mask) return dispatch(attentionOp, [query, key, value], { scale })[0]!;
  expectTensor("attention", "mask", mask);
  return composite("attention", () => {
    const [k, v] = attended(mask, key, value);
    return dispatch(attentionOp, [query, k, v, mask], { scale })[0]!;
  });
}
