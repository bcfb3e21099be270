/** Layers of the transformer (Vaswani et al. 2017; Jiang §8.3.4), with PyTorch's structure and names. */
import { add, gelu, type Tensor } from "@neurite/core";
import { expectOptions, type OptionKinds } from "@neurite/core/expect";
import { Dropout } from "./dropout.js";
import { INIT_OPTIONS, initOptions } from "./init-options.js";
import type { InitOptions } from "./initializers.js";
import { Linear } from "./linear.js";
import { Module } from "./module.js";
import { type AttentionPast, MultiHeadAttention } from "./multi-head-attention.js";
import { LayerNorm } from "./normalization.js";

export interface TransformerLayerOptions extends InitOptions {
  /** Width of the layer between the two of the feed-forward part. Default 2048. */
  readonly feedForward?: number;
  /** Default 0.1. */
  readonly dropout?: number;
  /** Default `relu`. */
  readonly activation?: "relu" | "gelu";
  /** Normalises the input of each part instead of the sum after it. Default false. */
  readonly normFirst?: boolean;
  /** Default 1e-5. */
  readonly eps?: number;
}

/** What these options may be. */
export const TRANSFORMER_LAYER_OPTIONS: OptionKinds<TransformerLayerOptions> = {
  ...INIT_OPTIONS,
  feedForward: "size",
  dropout: "number",
  activation: ["relu", "gelu"],
  normFirst: "boolean",
  eps: "number",
};

/** The part that both layers share: a residual of two linear layers, position by position. */
abstract class TransformerLayer extends Module {
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly activation: "relu" | "gelu";
  readonly normFirst: boolean;

  constructor(features: number, options: TransformerLayerOptions) {
    super();
    expectOptions("TransformerLayer", options, TRANSFORMER_LAYER_OPTIONS);
    const { feedForward = 2048, dropout = 0.1, activation = "relu", normFirst = false } = options;
    const init = initOptions(options);
    this.linear1 = new Linear(features, feedForward, {
      ...init,
      activation: activation === "relu" ? "relu" : undefined,
    });
    this.dropout = new Dropout(dropout, initOptions(options));
    this.linear2 = new Linear(feedForward, features, init);
    this.activation = activation;
    this.normFirst = normFirst;
  }

  /** linear2(dropout(activation(linear1(x)))). */
  protected feed(x: Tensor): Tensor {
    const hidden = this.linear1.forward(x);
    return this.linear2.forward(this.dropout.forward(this.activation === "gelu" ? gelu(hidden) : hidden));
  }

  /** x + dropped(part(norm(x))), or norm(x + dropped(part(x))). */
  protected residual(x: Tensor, norm: LayerNorm, dropped: Dropout, part: (x: Tensor) => Tensor): Tensor {
    if (this.normFirst) return add(x, dropped.forward(part(norm.forward(x))));
    return norm.forward(add(x, dropped.forward(part(x))));
  }

  /** The residual of self-attention with a past. */
  protected extended(
    attention: MultiHeadAttention,
    x: Tensor,
    past: AttentionPast,
    norm: LayerNorm,
    dropped: Dropout,
  ): { readonly y: Tensor; readonly past: AttentionPast } {
    let next = past;
    const y = this.residual(x, norm, dropped, (value) => {
      const extended = attention.extend(value, past);
      next = extended.past;
      return extended.y;
    });
    return { y, past: next };
  }
}

export interface EncoderMasks {
  /** bool [time, time], [n, time, time] or [n, heads, time, time]; true where position i may attend to position j. */
  readonly mask?: Tensor;
  /** bool [n, time], true at real positions. */
  readonly keyMask?: Tensor;
}

/**
 * Self-attention and a feed-forward net, each in a residual with layer normalisation: [n, time, features] → the same.
 * @example
 * const layer = new TransformerEncoderLayer(64, 8, { feedForward: 256, activation: "gelu", normFirst: true });
 * layer.forward(x, { keyMask: notEqual(tokens, padding) });
 */
export class TransformerEncoderLayer extends TransformerLayer {
  readonly selfAttn: MultiHeadAttention;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;

  constructor(
    readonly features: number,
    readonly heads: number,
    options: TransformerLayerOptions = {},
  ) {
    super(features, options);
    const { dropout = 0.1, eps = 1e-5 } = options;
    const init = initOptions(options);
    this.selfAttn = new MultiHeadAttention(features, heads, { dropout, ...init });
    this.norm1 = new LayerNorm(features, { eps, ...initOptions(options) });
    this.norm2 = new LayerNorm(features, { eps, ...initOptions(options) });
    this.dropout1 = new Dropout(dropout, initOptions(options));
    this.dropout2 = new Dropout(dropout, initOptions(options));
  }

  forward(x: Tensor, masks: EncoderMasks = {}): Tensor {
    const attended = this.residual(x, this.norm1, this.dropout1, (y) => this.selfAttn.forward(y, y, y, masks));
    return this.residual(attended, this.norm2, this.dropout2, (y) => this.feed(y));
  }

  /** Causal continuation of positions seen before; see {@link MultiHeadAttention.extend}. */
  extend(x: Tensor, past: AttentionPast): { readonly y: Tensor; readonly past: AttentionPast } {
    const extended = this.extended(this.selfAttn, x, past, this.norm1, this.dropout1);
    return { y: this.residual(extended.y, this.norm2, this.dropout2, (y) => this.feed(y)), past: extended.past };
  }
}

export interface DecoderMasks extends EncoderMasks {
  /** bool [time, source], [n, time, source] or [n, heads, time, source], for attention to the memory. */
  readonly memoryMask?: Tensor;
  /** bool [n, source], true at real positions of the memory. */
  readonly memoryKeyMask?: Tensor;
}

const DECODER_MASKS: OptionKinds<DecoderMasks> = {
  mask: "tensor",
  keyMask: "tensor",
  memoryMask: "tensor",
  memoryKeyMask: "tensor",
};

/**
 * Self-attention (give it a {@link causalMask}), attention to the encoder's output, and a feed-forward net.
 * @example
 * layer.forward(x, memory, { mask: causalMask(x.shape[1]), memoryKeyMask });   // [n, time, features]
 */
export class TransformerDecoderLayer extends TransformerLayer {
  readonly selfAttn: MultiHeadAttention;
  readonly multiheadAttn: MultiHeadAttention;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly norm3: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly dropout3: Dropout;

  constructor(
    readonly features: number,
    readonly heads: number,
    options: TransformerLayerOptions = {},
  ) {
    super(features, options);
    const { dropout = 0.1, eps = 1e-5 } = options;
    const init = initOptions(options);
    this.selfAttn = new MultiHeadAttention(features, heads, { dropout, ...init });
    this.multiheadAttn = new MultiHeadAttention(features, heads, { dropout, ...init });
    this.norm1 = new LayerNorm(features, { eps, ...initOptions(options) });
    this.norm2 = new LayerNorm(features, { eps, ...initOptions(options) });
    this.norm3 = new LayerNorm(features, { eps, ...initOptions(options) });
    this.dropout1 = new Dropout(dropout, initOptions(options));
    this.dropout2 = new Dropout(dropout, initOptions(options));
    this.dropout3 = new Dropout(dropout, initOptions(options));
  }

  /**
   * @param x [n, time, features]
   * @param memory [n, source, features]
   */
  forward(x: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor {
    expectOptions("TransformerDecoderLayer", masks, DECODER_MASKS);
    const { memoryMask, memoryKeyMask, ...own } = masks;
    const across = { mask: memoryMask, keyMask: memoryKeyMask };
    const first = this.residual(x, this.norm1, this.dropout1, (y) => this.selfAttn.forward(y, y, y, own));
    const second = this.residual(first, this.norm2, this.dropout2, (y) =>
      this.multiheadAttn.forward(y, memory, memory, across),
    );
    return this.residual(second, this.norm3, this.dropout3, (y) => this.feed(y));
  }

  /**
   * Causal continuation of positions seen before; see {@link MultiHeadAttention.extend}.
   * @param x [n, time, features]
   * @param memory [n, source, features]
   */
  extend(
    x: Tensor,
    memory: Tensor,
    past: AttentionPast,
    masks: DecoderMasks = {},
  ): { readonly y: Tensor; readonly past: AttentionPast } {
    expectOptions("TransformerDecoderLayer", masks, DECODER_MASKS);
    const { memoryMask, memoryKeyMask } = masks;
    const extended = this.extended(this.selfAttn, x, past, this.norm1, this.dropout1);
    const across = { mask: memoryMask, keyMask: memoryKeyMask };
    const second = this.residual(extended.y, this.norm2, this.dropout2, (y) =>
      this.multiheadAttn.forward(y, memory, memory, across),
    );
    return { y: this.residual(second, this.norm3, this.dropout3, (y) => this.feed(y)), past: extended.past };
  }
}
