/**
 * Scaled dot-product attention and its gradients, one pair of matrices after the other: the weights of one, [n, m], stay in
 * the caches, and those of the others are never held.
 */
import type { View } from "@neurite/core";
import type { Engine } from "../engine.js";
import { forEachOuter } from "../views.js";
import { type Matrix, makeProduct } from "./matmul.js";
import { defineSoftmax, defineSoftmaxGradient, maskStrides } from "./softmax.js";

interface AttentionAttrs {
  readonly scale: number;
}

/** Queries, keys, values, and perhaps the error. */
type Matrices = [Matrix, Matrix, Matrix, Matrix];

/** Elements below which work is not split. */
const GRAIN = 8192;

/** The last two axes of a view as a matrix at an address. */
function matrixAt(at: number, { strides }: View): Matrix {
  const rank = strides.length;
  return { at, rowStep: 4 * strides[rank - 2]!, columnStep: 4 * strides[rank - 1]! };
}

function transposed({ at, rowStep, columnStep }: Matrix): Matrix {
  return { at, rowStep: columnStep, columnStep: rowStep };
}

/** A contiguous matrix in scratch memory. */
function scratchMatrix(at: number, columns: number): Matrix {
  return { at, rowStep: 4 * columns, columnStep: 4 };
}

/** What forward pass and gradients share. */
function makeAttentionParts(engine: Engine) {
  const multiply = makeProduct(engine);
  /** softmax(scale · Q Kᵀ) to `at`. */
  const weigh = (
    [n, d, m]: readonly [number, number, number],
    q: Matrix,
    k: Matrix,
    at: number,
    scale: number,
    mask: { readonly at: number; readonly step: number } | null,
  ): void => {
    multiply([n, d, m], q, transposed(k), at);
    const kernel = engine.variant("attention weights", mask ? "masked" : "", "", (module, features) =>
      defineSoftmax(module, features, "softmax", { scaled: true, masked: !!mask }),
    );
    const masks = mask ? [mask.at, mask.step] : [];
    engine.run(kernel, n, Math.ceil(GRAIN / m), m, at, at, ...masks, scale);
  };
  return { multiply, weigh };
}

/** Views of which the leading axes agree with `shape`'s, and the mask's row step; null where some are stretched. */
function aligned(
  shape: readonly number[],
  operands: readonly View[],
  mask: View | undefined,
  m: number,
): { readonly mask: View[]; readonly maskStep: number } | null {
  const leading = shape.length - 2;
  for (const { shape: own } of operands) {
    if (own.length !== shape.length) return null;
    for (let axis = 0; axis < leading; axis++) if (own[axis] !== shape[axis]) return null;
  }
  if (!mask) return { mask: [], maskStep: 0 };
  const strides = maskStrides(mask, [...shape.slice(0, -1), m]);
  return strides && { mask: [{ ...mask, strides }], maskStep: strides[leading]! };
}

/** inputs query [..., n, d], key [..., m, d], value [..., m, v], perhaps a mask; out [..., n, v]. */
export function makeAttention(engine: Engine) {
  const { multiply, weigh } = makeAttentionParts(engine);
  const kernel = (outs: readonly View[], inputs: readonly View[], { scale }: AttentionAttrs): undefined | false => {
    const [out] = outs as [View];
    const [q, k, v, mask] = inputs as [View, View, View, View?];
    const [n, d] = q.shape.slice(-2) as [number, number];
    const [m, width] = v.shape.slice(-2) as [number, number];
    const plan = aligned(out.shape, [q, k, v], mask, m);
    if (!plan) return false;
    engine.withScratch(4 * n * m, (weights) => {
      forEachOuter(out.shape, out.shape.length - 2, [out, q, k, v, ...plan.mask], (at) => {
        const [query, key, value] = [q, k, v].map((view, i) => matrixAt(at[i + 1]!, view)) as Matrices;
        weigh([n, d, m], query, key, weights, scale, mask ? { at: at[4]!, step: plan.maskStep } : null);
        multiply([n, m, width], scratchMatrix(weights, m), value, at[0]!);
      });
    });
    return undefined;
  };
  return Object.assign(kernel, { strided: true });
}

/** outs the gradients by query, key and value; inputs these, dy [..., n, v] and perhaps a mask. */
export function makeAttentionGrad(engine: Engine) {
  const { multiply, weigh } = makeAttentionParts(engine);
  const kernel = (outs: readonly View[], inputs: readonly View[], { scale }: AttentionAttrs): undefined | false => {
    const [dq, dk, dv] = outs as [View, View, View];
    const [q, k, v, dy, mask] = inputs as [View, View, View, View, View?];
    const [n, d] = q.shape.slice(-2) as [number, number];
    const [m, width] = v.shape.slice(-2) as [number, number];
    const plan = aligned(dy.shape, [q, k, v], mask, m);
    if (!plan) return false;
    const gradient = engine.kernel("attention weights gradient", (module, features) =>
      defineSoftmaxGradient(module, features, "softmaxGrad", true),
    );
    const grain = Math.ceil(GRAIN / m);
    engine.withScratch(8 * n * m, (weights) => {
      const errors = weights + 4 * n * m;
      const [shares, slopes] = [scratchMatrix(weights, m), scratchMatrix(errors, m)];
      const views = [dq, dk, dv, q, k, v, dy, ...plan.mask];
      forEachOuter(dy.shape, dy.shape.length - 2, views, (at) => {
        const [toQ, toK, toV] = at as [number, number, number];
        const [query, key, value, error] = [q, k, v, dy].map((view, i) => matrixAt(at[i + 3]!, view)) as Matrices;
        weigh([n, d, m], query, key, weights, scale, mask ? { at: at[7]!, step: plan.maskStep } : null);
        multiply([m, n, width], transposed(shares), error, toV);
        multiply([n, width, m], error, transposed(value), errors);
        engine.run(gradient, n, grain, m, weights, errors, errors, scale);
        multiply([n, m, d], slopes, key, toQ);
        multiply([m, n, d], transposed(slopes), query, toK);
      });
    });
    return undefined;
  };
  return Object.assign(kernel, { strided: true });
}
