/** Attention with a selectable score (Jiang §8.2.8). Read next: `multi-head-attention.ts`, `column-attention.ts`. */
import {
  add,
  arange,
  concat,
  expectSameShape,
  expectTensor,
  flip,
  formatShape,
  greaterEqual,
  logicalAnd,
  maskedSoftmax,
  matmul,
  mul,
  Parameter,
  pad,
  reshape,
  ShapeError,
  type Tensor,
  tanh,
  transpose,
  unsqueeze,
  ValueError,
  windows,
} from "@neurite/core";
import { badValue, expectOptions, expectSize, type OptionKinds } from "@neurite/core/expect";
import { INIT_OPTIONS } from "./init-options.js";
import { type InitOptions, initUniform } from "./initializers.js";
import { Linear } from "./linear.js";
import { Module } from "./module.js";

/** Scores of any kind: queries [..., n, d] and keys [..., m, k] → [..., n, m]. A module's parameters are trained along. */
export type ScoreFunction =
  | ((query: Tensor, keys: Tensor) => Tensor)
  | (Module & { forward(query: Tensor, keys: Tensor): Tensor });

/**
 * g(q, k): `dot` qᵀk, `scaledDot` qᵀk/√d, `bilinear` qᵀWk with W learned (Luong et al. 2015), `additive`
 * vᵀtanh(W q + W′k) (Bahdanau et al. 2015), or a function of your own.
 */
export type AttentionScore = "dot" | "scaledDot" | "bilinear" | "additive" | ScoreFunction;

export interface AttentionLayerOptions extends InitOptions {
  /** Default `scaledDot`. */
  readonly score?: AttentionScore;
  /** Features of queries; needed by `bilinear` and `additive`. */
  readonly queryFeatures?: number;
  /** Features of keys; default those of queries. */
  readonly keyFeatures?: number;
  /** Length of v in an `additive` score; default the features of queries. */
  readonly units?: number;
}

/** What these options may be. */
export const ATTENTION_OPTIONS: OptionKinds<AttentionLayerOptions> = {
  ...INIT_OPTIONS,
  score: "any",
  queryFeatures: "size",
  keyFeatures: "size",
  units: "size",
};

export interface AttentionResult {
  /** Σⱼ weights[i, j]·values[j]: [..., n, values' features] */
  readonly context: Tensor;
  /** softmax over the keys: [..., n, m] */
  readonly weights: Tensor;
}

/** vᵀtanh(W q + W′k) for all pairs: the score of Bahdanau et al. (2015). It holds [..., n, m, units] numbers. */
export class AdditiveScore extends Module {
  readonly query: Linear;
  readonly key: Linear;
  /** [1, units] */
  readonly energy: Linear;

  constructor(queryFeatures: number, keyFeatures = queryFeatures, units = queryFeatures, init: InitOptions = {}) {
    super();
    expectOptions("AdditiveScore", init, INIT_OPTIONS);
    this.query = new Linear(queryFeatures, units, { bias: false, ...init });
    this.key = new Linear(keyFeatures, units, { bias: false, ...init });
    this.energy = new Linear(units, 1, { bias: false, ...init });
  }

  forward(query: Tensor, keys: Tensor): Tensor {
    const pairs = add(unsqueeze(this.query.forward(query), -2), unsqueeze(this.key.forward(keys), -3));
    const scores = this.energy.forward(tanh(pairs));
    return reshape(scores, scores.shape.slice(0, -1));
  }
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
  readonly additive: AdditiveScore | null;

  constructor(options: AttentionLayerOptions = {}) {
    super();
    expectOptions("Attention", options, ATTENTION_OPTIONS);
    const { score = "scaledDot", queryFeatures, ...others } = options;
    const { keyFeatures = queryFeatures, units = queryFeatures, ...init } = others;
    this.score = score;
    this.weight = null;
    this.additive = null;
    if (score !== "bilinear" && score !== "additive") {
      if (score !== "dot" && score !== "scaledDot" && !isScoreFunction(score)) throw unknownScore(score);
      return;
    }
    if (!queryFeatures || !keyFeatures || !units) {
      throw new ValueError({
        op: "Attention",
        argument: "queryFeatures",
        expected: `the number of query features, which ${score === "bilinear" ? "a bilinear" : "an additive"} score needs`,
        received: String(queryFeatures),
      });
    }
    if (score === "additive") this.additive = new AdditiveScore(queryFeatures, keyFeatures, units, init);
    else {
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
    for (const [argument, value] of Object.entries({ query, keys, values })) expectTensor("Attention", argument, value);
    const weights = maskedSoftmax(this.#scores(query, keys), mask);
    return { context: matmul(weights, values), weights };
  }

  #scores(query: Tensor, keys: Tensor): Tensor {
    const { score } = this;
    const own = this.additive ?? (typeof score === "string" ? null : score);
    if (own) {
      const scores = applyScore(own, query, keys);
      const expected = [query.shape[query.rank - 2]!, keys.shape[keys.rank - 2]!];
      expectSameShape("Attention", "last axes of the scores", expected, scores.shape.slice(-2));
      return scores;
    }
    const products = matmul(this.weight ? matmul(query, this.weight) : query, transpose(keys));
    return score === "scaledDot" ? mul(products, 1 / Math.sqrt(query.shape[query.rank - 1]!)) : products;
  }
}

function applyScore(score: ScoreFunction, query: Tensor, keys: Tensor): Tensor {
  return score instanceof Module ? score.forward(query, keys) : score(query, keys);
}

function isScoreFunction(score: unknown): score is ScoreFunction {
  return typeof score === "function" || score instanceof Module;
}

function unknownScore(score: unknown): ValueError {
  return badValue("Attention", "score", "dot, scaledDot, bilinear, additive or a function of queries and keys", score);
}

export interface TapAttentionOptions extends InitOptions {
  /** Features of queries; needed unless there is a score. */
  readonly queryFeatures?: number;
  /** Features of keys; default those of queries. */
  readonly keyFeatures?: number;
  /** g: queries and keys [..., time, d] → [..., time, taps]. Default a linear map of [q_t; k_t]. */
  readonly score?: ScoreFunction;
}

const TAP_ATTENTION: OptionKinds<TapAttentionOptions> = {
  ...INIT_OPTIONS,
  score: "any",
  queryFeatures: "size",
  keyFeatures: "size",
};

/** A linear map of query and key side by side, W[q_t; k_t] + b. */
class TapScore extends Module {
  readonly linear: Linear;

  constructor(features: number, taps: number, init: InitOptions) {
    super();
    this.linear = new Linear(features, taps, init);
  }

  forward(query: Tensor, keys: Tensor): Tensor {
    return this.linear.forward(concat([query, keys], query.rank - 1));
  }
}

/**
 * A tapped delay line whose coefficients are attended to: a_t = softmax(g(q_t, k_t)) over the taps,
 * ẑ_t = Σ_{i<taps} aᵢ(t) y_{t−i} (Jiang §8.2.8). Taps that reach before the first step have weight 0, and the others share
 * it.
 * @example
 * const layer = new TapAttention(5, { queryFeatures: 16 });
 * const { context, weights } = layer.forward(q, k, y);    // [8, 11, 16] each → [8, 11, 16] and [8, 11, 5]
 */
export class TapAttention extends Module {
  readonly score: ScoreFunction;

  constructor(
    readonly taps: number,
    options: TapAttentionOptions = {},
  ) {
    super();
    expectSize("TapAttention", "taps", taps);
    expectOptions("TapAttention", options, TAP_ATTENTION);
    const { queryFeatures, keyFeatures = queryFeatures, score, ...init } = options;
    if (score !== undefined) {
      if (!isScoreFunction(score)) throw badValue("TapAttention", "score", "a function of queries and keys", score);
      this.score = score;
    } else if (queryFeatures && keyFeatures) this.score = new TapScore(queryFeatures + keyFeatures, taps, init);
    else {
      throw new ValueError({
        op: "TapAttention",
        argument: "queryFeatures",
        expected: "the number of query features, or a score",
        received: String(queryFeatures),
      });
    }
  }

  /**
   * @param query [..., time, d]
   * @param keys [..., time, k]
   * @param values y [..., time, v]
   * @param mask bool, broadcast to [..., time, taps]; true where tap i may be read at step t
   * @returns context [..., time, v] and weights [..., time, taps]
   */
  forward(query: Tensor, keys: Tensor, values: Tensor, mask?: Tensor): AttentionResult {
    const { taps } = this;
    for (const [argument, value] of Object.entries({ query, keys, values })) {
      expectTensor("TapAttention", argument, value);
    }
    if (values.rank < 2) {
      throw new ShapeError({
        op: "TapAttention",
        argument: "values",
        expected: "[..., time, features]",
        received: formatShape(values.shape),
      });
    }
    const axis = values.rank - 2;
    const time = values.shape[axis]!;
    const scores = applyScore(this.score, query, keys);
    expectSameShape("TapAttention", "scores", [...values.shape.slice(0, -2), time, taps], scores.shape);
    const [steps, taken] = [time, taps].map((n) => arange(0, n, 1, { device: values.device })) as [Tensor, Tensor];
    const begun = greaterEqual(unsqueeze(steps, 1), taken);
    const weights = maskedSoftmax(scores, mask ? logicalAnd(mask, begun) : begun);
    const widths = values.shape.map((_, i) => (i === axis ? { before: taps - 1, after: 0 } : {}));
    // [..., time, taps, v], the newest value last
    const past = windows(pad(values, widths), axis, { size: taps });
    const context = matmul(unsqueeze(flip(weights, -1), -2), past);
    return { context: reshape(context, values.shape), weights };
  }
}
