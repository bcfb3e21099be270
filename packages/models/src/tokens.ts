/** Tokens in and scores of tokens out, as all models of text have them. */
import { expectTensor, formatShape, mul, ShapeError, type Tensor } from "@neurite/core";
import { expectOptions, expectRecord, type OptionKind, type OptionKinds } from "@neurite/core/expect";
import {
  Dropout,
  Embedding,
  INIT_OPTIONS,
  type InitOptions,
  initialize,
  initNormal,
  initOptions,
  LearnedEncoding,
  Linear,
  Module,
  SinusoidalEncoding,
} from "@neurite/layers";

/** Throws unless `tokens` is int32 [n, time] with at least one step. */
export function expectTokens(op: string, argument: string, tokens: Tensor): void {
  expectTensor(op, argument, tokens);
  if (tokens.rank === 2 && tokens.dtype === "int32" && tokens.shape[1]! > 0) return;
  throw new ShapeError({
    op,
    argument,
    expected: "int32 [n, time] with at least one step",
    received: `${tokens.dtype} ${formatShape(tokens.shape)}`,
  });
}

/** Throws unless `options` are a model's, which cannot do without the number of tokens. */
export function expectModelOptions(op: string, options: unknown, kinds: Readonly<Record<string, OptionKind>>): void {
  expectRecord(op, "options", options, "an object with the number of tokens");
  expectOptions(op, options, kinds);
}

/** A linear layer to as many outputs as `embedding` has tokens, with the embedding's own weight (Press & Wolf 2017). */
export function tiedLinear(embedding: Embedding, { bias = true, ...init }: InitOptions & { bias?: boolean }): Linear {
  const linear = new Linear(embedding.features, embedding.count, { bias, ...init });
  linear.weight.dispose();
  return Object.assign(linear, { weight: embedding.weight });
}

export interface PositionedEmbeddingOptions extends InitOptions {
  /** Sinusoids (Vaswani et al. 2017), or vectors learned for positions below `length`. Default `sinusoidal`. */
  readonly positions?: "sinusoidal" | "learned";
  /** Most positions that learned ones know. Default 512. */
  readonly length?: number;
  /** Default 0.1. */
  readonly dropout?: number;
}

/** What these options may be. */
export const EMBEDDING_OPTIONS: OptionKinds<PositionedEmbeddingOptions> = {
  ...INIT_OPTIONS,
  positions: ["sinusoidal", "learned"],
  length: "size",
  dropout: "number",
};

/**
 * √features · embedding + position, then dropout: int32 [n, time] → [n, time, features]. The embedding starts normal with
 * deviation 1/√features, so that it can serve as output matrix, too.
 */
export class PositionedEmbedding extends Module {
  readonly embedding: Embedding;
  readonly positions: SinusoidalEncoding | LearnedEncoding;
  readonly dropout: Dropout;

  constructor(tokens: number, features: number, options: PositionedEmbeddingOptions = {}) {
    super();
    expectOptions("PositionedEmbedding", options, EMBEDDING_OPTIONS);
    const { positions = "sinusoidal", length = 512, dropout = 0.1 } = options;
    const init = initOptions(options);
    this.embedding = new Embedding(tokens, features, init);
    initialize(this.embedding.weight, (shape, given) => initNormal(shape, 1 / Math.sqrt(features), given), init);
    this.positions =
      positions === "learned" ? new LearnedEncoding(length, features, init) : new SinusoidalEncoding(features);
    this.dropout = new Dropout(dropout, init);
  }

  /** @param start position of the first step */
  forward(tokens: Tensor, start = 0): Tensor {
    expectTokens("PositionedEmbedding", "tokens", tokens);
    const embedded = mul(this.embedding.forward(tokens), Math.sqrt(this.embedding.features));
    return this.dropout.forward(this.positions.forward(embedded, start));
  }
}
