/** Scaled dot-product attention (Vaswani et al. 2017). */
import { dispatch } from "../dispatch.js";
import { expectFloat, expectSameDType } from "../dtype.js";
import { DTypeError, ShapeError } from "../errors.js";
import { expectFinite, expectOptions, type OptionKinds } from "../expect.js";
import { defineOp } from "../op.js";
import { broadcastShapes, formatShape, type Shape, sameShape } from "../shape.js";
import { expectTensor, type Tensor } from "../tensor.js";
import { mul, where } from "./elementwise.js";
import { matmul } from "./matmul.js";
import { sumTo } from "./reduce.js";
import { softmax, softmaxGrad } from "./softmax.js";
import { transpose } from "./views.js";

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

const maskedSoftmaxOp = /* @__PURE__ */ defineOp<Record<string, never>>({
  name: "maskedSoftmax",
  infer([scores, mask]) {
    expectMask("maskedSoftmax", mask!, scores!.shape);
    return [scores!];
  },
  // a large finite score: with −∞ an all-masked row would be ∞ − ∞
  compose: ([scores, mask]) => [where(mask!, softmax(where(mask!, scores!, -1e30)), 0)],
  vjp: ({ outputs: [y], dy: [dy] }) => [softmaxGrad(y!, dy!), null],
  saves: { outputs: [0] },
});

/**
 * Softmax over the last axis among the positions where `mask` (bool, broadcast) is true; without a mask, over all.
 * A row with no true position becomes all zeros instead of NaN.
 * @throws ShapeError, DTypeError for a mask that does not fit
 */
export function maskedSoftmax(scores: Tensor, mask?: Tensor): Tensor {
  expectTensor("maskedSoftmax", "scores", scores);
  return mask !== undefined ? dispatch(maskedSoftmaxOp, [scores, mask], {})[0]! : softmax(scores);
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
 * @returns [..., n, v]; a query that may attend to nothing gets zeros
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
  const inputs = mask ? [query, key, value, mask] : [query, key, value];
  return dispatch(attentionOp, inputs, { scale })[0]!;
}
