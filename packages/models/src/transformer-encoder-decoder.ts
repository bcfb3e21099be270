/** The transformer of Vaswani et al. (2017; Jiang §8.3.4, §8.6), from tokens to tokens. */
import { crossEntropy, notEqual, slice, type Tensor, unsqueeze, ValueError } from "@neurite/core";
import { type OptionKinds, pickOptions } from "@neurite/core/expect";
import {
  type AttentionPast,
  causalMask,
  initialize,
  initOptions,
  initXavierUniform,
  Linear,
  Module,
  TRANSFORMER_LAYER_OPTIONS,
  TransformerDecoder,
  TransformerEncoder,
  type TransformerLayerOptions,
} from "@neurite/layers";

import type { EncoderDecoder } from "./search/decoder.js";
import {
  EMBEDDING_OPTIONS,
  expectModelOptions,
  expectTokens,
  PositionedEmbedding,
  type PositionedEmbeddingOptions,
  tiedLinear,
} from "./tokens.js";

export interface TransformerEncoderDecoderOptions extends TransformerLayerOptions, PositionedEmbeddingOptions {
  readonly sourceTokens: number;
  readonly targetTokens: number;
  /** Default 512. */
  readonly features?: number;
  /** Default 8, of 64 features each. */
  readonly heads?: number;
  /** Default 6. */
  readonly encoderLayers?: number;
  /** Default 6. */
  readonly decoderLayers?: number;
  /** Number of the padding token in both languages. Default 0. */
  readonly padding?: number;
  /** Which matrices are one: that of the output and of the target's embedding, or those and the source's. Default `none`. */
  readonly tieWeights?: "none" | "output" | "all";
  /** Default 0.1. */
  readonly dropout?: number;
}

export interface TransformerMemory {
  /** [n, source, features] */
  readonly memory: Tensor;
  /** bool [n, source], true at real tokens */
  readonly mask: Tensor;
}

export interface TransformerState {
  /** Keys and values of the tokens so far, layer by layer. */
  readonly pasts: readonly AttentionPast[];
  /** Features of the newest token, [n, features]. */
  readonly h: Tensor;
}

const OPTIONS: OptionKinds<TransformerEncoderDecoderOptions> = {
  ...TRANSFORMER_LAYER_OPTIONS,
  ...EMBEDDING_OPTIONS,
  sourceTokens: "size",
  targetTokens: "size",
  features: "size",
  heads: "size",
  encoderLayers: "size",
  decoderLayers: "size",
  padding: "integer",
  tieWeights: ["none", "output", "all"],
};

/**
 * Encoder and decoder with embeddings, positions and an output layer without bias. The defaults are the paper's base model:
 * with `tieWeights: "all"` and its 37,000 tokens it has 63,082,496 parameters.
 * @example
 * const model = new TransformerEncoderDecoder({ sourceTokens: 8000, targetTokens: 8000, features: 128, heads: 4 });
 * const logits = model.forward(source, targetIn);             // [32, 20], [32, 24] → [32, 24, 8000]
 * const found = await beamSearch(model, model.encode(source), { start: 1, end: 2, maxLength: 30 });
 */
export class TransformerEncoderDecoder extends Module implements EncoderDecoder<TransformerMemory, TransformerState> {
  readonly padding: number;
  readonly sourceEmbedding: PositionedEmbedding;
  readonly targetEmbedding: PositionedEmbedding;
  readonly encoder: TransformerEncoder;
  readonly decoder: TransformerDecoder;
  readonly output: Linear;

  constructor(options: TransformerEncoderDecoderOptions) {
    super();
    expectModelOptions("TransformerEncoderDecoder", options, OPTIONS);
    const {
      sourceTokens,
      targetTokens,
      features = 512,
      heads = 8,
      encoderLayers = 6,
      decoderLayers = 6,
      padding = 0,
      tieWeights = "none",
      ...others
    } = options;
    const embedding = pickOptions<PositionedEmbeddingOptions>(others, EMBEDDING_OPTIONS);
    const layer = pickOptions<TransformerLayerOptions>(others, TRANSFORMER_LAYER_OPTIONS);
    if (tieWeights === "all" && sourceTokens !== targetTokens) {
      throw new ValueError({
        op: "TransformerEncoderDecoder",
        argument: "targetTokens",
        expected: `${sourceTokens}, as many as the source has, since the embeddings are one`,
        received: String(targetTokens),
      });
    }
    this.padding = padding;
    this.sourceEmbedding = new PositionedEmbedding(sourceTokens, features, embedding);
    this.targetEmbedding =
      tieWeights === "all" ? this.sourceEmbedding : new PositionedEmbedding(targetTokens, features, embedding);
    this.encoder = new TransformerEncoder(features, heads, { ...layer, layers: encoderLayers });
    this.decoder = new TransformerDecoder(features, heads, { ...layer, layers: decoderLayers });
    for (const stack of [this.encoder, this.decoder]) initialize(stack, initXavierUniform, initOptions(options));
    const init = { bias: false, ...initOptions(options) };
    this.output =
      tieWeights === "none"
        ? new Linear(features, targetTokens, init)
        : tiedLinear(this.targetEmbedding.embedding, init);
  }

  /** @param source int32 [n, source] */
  encode(source: Tensor): TransformerMemory {
    expectTokens("TransformerEncoderDecoder", "source", source);
    const mask = notEqual(source, this.padding);
    return { memory: this.encoder.forward(this.sourceEmbedding.forward(source), { keyMask: mask }), mask };
  }

  /**
   * Teacher forcing: scores for each position from the true tokens before it.
   * @param source int32 [n, source]
   * @param targetIn int32 [n, target], beginning with the start mark
   * @returns logits [n, target, target tokens]
   */
  forward(source: Tensor, targetIn: Tensor): Tensor {
    const { memory, mask } = this.encode(source);
    const embedded = this.targetEmbedding.forward(targetIn);
    const causal = causalMask(targetIn.shape[1]!, { device: targetIn.device });
    return this.output.forward(this.decoder.forward(embedded, memory, { mask: causal, memoryKeyMask: mask }));
  }

  /** Mean cross-entropy of the next tokens, padding not counted. */
  loss(source: Tensor, targetIn: Tensor, targetOut: Tensor): Tensor {
    return crossEntropy(this.forward(source, targetIn), targetOut, { ignoreIndex: this.padding });
  }

  start({ memory }: TransformerMemory): TransformerState {
    return { pasts: this.decoder.emptyPasts(memory.shape[0]!, memory), h: slice(memory, [null, 0]) };
  }

  step(tokens: Tensor, { pasts }: TransformerState, { memory, mask }: TransformerMemory): TransformerState {
    const embedded = this.targetEmbedding.forward(unsqueeze(tokens, 1), pasts[0]!.keys.shape[2]!);
    const extended = this.decoder.extend(embedded, memory, pasts, { memoryKeyMask: mask });
    return { pasts: extended.pasts, h: slice(extended.y, [null, 0]) };
  }

  logits({ h }: TransformerState): Tensor {
    return this.output.forward(h);
  }
}
