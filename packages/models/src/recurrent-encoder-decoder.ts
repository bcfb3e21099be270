/** Encoder–decoder over any recurrent cell, with or without attention (Sutskever et al. 2014; Bahdanau et al. 2015; Jiang §8.6). */
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
  ValueError,
  zeros,
} from "@neurite/core";
import type { OptionKinds } from "@neurite/core/expect";
import {
  Attention,
  type AttentionScore,
  type CellState,
  Dropout,
  Embedding,
  INIT_OPTIONS,
  type InitOptions,
  Linear,
  Module,
  type RecurrentCell,
  type RecurrentLayer,
} from "@neurite/layers";
import { type CellName, kindOf } from "./cells.js";
import { type EncoderDecoder, mapTensors } from "./search/decoder.js";
import { expectModelOptions, expectTokens } from "./tokens.js";

export interface RecurrentEncoderDecoderOptions extends InitOptions {
  readonly sourceTokens: number;
  readonly targetTokens: number;
  /** Of encoder and decoder. Default `lstm`. */
  readonly cell?: CellName;
  /** Features of embeddings. Default 64. */
  readonly features?: number;
  /** Features of the decoder's states; a bidirectional encoder has half of them in each direction. Default that of `features`. */
  readonly hidden?: number;
  /** Layers of encoder and decoder. Default 1. */
  readonly layers?: number;
  /** Whether the encoder reads from both ends. Default true. */
  readonly bidirectional?: boolean;
  /** How the decoder looks back at the source; null: through its first state alone. Default `bilinear`. */
  readonly attention?: AttentionScore | null;
  /** Of embeddings and between layers. Default 0. */
  readonly dropout?: number;
  /** Number of the padding token in both languages. Default 0. */
  readonly padding?: number;
}

export interface RecurrentMemory {
  /** [n, source, hidden] */
  readonly memory: Tensor;
  /** bool [n, 1, source], true at real tokens */
  readonly mask: Tensor;
  /** The decoder's first states, layer by layer, [n, hidden] each. */
  readonly cells: readonly CellState[];
}

export interface RecurrentState {
  /** Layer by layer, [n, hidden] each. */
  readonly cells: readonly CellState[];
  /** What attention found last, fed to the next step: [n, hidden]; null without attention. */
  readonly context: Tensor | null;
}

const OPTIONS: OptionKinds<RecurrentEncoderDecoderOptions> = {
  ...INIT_OPTIONS,
  sourceTokens: "size",
  targetTokens: "size",
  cell: "any",
  features: "size",
  hidden: "size",
  layers: "size",
  bidirectional: "boolean",
  attention: "any",
  dropout: "number",
  padding: "integer",
};

/**
 * The encoder's last states are the decoder's first; with attention the decoder also looks back at all of the source at
 * each step, and what it found is fed to the next.
 * @example
 * const model = new RecurrentEncoderDecoder({ sourceTokens: 34, targetTokens: 31, cell: "gru", layers: 2 });
 * const logits = model.forward(source, targetIn);             // [64, 11], [64, 19] → [64, 19, 31]
 * const tokens = greedySearch(model, model.encode(source), { start: 1, steps: 20 });
 */
export class RecurrentEncoderDecoder extends Module implements EncoderDecoder<RecurrentMemory, RecurrentState> {
  readonly padding: number;
  readonly sourceEmbedding: Embedding;
  readonly targetEmbedding: Embedding;
  readonly encoder: RecurrentLayer;
  readonly decoder: readonly RecurrentCell[];
  readonly attention: Attention | null;
  readonly dropout: Dropout;
  readonly output: Linear;

  constructor(options: RecurrentEncoderDecoderOptions) {
    super();
    expectModelOptions("RecurrentEncoderDecoder", options, OPTIONS);
    const {
      sourceTokens,
      targetTokens,
      cell = "lstm",
      features = 64,
      hidden = features,
      layers = 1,
      bidirectional = true,
      attention = "bilinear",
      dropout = 0,
      padding = 0,
      ...init
    } = options;
    if (bidirectional && hidden % 2 !== 0) {
      throw new ValueError({
        op: "RecurrentEncoderDecoder",
        argument: "hidden",
        expected: "an even number, half of it for each direction of the encoder",
        received: String(hidden),
      });
    }
    const kind = kindOf("RecurrentEncoderDecoder", cell);
    const looked = attention === null ? 0 : hidden;
    this.padding = padding;
    this.sourceEmbedding = new Embedding(sourceTokens, features, init);
    this.targetEmbedding = new Embedding(targetTokens, features, init);
    const width = bidirectional ? hidden / 2 : hidden;
    this.encoder = kind.layer(features, width, { layers, bidirectional, dropout, ...init });
    this.decoder = Array.from({ length: layers }, (_, i) =>
      kind.cell(i === 0 ? features + looked : hidden, hidden, init),
    );
    this.attention = attention === null ? null : new Attention({ score: attention, queryFeatures: hidden, ...init });
    this.dropout = new Dropout(dropout, init);
    this.output = new Linear(hidden + looked, targetTokens, init);
  }

  /** @param source int32 [n, source], padded at the end */
  encode(source: Tensor): RecurrentMemory {
    expectTokens("RecurrentEncoderDecoder", "source", source);
    const mask = notEqual(source, this.padding);
    const embedded = this.dropout.forward(this.sourceEmbedding.forward(source));
    const { output, state } = this.encoder.forward(embedded, { mask });
    const { directions } = this.encoder;
    // the directions' final states side by side
    const joined = (layer: number) => (x: Tensor) =>
      concat(
        Array.from({ length: directions }, (_, i) => slice(x, [layer * directions + i])),
        1,
      );
    const cells = this.decoder.map((_, layer) => mapTensors(state, joined(layer)));
    return { memory: output, mask: unsqueeze(mask, 1), cells };
  }

  start({ memory, cells }: RecurrentMemory): RecurrentState {
    const [n, , hidden] = memory.shape as readonly number[] as [number, number, number];
    const { dtype, device } = memory;
    return { cells, context: this.attention && zeros([n, hidden], { dtype, device }) };
  }

  step(tokens: Tensor, state: RecurrentState, encoded: RecurrentMemory): RecurrentState {
    return this.#step(this.targetEmbedding.forward(tokens), state, encoded);
  }

  #step(embedded: Tensor, state: RecurrentState, { memory, mask }: RecurrentMemory): RecurrentState {
    let x = this.dropout.forward(embedded);
    if (state.context) x = concat([x, state.context], 1);
    const cells = this.decoder.map((cell, i) => {
      const next = cell.forward(i === 0 ? x : this.dropout.forward(x), state.cells[i]);
      x = next.h;
      return next;
    });
    if (!this.attention) return { cells, context: null };
    const { context } = this.attention.forward(unsqueeze(x, 1), memory, memory, mask);
    return { cells, context: reshape(context, x.shape) };
  }

  logits({ cells, context }: RecurrentState): Tensor {
    return this.#score(cells.at(-1)!.h, context);
  }

  #score(h: Tensor, context: Tensor | null): Tensor {
    return this.output.forward(context ? concat([h, context], h.rank - 1) : h);
  }

  /**
   * Teacher forcing: scores for each position from the true tokens before it.
   * @param source int32 [n, source]
   * @param targetIn int32 [n, target], beginning with the start mark
   * @returns logits [n, target, target tokens]
   */
  forward(source: Tensor, targetIn: Tensor): Tensor {
    expectTokens("RecurrentEncoderDecoder", "targetIn", targetIn);
    const encoded = this.encode(source);
    let state = this.start(encoded);
    const states = unstack(this.targetEmbedding.forward(targetIn), 1).map((token) => {
      state = this.#step(token, state, encoded);
      return state;
    });
    const hidden = stack(
      states.map(({ cells }) => cells.at(-1)!.h),
      1,
    );
    return this.#score(
      hidden,
      this.attention &&
        stack(
          states.map(({ context }) => context!),
          1,
        ),
    );
  }

  /** Mean cross-entropy of the next tokens, padding not counted. */
  loss(source: Tensor, targetIn: Tensor, targetOut: Tensor): Tensor {
    return crossEntropy(this.forward(source, targetIn), targetOut, { ignoreIndex: this.padding });
  }
}
