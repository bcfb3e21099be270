/** Transformer encoders and a decoder-only language model over tokens (Vaswani et al. 2017; Jiang §8.3.4). */
import { cast, div, maximum, mean, mul, notEqual, slice, sum, type Tensor, unsqueeze } from "@neurite/core";
import { expectInteger, type OptionKinds, pickOptions } from "@neurite/core/expect";
import {
  type AttentionPast,
  causalMask,
  type EncoderMasks,
  initialize,
  initOptions,
  initXavierUniform,
  Linear,
  Module,
  TRANSFORMER_STACK_OPTIONS,
  TransformerEncoder,
  type TransformerStackOptions,
} from "@neurite/layers";
import type { EncoderDecoder } from "./search/decoder.js";
import { type GenerateOptions, generate } from "./search/sample.js";
import {
  EMBEDDING_OPTIONS,
  expectModelOptions,
  expectTokens,
  PositionedEmbedding,
  type PositionedEmbeddingOptions,
  tiedLinear,
} from "./tokens.js";

export interface TokenTransformerOptions extends TransformerStackOptions, PositionedEmbeddingOptions {
  /** Size of the vocabulary. */
  readonly tokens: number;
  /** Default 512. */
  readonly features?: number;
  /** Default 8. */
  readonly heads?: number;
  /** Default 0.1. */
  readonly dropout?: number;
}

export interface PaddedTransformerOptions extends TokenTransformerOptions {
  /** The token that is not attended to; null: none. Default 0. */
  readonly padding?: number | null;
}

const TOKENS: OptionKinds<TokenTransformerOptions> = {
  ...TRANSFORMER_STACK_OPTIONS,
  ...EMBEDDING_OPTIONS,
  tokens: "size",
  features: "size",
  heads: "size",
};
const PADDED: OptionKinds<PaddedTransformerOptions> = { ...TOKENS, padding: "any" };

/** Embedding, positions and encoder layers. */
class TokenTransformer extends Module {
  readonly embedding: PositionedEmbedding;
  readonly encoder: TransformerEncoder;

  constructor(options: TokenTransformerOptions) {
    super();
    const { tokens, features = 512, heads = 8 } = options;
    const embedding = pickOptions<PositionedEmbeddingOptions>(options, EMBEDDING_OPTIONS);
    this.embedding = new PositionedEmbedding(tokens, features, embedding);
    const stack = pickOptions<TransformerStackOptions>(options, TRANSFORMER_STACK_OPTIONS);
    this.encoder = new TransformerEncoder(features, heads, stack);
    initialize(this.encoder, initXavierUniform, initOptions(options));
  }

  /** int32 [n, time] → [n, time, features] */
  forward(tokens: Tensor, masks: EncoderMasks = {}): Tensor {
    return this.encoder.forward(this.embedding.forward(tokens), masks);
  }
}

/**
 * Classes for every token, each seeing the whole sequence: named entities, parts of speech.
 * @example
 * new TransformerTagger({ tokens: 8000, features: 128, heads: 4, layers: 2 }, 17).forward(tokens);  // [32, 40] → [32, 40, 17]
 */
export class TransformerTagger extends Module {
  readonly transformer: TokenTransformer;
  readonly output: Linear;
  readonly padding: number | null;

  constructor(given: PaddedTransformerOptions, classes: number) {
    super();
    expectModelOptions("TransformerTagger", given, PADDED);
    const { padding = 0, ...options } = given;
    if (padding !== null) expectInteger("TransformerTagger", "padding", padding);
    this.transformer = new TokenTransformer(options);
    this.output = new Linear(options.features ?? 512, classes, initOptions(options));
    this.padding = padding;
  }

  /**
   * @param tokens int32 [n, time]
   * @returns logits [n, time, classes]; those at padding mean nothing
   */
  forward(tokens: Tensor): Tensor {
    const keyMask = realTokens(tokens, this.padding);
    return this.output.forward(this.transformer.forward(tokens, keyMask ? { keyMask } : {}));
  }
}

/**
 * One class for a sequence, from the mean of its tokens' features.
 * @example
 * new TransformerClassifier({ tokens: 8000, features: 128, heads: 4, layers: 2 }, 2).forward(tokens);   // [32, 40] → [32, 2]
 */
export class TransformerClassifier extends Module {
  readonly transformer: TokenTransformer;
  readonly output: Linear;
  readonly padding: number | null;

  constructor(given: PaddedTransformerOptions, classes: number) {
    super();
    expectModelOptions("TransformerClassifier", given, PADDED);
    const { padding = 0, ...options } = given;
    if (padding !== null) expectInteger("TransformerClassifier", "padding", padding);
    this.transformer = new TokenTransformer(options);
    this.output = new Linear(options.features ?? 512, classes, initOptions(options));
    this.padding = padding;
  }

  /**
   * @param tokens int32 [n, time]
   * @returns logits [n, classes]
   */
  forward(tokens: Tensor): Tensor {
    const keyMask = realTokens(tokens, this.padding);
    const features = this.transformer.forward(tokens, keyMask ? { keyMask } : {});
    return this.output.forward(keyMask ? meanOf(features, keyMask) : mean(features, { axis: 1 }));
  }
}

/** bool [n, time], true at tokens that are not padding. */
function realTokens(tokens: Tensor, padding: number | null): Tensor | undefined {
  return padding === null ? undefined : notEqual(tokens, padding);
}

/** Mean over the steps that count; of none 0. */
function meanOf(features: Tensor, mask: Tensor): Tensor {
  const weights = cast(mask, features.dtype);
  const total = sum(mul(features, unsqueeze(weights, 2)), { axis: 1 });
  return div(total, maximum(sum(weights, { axis: 1, keepDims: true }), 1));
}

export interface TransformerLanguageModelOptions extends TokenTransformerOptions {
  /** The output layer has the embedding's matrix for its weight. Default true. */
  readonly tieWeights?: boolean;
}

const LANGUAGE_MODEL: OptionKinds<TransformerLanguageModelOptions> = { ...TOKENS, tieWeights: "boolean" };

/** Keys and values of the tokens so far, layer by layer. */
export type TransformerLanguageModelState = {
  readonly pasts: readonly AttentionPast[];
  /** Features of the newest token, [n, features]; zeros before the first. */
  readonly h: Tensor;
};

/**
 * A decoder-only language model: every token sees itself and those before it.
 * @example
 * const model = new TransformerLanguageModel({ tokens: 64, features: 96, heads: 4, layers: 3, normFirst: true });
 * const logits = model.forward(tokens);                       // int32 [32, 50] → [32, 50, 64]
 * const [text] = await model.eval().generate(prompt, { steps: 200, topK: 10 });
 */
export class TransformerLanguageModel
  extends Module
  implements EncoderDecoder<TransformerLanguageModelState, TransformerLanguageModelState>
{
  readonly transformer: TokenTransformer;
  readonly output: Linear;

  constructor(given: TransformerLanguageModelOptions) {
    super();
    expectModelOptions("TransformerLanguageModel", given, LANGUAGE_MODEL);
    const { tieWeights = true, ...options } = given;
    const { tokens, features = 512 } = options;
    this.transformer = new TokenTransformer(options);
    const init = { bias: false, ...initOptions(options) };
    this.output = tieWeights
      ? tiedLinear(this.transformer.embedding.embedding, init)
      : new Linear(features, tokens, init);
  }

  /**
   * @param tokens int32 [n, time]
   * @returns logits of the token after each, [n, time, tokens]
   */
  forward(tokens: Tensor): Tensor {
    expectTokens("TransformerLanguageModel", "tokens", tokens);
    const mask = causalMask(tokens.shape[1]!, { device: tokens.device });
    return this.output.forward(this.transformer.forward(tokens, { mask }));
  }

  /** The state before the last token of a prompt int32 [n, time]. */
  encode(prompt: Tensor): TransformerLanguageModelState {
    expectTokens("TransformerLanguageModel", "prompt", prompt);
    const [n, time] = prompt.shape as readonly number[] as [number, number];
    const { weight } = this.transformer.embedding.embedding;
    const pasts = this.transformer.encoder.emptyPasts(n, weight);
    const none = { pasts, h: slice(weight, [0]).mul(0).expand([n, weight.shape[1]!]) };
    return time === 1 ? none : this.#extend(slice(prompt, [null, [0, time - 1]]), none);
  }

  start(state: TransformerLanguageModelState): TransformerLanguageModelState {
    return state;
  }

  step(tokens: Tensor, state: TransformerLanguageModelState): TransformerLanguageModelState {
    return this.#extend(unsqueeze(tokens, 1), state);
  }

  #extend(tokens: Tensor, { pasts }: TransformerLanguageModelState): TransformerLanguageModelState {
    const { embedding, encoder } = this.transformer;
    const extended = encoder.extend(embedding.forward(tokens, pasts[0]!.keys.shape[2]!), pasts);
    return { pasts: extended.pasts, h: slice(extended.y, [null, -1]) };
  }

  /** Scores of the next token, [n, tokens]. */
  logits({ h }: TransformerLanguageModelState): Tensor {
    return this.output.forward(h);
  }

  /**
   * Continues prompts int32 [n, time] by drawing tokens; each new token costs one position.
   * @returns the new tokens of each row
   */
  generate(prompt: Tensor, options: GenerateOptions): Promise<number[][]> {
    return generate(this, prompt, options);
  }
}
