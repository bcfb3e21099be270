/** Attention with a selectable score (Jiang §8.2.8). */
import { maskedSoftmax, matmul, mul, Parameter, type Tensor, transpose, ValueError } from "@neurite/core";
import { type InitOptions, initUniform } from "./initializers.js";
import { Module } from "./module.js";

/** g(q, k): `dot` qᵀk, `scaledDot` qᵀk/√d, `bilinear` qᵀWk with W learned (Luong et al. 2015). */
export type AttentionScore = "dot" | "scaledDot" | "bilinear";

export interface AttentionLayerOptions extends InitOptions {
  /** Default `scaledDot`. */
  readonly score?: AttentionScore;
  /** Features of queries; needed by `bilinear`. */
  readonly queryFeatures?: number;
  /** Features of keys; default those of queries. */
  readonly keyFeatures?: number;
}

export interface AttentionResult {
  /** Σⱼ weights[i, j]·values[j]: [..., n, values' features] */
  readonly context: Tensor;
  /** softmax over the keys: [..., n, m] */
  readonly weights: Tensor;
}

/**
 * Weights the values by how well their keys match each query.
 * @example
 * const attend = new Attention({ score: "bilinear", queryFeatures: 64 });
 * const { context, weights } = attend.forward(query, keys, values, mask);
 */
export class Attention extends Module {
  readonly score: AttentionScore;
  /** [query features, key features] of the bilinear score. */
  readonly weight: Parameter | null;

  constructor({
    score = "scaledDot",
    queryFeatures,
    keyFeatures = queryFeatures,
    ...init
  }: AttentionLayerOptions = {}) {
    super();
    this.score = score;
    if (score !== "bilinear") this.weight = null;
    else if (!queryFeatures || !keyFeatures) {
      throw new ValueError({
        op: "Attention",
        argument: "queryFeatures",
        expected: "the number of query features, which a bilinear score needs",
        received: String(queryFeatures),
      });
    } else {
      const initial = initUniform([queryFeatures, keyFeatures], 1 / Math.sqrt(keyFeatures), init);
      this.weight = new Parameter(initial, { layout: "query,key" });
    }
  }

  /**
   * @param query [..., n, d]
   * @param keys [..., m, k]
   * @param values [..., m, v]
   * @param mask bool, broadcast to [..., n, m]; true where a key may be attended to
   */
  forward(query: Tensor, keys: Tensor, values: Tensor, mask?: Tensor): AttentionResult {
    const projected = this.weight ? matmul(query, this.weight) : query;
    const products = matmul(projected, transpose(keys));
    const scores = this.score === "scaledDot" ? mul(products, 1 / Math.sqrt(query.shape[query.rank - 1]!)) : products;
    const weights = maskedSoftmax(scores, mask);
    return { context: matmul(weights, values), weights };
  }
}
