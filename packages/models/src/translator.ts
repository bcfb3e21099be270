/** Recurrent encoder–decoder with attention, for translation (Bahdanau et al. 2015; Luong et al. 2015, with input feeding). */
import {
  concat,
  crossEntropy,
  notEqual,
  reshape,
  slice,
  stack,
  type Tensor,
  unsqueeze,
  unstack,
  zeros,
} from "@neurite/core";
import type { OptionKinds } from "@neurite/core/expect";
import {
  Attention,
  Embedding,
  INIT_OPTIONS,
  type InitOptions,
  Linear,
  LSTM,
  LSTMCell,
  type LSTMState,
  Module,
} from "@neurite/layers";
import type { EncoderDecoder } from "./search/decoder.js";
import { greedySearch } from "./search/greedy.js";
import { expectModelOptions } from "./tokens.js";

export interface TranslatorOptions extends InitOptions {
  readonly sourceTokens: number;
  readonly targetTokens: number;
  /** Features of embeddings and of the decoder; the encoder has half of them in each direction. Even. Default 64. */
  readonly features?: number;
  /** Number of the padding token in both languages. Default 0. */
  readonly padding?: number;
}

/** What the encoder hands to the decoder. */
export interface Encoded {
  /** [n, source, features] */
  readonly memory: Tensor;
  /** bool [n, 1, source] */
  readonly mask: Tensor;
  /** The decoder's first state, [n, features] each. */
  readonly state: LSTMState;
}

/** State between two decoder steps. */
export interface DecoderState extends LSTMState {
  /** Context of the last step, fed to the next one: [n, features]. */
  readonly context: Tensor;
}

const OPTIONS: OptionKinds<TranslatorOptions> = {
  ...INIT_OPTIONS,
  sourceTokens: "size",
  targetTokens: "size",
  features: "size",
  padding: "integer",
};

/**
 * A bidirectional LSTM reads the source; an LSTM cell writes the target, looking back by bilinear attention.
 * @example
 * const model = new Translator({ sourceTokens: 34, targetTokens: 31 });
 * const logits = model.forward(source, targetIn);   // [64, 11], [64, 19] → [64, 19, 31]
 */
export class Translator extends Module {
  readonly padding: number;
  readonly features: number;
  readonly sourceEmbedding: Embedding;
  readonly targetEmbedding: Embedding;
  readonly encoder: LSTM;
  readonly decoder: LSTMCell;
  readonly attention: Attention;
  readonly output: Linear;

  constructor(options: TranslatorOptions) {
    super();
    expectModelOptions("Translator", options, OPTIONS);
    const { sourceTokens, targetTokens, features = 64, padding = 0, ...init } = options;
    this.padding = padding;
    this.features = features;
    this.sourceEmbedding = new Embedding(sourceTokens, features, init);
    this.targetEmbedding = new Embedding(targetTokens, features, init);
    this.encoder = new LSTM(features, features / 2, { bidirectional: true, ...init });
    this.decoder = new LSTMCell(2 * features, features, init);
    this.attention = new Attention({ score: "bilinear", queryFeatures: features, ...init });
    this.output = new Linear(2 * features, targetTokens, init);
  }

  /** @param source int32 [n, source], padded at the end */
  encode(source: Tensor): Encoded {
    const mask = notEqual(source, this.padding);
    const { output, state } = this.encoder.forward(this.sourceEmbedding.forward(source), { mask });
    // both directions' final states side by side
    const join = (x: Tensor) => concat([slice(x, [0]), slice(x, [1])], 1);
    return { memory: output, mask: unsqueeze(mask, 1), state: { h: join(state.h), c: join(state.c) } };
  }

  start({ memory, state }: Encoded): DecoderState {
    const context = zeros([memory.shape[0]!, this.features], { dtype: memory.dtype, device: memory.device });
    return { ...state, context };
  }

  /** One step: embedded target tokens [n, features] to the next state; {@link logits} reads it. */
  step(embedded: Tensor, { h, c, context }: DecoderState, { memory, mask }: Encoded): DecoderState {
    const next = this.decoder.forward(concat([embedded, context], 1), { h, c });
    const attended = this.attention.forward(unsqueeze(next.h, 1), memory, memory, mask);
    return { ...next, context: reshape(attended.context, context.shape) };
  }

  /** Scores of the next token, [..., target tokens], from hidden states and contexts [..., features]. */
  logits(h: Tensor, context: Tensor): Tensor {
    return this.output.forward(concat([h, context], h.rank - 1));
  }

  /**
   * Teacher forcing: scores for each position from the true tokens before it.
   * @param source int32 [n, source]
   * @param targetIn int32 [n, target], beginning with the start mark
   * @returns logits [n, target, target tokens]
   */
  forward(source: Tensor, targetIn: Tensor): Tensor {
    const encoded = this.encode(source);
    const embedded = unstack(this.targetEmbedding.forward(targetIn), 1);
    let state = this.start(encoded);
    const hidden: Tensor[] = [];
    const contexts: Tensor[] = [];
    for (const token of embedded) {
      state = this.step(token, state, encoded);
      hidden.push(state.h);
      contexts.push(state.context);
    }
    return this.logits(stack(hidden, 1), stack(contexts, 1));
  }

  /** Mean cross-entropy of the next tokens, padding not counted. */
  loss(source: Tensor, targetIn: Tensor, targetOut: Tensor): Tensor {
    return crossEntropy(this.forward(source, targetIn), targetOut, { ignoreIndex: this.padding });
  }

  /**
   * Most likely token at each step, fed back.
   * @returns int32 [n, steps]; what follows an end mark means nothing
   */
  greedy(source: Tensor, start: number, steps: number): Tensor {
    return greedySearch(this.writer(), this.encode(source), { start, steps });
  }

  /** The decoder from tokens to scores, for searches. */
  writer(): EncoderDecoder<Encoded, DecoderState> {
    return {
      encode: (source) => this.encode(source),
      start: (encoded) => this.start(encoded),
      step: (tokens, state, encoded) => this.step(this.targetEmbedding.forward(tokens), state, encoded),
      logits: ({ h, context }) => this.logits(h, context),
    };
  }
}
