/**
 * Attention and transformer as the book writes them (Jiang §8.2.8, §8.3.4): matrices whose columns are time steps. Standard
 * attention, in rows, is in `attention.ts` and `multi-head-attention.ts`.
 */
import {
  add,
  attention,
  expectTensor,
  formatShape,
  matmul,
  Parameter,
  relu,
  reshape,
  ShapeError,
  type Tensor,
  transpose,
  unsqueeze,
  ValueError,
} from "@neurite/core";
import { expectOptions, expectSize, type OptionKinds } from "@neurite/core/expect";
import {
  ATTENTION_OPTIONS,
  Attention,
  type AttentionLayerOptions,
  type AttentionResult,
  type ScoreFunction,
} from "./attention.js";
import { INIT_OPTIONS, initOptions } from "./init-options.js";
import { type InitOptions, initUniform } from "./initializers.js";
import { Linear } from "./linear.js";
import { Module } from "./module.js";
import { LayerNorm } from "./normalization.js";

/**
 * Ẑ = V softmax(g(Q, K)): columns are time steps, and the softmax runs down each column. Entry [i, j] of g(Q, K) says how
 * much of vᵢ goes into ẑⱼ, so qᵢ meets kⱼ: it is standard attention with the roles of Q and K exchanged.
 * `queryFeatures` are those of Q. A score of your own gets Q and K as columns and returns [..., n, m].
 * @example
 * const { context } = new ColumnAttention().forward(v, q, k);           // [16, 11], [8, 11], [8, 11] → [16, 11]
 */
export class ColumnAttention extends Module {
  readonly score: AttentionLayerOptions["score"];
  readonly rows: Attention;

  /** Default score: `dot`, QᵀK. */
  constructor(given: AttentionLayerOptions = {}) {
    super();
    expectOptions("ColumnAttention", given, ATTENTION_OPTIONS);
    const { score = "dot", queryFeatures, keyFeatures = queryFeatures, ...options } = given;
    this.score = score;
    this.rows = new Attention({
      ...options,
      score: typeof score === "string" ? score : inColumns(score),
      ...(keyFeatures && { queryFeatures: keyFeatures }),
      ...(queryFeatures && { keyFeatures: queryFeatures }),
    });
  }

  /**
   * @param values V [..., v, n]
   * @param queries Q [..., d, n]
   * @param keys K [..., k, m]
   * @param mask bool, broadcast to [..., n, m]; true where vᵢ may go into ẑⱼ
   * @returns context Ẑ [..., v, m] and weights [..., n, m], whose columns sum to 1
   */
  forward(values: Tensor, queries: Tensor, keys: Tensor, mask?: Tensor): AttentionResult {
    const [q, k, v] = [queries, keys, values].map((x) => transpose(x)) as [Tensor, Tensor, Tensor];
    const { context, weights } = this.rows.forward(k, q, v, mask && transpose(mask));
    return { context: transpose(context), weights: transpose(weights) };
  }
}

/** A score of columns as one of rows, whose queries are the columns' keys. */
function inColumns(score: ScoreFunction): ScoreFunction {
  return (keys, queries) => {
    const [q, k] = [transpose(queries), transpose(keys)];
    return transpose(score instanceof Module ? score.forward(q, k) : score(q, k));
  };
}

export interface ColumnTransformerOptions extends InitOptions {
  /** l, the rows of A and B of each head. Default features / heads. */
  readonly keyFeatures?: number;
  /** o, the rows of C of each head; heads·o must equal the features. Default features / heads. */
  readonly valueFeatures?: number;
  /** Width of the feed-forward net's hidden layer. Default 4·features. */
  readonly feedForward?: number;
  /** Default 1e-5. */
  readonly eps?: number;
}

const TRANSFORMER: OptionKinds<ColumnTransformerOptions> = {
  ...INIT_OPTIONS,
  keyFeatures: "size",
  valueFeatures: "size",
  feedForward: "size",
  eps: "number",
};

/**
 * The book's transformer block: for each head Q = AX, K = BX, V = CX and Z = (CX) softmax((AX)ᵀ(BX)) by columns, unscaled and
 * without an output projection; the heads' Z are put below one another, and Y = feedforward(LN(X + Z)), where the
 * feed-forward net is Linear, ReLU, Linear on each column. Blocks of equal features can be stacked.
 * @example
 * new ColumnTransformerLayer(512, 8).forward(x);                      // [512, 20] or [4, 512, 20] → the same
 */
export class ColumnTransformerLayer extends Module {
  /** A of all heads, [heads, l, features] */
  readonly queryWeight: Parameter;
  /** B, [heads, l, features] */
  readonly keyWeight: Parameter;
  /** C, [heads, o, features] */
  readonly valueWeight: Parameter;
  readonly norm: LayerNorm;
  readonly linear1: Linear;
  readonly linear2: Linear;

  constructor(
    readonly features: number,
    readonly heads: number,
    options: ColumnTransformerOptions = {},
  ) {
    super();
    expectSize("ColumnTransformerLayer", "features", features);
    expectSize("ColumnTransformerLayer", "heads", heads);
    expectOptions("ColumnTransformerLayer", options, TRANSFORMER);
    const { keyFeatures = features / heads, valueFeatures = features / heads, feedForward = 4 * features } = options;
    const { eps = 1e-5 } = options;
    const init = initOptions(options);
    expectSize("ColumnTransformerLayer", "keyFeatures", keyFeatures);
    expectSize("ColumnTransformerLayer", "valueFeatures", valueFeatures);
    if (heads * valueFeatures !== features) {
      throw new ValueError({
        op: "ColumnTransformerLayer",
        argument: "valueFeatures",
        expected: `features / heads = ${features / heads}, so that X + Z makes sense`,
        received: String(valueFeatures),
      });
    }
    const make = (rows: number) => {
      const initial = initUniform([heads, rows, features], 1 / Math.sqrt(features), init);
      return new Parameter(initial, { layout: "head,out,in" });
    };
    this.queryWeight = make(keyFeatures);
    this.keyWeight = make(keyFeatures);
    this.valueWeight = make(valueFeatures);
    this.norm = new LayerNorm(features, { eps, ...initOptions(options) });
    this.linear1 = new Linear(features, feedForward, init);
    this.linear2 = new Linear(feedForward, features, init);
  }

  /**
   * @param x [features, time] or [n, features, time]
   * @param mask bool, broadcast to [n, heads, time, time]; entry [i, j] is true where column j may look at column i
   */
  forward(x: Tensor, mask?: Tensor): Tensor {
    expectTensor("ColumnTransformerLayer", "x", x);
    if (x.rank < 2 || x.rank > 3 || x.shape[x.rank - 2] !== this.features) {
      throw new ShapeError({
        op: "ColumnTransformerLayer",
        argument: "x",
        expected: `[${this.features}, time] or [n, ${this.features}, time]`,
        received: formatShape(x.shape),
        remedy: "Columns are time steps here; transpose sequences [n, time, features].",
      });
    }
    const rows = transpose(add(x, this.attend(x, mask)));
    const hidden = relu(this.linear1.forward(this.norm.forward(rows)));
    return transpose(this.linear2.forward(hidden));
  }

  /** Z of all heads, one below the other: x [..., features, time] → the same. */
  attend(x: Tensor, mask?: Tensor): Tensor {
    const shared = unsqueeze(x, -3);
    const [q, k, v] = [this.queryWeight, this.keyWeight, this.valueWeight].map((weight) =>
      transpose(matmul(weight, shared)),
    ) as [Tensor, Tensor, Tensor];
    // by rows, a column's key asks and the queries answer
    const z = attention(k, q, v, { scale: 1, ...(mask && { mask: transpose(mask) }) });
    return reshape(transpose(z), x.shape);
  }
}
