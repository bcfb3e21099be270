/** Multi-head attention (Vaswani et al. 2017; Jiang §8.3.4), with PyTorch's parameters. Read next: `transformer.ts`. */
import {
  arange,
  attention,
  composite,
  concat,
  type Device,
  dropout,
  expectSameShape,
  expectTensor,
  formatShape,
  greaterEqual,
  isTensor,
  linear,
  logicalAnd,
  maskedSoftmax,
  matmul,
  mul,
  Parameter,
  permute,
  reshape,
  ShapeError,
  slice,
  split,
  type Tensor,
  transpose,
  unsqueeze,
  ValueError,
  zeros,
} from "@neurite/core";
import { expectInteger, expectOptions, expectSize, type OptionKinds } from "@neurite/core/expect";
import { expectProbability } from "./dropout.js";
import { INIT_OPTIONS } from "./init-options.js";
import { type InitOptions, initConstant, initUniform } from "./initializers.js";
import { Linear } from "./linear.js";
import { Module } from "./module.js";

export interface MultiHeadAttentionOptions extends InitOptions {
  /** Dropout of the attention weights while training. Default 0. */
  readonly dropout?: number;
  /** Default true. */
  readonly bias?: boolean;
}

const OPTIONS: OptionKinds<MultiHeadAttentionOptions> = { ...INIT_OPTIONS, dropout: "number", bias: "boolean" };

export interface AttentionMasks {
  /** bool [n, m], [batch, n, m] or [batch, heads, n, m]; true where query i may attend to key j. */
  readonly mask?: Tensor | undefined;
  /** bool [batch, m]; true at keys that may be attended to, false at padding. */
  readonly keyMask?: Tensor | undefined;
}

const MASKS: OptionKinds<AttentionMasks> = { mask: "tensor", keyMask: "tensor" };

/** What later positions need of earlier ones, [batch, heads, positions, features / heads] each. */
export interface AttentionPast {
  readonly keys: Tensor;
  readonly values: Tensor;
}

/**
 * `heads` scaled dot-product attentions side by side, each on its own share of the features, joined and projected. A query
 * that may attend to nothing gets the output projection of zeros.
 *
 * Parameters are PyTorch's: `inProjWeight` [3·features, features] is its `in_proj_weight` (query, key, value), which starts
 * Xavier-uniform with zero biases; masks are the other way round: true means "may attend".
 * @example
 * const layer = new MultiHeadAttention(64, 8);
 * layer.forward(x);                                        // self-attention, [2, 11, 64] → [2, 11, 64]
 * layer.forward(x, x, x, { mask: causalMask(11) });
 * layer.forward(query, memory, memory, { keyMask });
 */
export class MultiHeadAttention extends Module {
  /** [3·features, features] */
  readonly inProjWeight: Parameter;
  /** [3·features] */
  readonly inProjBias: Parameter | null;
  readonly outProj: Linear;
  readonly dropout: number;
  readonly #generator: InitOptions["generator"];

  constructor(
    readonly features: number,
    readonly heads: number,
    options: MultiHeadAttentionOptions = {},
  ) {
    super();
    expectOptions("MultiHeadAttention", options, OPTIONS);
    const { dropout: p = 0, bias = true, ...init } = options;
    expectSize("MultiHeadAttention", "features", features);
    expectSize("MultiHeadAttention", "heads", heads);
    if (features % heads !== 0) {
      throw new ValueError({
        op: "MultiHeadAttention",
        argument: "heads",
        expected: `a divisor of ${features} features`,
        received: String(heads),
      });
    }
    expectProbability("MultiHeadAttention", p, "dropout");
    this.dropout = p;
    // Xavier: √(6/(fan in + fan out))
    const bound = Math.sqrt(6 / (4 * features));
    this.inProjWeight = new Parameter(initUniform([3 * features, features], bound, init), { layout: "3·out,in" });
    this.inProjBias = bias ? new Parameter(initConstant([3 * features], 0, init)) : null;
    this.outProj = new Linear(features, features, { bias, ...init });
    const zero = initConstant([features], 0, init);
    this.outProj.bias?.assign(zero);
    zero.dispose();
    this.#generator = init.generator;
  }

  /**
   * @param query [batch, n, features]
   * @param key [batch, m, features]; default the query
   * @param value [batch, m, features]; default the key
   * @returns [batch, n, features]
   */
  forward(query: Tensor, key: Tensor = query, value: Tensor = key, masks: AttentionMasks = {}): Tensor {
    this.#expect("query", query, query);
    this.#expect("key", key, query);
    this.#expect("value", value, query);
    const [q, k, v] = this.#project(query, key, value).map((x) => this.#cut(x)) as [Tensor, Tensor, Tensor];
    const mask = joinedMask(masks, query, key);
    const context = this.training && this.dropout > 0 ? this.#dropped(q, k, v, mask) : attend(q, k, v, mask);
    return this.#join(context, query);
  }

  /**
   * How much each query takes of each key, as {@link forward} weighs the values, dropout aside: for looking at.
   * @param query [batch, n, features]
   * @param key [batch, m, features]; default the query
   * @returns [batch, heads, n, m], whose rows sum to 1, or to 0 where all is masked
   */
  weights(query: Tensor, key: Tensor = query, masks: AttentionMasks = {}): Tensor {
    this.#expect("query", query, query);
    this.#expect("key", key, query);
    const [q, k] = this.#project(query, key, key).map((x) => this.#cut(x)) as [Tensor, Tensor, Tensor];
    return maskedSoftmax(this.#scores(q, k), joinedMask(masks, query, key));
  }

  /** The past of `n` rows like `x` that begin. */
  emptyPast(n: number, { dtype, device }: Tensor): AttentionPast {
    const none = zeros([n, this.heads, 0, this.features / this.heads], { dtype, device });
    return { keys: none, values: none };
  }

  /**
   * Causal self-attention of positions that follow others, whose keys and values are not computed again; without dropout.
   * @param x [batch, n, features]: each position sees the past and those of x up to itself
   * @returns y [batch, n, features] and the past of what comes next
   */
  extend(x: Tensor, past: AttentionPast): { readonly y: Tensor; readonly past: AttentionPast } {
    this.#expect("x", x, x);
    const [q, k, v] = this.#project(x, x, x).map((part) => this.#cut(part)) as [Tensor, Tensor, Tensor];
    const [keys, values] = [concat([past.keys, k], 2), concat([past.values, v], 2)];
    const [n, m] = [x.shape[1]!, keys.shape[2]!];
    const mask = n === 1 ? undefined : slice(causalMask(m, { device: x.device }), [[m - n, m]]);
    return { y: this.#join(attend(q, keys, values, mask), x), past: { keys, values } };
  }

  /** [batch, heads, length, features of a head] → [batch, length, features], projected. */
  #join(context: Tensor, { shape }: Tensor): Tensor {
    return this.outProj.forward(reshape(permute(context, [0, 2, 1, 3]), shape));
  }

  #expect(argument: string, x: Tensor, query: Tensor): void {
    expectTensor("MultiHeadAttention", argument, x);
    if (x.rank === 3 && x.shape[0] === query.shape[0] && x.shape[2] === this.features) return;
    throw new ShapeError({
      op: "MultiHeadAttention",
      argument,
      expected: `[${x === query ? "batch" : query.shape[0]}, length, ${this.features}]`,
      received: formatShape(x.shape),
    });
  }

  /** Queries, keys and values; in one product where they come from one input. */
  #project(query: Tensor, key: Tensor, value: Tensor): Tensor[] {
    const { inProjWeight: weight, inProjBias: bias } = this;
    if (query === key && key === value) return split(linear(query, weight, bias ?? undefined), 3, 2);
    const weights = split(weight, 3, 0);
    const biases = bias ? split(bias, 3, 0) : [];
    return [query, key, value].map((x, i) => linear(x, weights[i]!, biases[i]));
  }

  /** [batch, length, features] → [batch, heads, length, features of a head]. */
  #cut(x: Tensor): Tensor {
    const [batch, length] = x.shape as readonly number[] as [number, number];
    return permute(reshape(x, [batch, length, this.heads, this.features / this.heads]), [0, 2, 1, 3]);
  }

  /** Attention whose weights are dropped, which the fused op cannot do. */
  #dropped(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | undefined): Tensor {
    return matmul(dropout(maskedSoftmax(this.#scores(q, k), mask), this.dropout, this.#generator), v);
  }

  #scores(q: Tensor, k: Tensor): Tensor {
    return mul(matmul(q, transpose(k)), 1 / Math.sqrt(this.features / this.heads));
  }
}

function attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | undefined): Tensor {
  return attention(q, k, v, mask ? { mask } : {});
}

/** Both masks as one that broadcasts to [batch, heads, n, m]. */
function joinedMask(masks: AttentionMasks, query: Tensor, key: Tensor): Tensor | undefined {
  if (isTensor(masks)) {
    throw new ValueError({
      op: "MultiHeadAttention",
      argument: "masks",
      expected: "{ mask, keyMask }",
      received: "a tensor",
      remedy: "Say which of them it is: { mask } pairs queries and keys, { keyMask } marks padding.",
    });
  }
  expectOptions("MultiHeadAttention", masks, MASKS);
  const { mask, keyMask } = masks;
  if (mask && (mask.rank < 2 || mask.rank > 4)) {
    throw new ShapeError({
      op: "MultiHeadAttention",
      argument: "mask",
      expected: "[n, m], [batch, n, m] or [batch, heads, n, m]",
      received: formatShape(mask.shape),
    });
  }
  const pairs = mask?.rank === 3 ? unsqueeze(mask, 1) : mask;
  if (!keyMask) return pairs;
  const [batch, m] = [query.shape[0]!, key.shape[1]!];
  expectSameShape("MultiHeadAttention", "keyMask", [batch, m], keyMask.shape);
  const keys = reshape(keyMask, [batch, 1, 1, m]);
  return pairs ? logicalAnd(pairs, keys) : keys;
}

export interface CausalMaskOptions {
  /** Default: the default device. */
  readonly device?: Device;
}

const CAUSAL_MASK: OptionKinds<CausalMaskOptions> = { device: "device" };

/** bool [length, length], true where position i may see position j ≤ i. */
export function causalMask(length: number, options: CausalMaskOptions = {}): Tensor {
  expectInteger("causalMask", "length", length, 0);
  expectOptions("causalMask", options, CAUSAL_MASK);
  return composite("causalMask", () => {
    const positions = arange(0, length, 1, options);
    return greaterEqual(unsqueeze(positions, 1), positions);
  });
}
