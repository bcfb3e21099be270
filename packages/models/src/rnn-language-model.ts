/** Recurrent language model over characters, words or other tokens (Mikolov et al. 2010; Jiang §8.3.3). */
import { slice, type Tensor, transpose, unsqueeze, ValueError } from "@neurite/core";
import type { OptionKinds } from "@neurite/core/expect";
import {
  type CellState,
  Dropout,
  Embedding,
  INIT_OPTIONS,
  type InitOptions,
  Linear,
  Module,
  type RecurrentInput,
  type RecurrentLayer,
} from "@neurite/layers";
import { type CellName, kindOf } from "./cells.js";
import { type EncoderDecoder, mapTensors } from "./search/decoder.js";
import { type GenerateOptions, generate } from "./search/sample.js";
import { expectModelOptions, expectTokens, tiedLinear } from "./tokens.js";

export interface RNNLanguageModelOptions extends InitOptions {
  /** Size of the vocabulary. */
  readonly tokens: number;
  /** Default `lstm`. */
  readonly cell?: CellName;
  /** Features of the embeddings. Default 128. */
  readonly features?: number;
  /** Default that of `features`. */
  readonly hidden?: number;
  /** Default 1. */
  readonly layers?: number;
  /** Of embeddings, between layers, and of the outputs. Default 0. */
  readonly dropout?: number;
  /** The output layer has the embedding's matrix for its weight; needs hidden = features. Default false. */
  readonly tieWeights?: boolean;
}

/** The layer's states with rows in front: [n, layers, hidden] each. */
export type RNNLanguageModelState = CellState;

const swapped = <T>(state: T): T => mapTensors(state, (x) => transpose(x, 0, 1));

const OPTIONS: OptionKinds<RNNLanguageModelOptions> = {
  ...INIT_OPTIONS,
  tokens: "size",
  cell: "any",
  features: "size",
  hidden: "size",
  layers: "size",
  dropout: "number",
  tieWeights: "boolean",
};

/**
 * Embedding, recurrent layers and a linear layer to the scores of the next token.
 * @example
 * const model = new RNNLanguageModel({ tokens: 64, cell: "gru", features: 96, layers: 2 });
 * const logits = model.forward(tokens);                       // int32 [32, 50] → [32, 50, 64]
 * const [text] = await model.eval().generate(prompt, { steps: 200, temperature: 0.8, topK: 10 });
 */
export class RNNLanguageModel extends Module implements EncoderDecoder<RNNLanguageModelState, RNNLanguageModelState> {
  readonly embedding: Embedding;
  readonly recurrent: RecurrentLayer;
  readonly output: Linear;
  readonly dropout: Dropout;

  constructor(options: RNNLanguageModelOptions) {
    super();
    expectModelOptions("RNNLanguageModel", options, OPTIONS);
    const {
      tokens,
      cell = "lstm",
      features = 128,
      hidden = features,
      layers = 1,
      dropout = 0,
      tieWeights = false,
      ...init
    } = options;
    if (tieWeights && hidden !== features) {
      throw new ValueError({
        op: "RNNLanguageModel",
        argument: "hidden",
        expected: `${features}, as many as the embedding has, since weights are tied`,
        received: String(hidden),
      });
    }
    this.embedding = new Embedding(tokens, features, init);
    this.recurrent = kindOf("RNNLanguageModel", cell).layer(features, hidden, { layers, dropout, ...init });
    this.output = tieWeights ? tiedLinear(this.embedding, init) : new Linear(hidden, tokens, init);
    this.dropout = new Dropout(dropout, init);
  }

  /**
   * @param tokens int32 [n, time]
   * @param input an initial state as {@link RecurrentLayer} takes it, and a padding mask
   * @returns logits of the token after each, [n, time, tokens]
   */
  forward(tokens: Tensor, input: RecurrentInput = {}): Tensor {
    return this.run(tokens, input).logits;
  }

  /** The same with the state after the last step, for sequences that come in parts. */
  run(tokens: Tensor, input: RecurrentInput = {}): { readonly logits: Tensor; readonly state: CellState } {
    const { output, state } = this.#recur(tokens, input);
    return { logits: this.output.forward(this.dropout.forward(output)), state };
  }

  #recur(tokens: Tensor, input: RecurrentInput) {
    expectTokens("RNNLanguageModel", "tokens", tokens);
    return this.recurrent.forward(this.dropout.forward(this.embedding.forward(tokens)), input);
  }

  /** The state before the last token of a prompt int32 [n, time]. */
  encode(prompt: Tensor): RNNLanguageModelState {
    const [n, time] = prompt.shape as readonly number[] as [number, number];
    return swapped(this.#recur(prompt, { lengths: new Array<number>(n).fill(time - 1) }).state);
  }

  start(state: RNNLanguageModelState): RNNLanguageModelState {
    return state;
  }

  step(tokens: Tensor, state: RNNLanguageModelState): RNNLanguageModelState {
    return swapped(this.#recur(unsqueeze(tokens, 1), { state: swapped(state) }).state);
  }

  /** Scores of the next token, [n, tokens]. */
  logits({ h }: RNNLanguageModelState): Tensor {
    return this.output.forward(this.dropout.forward(slice(h, [null, -1])));
  }

  /**
   * Continues prompts int32 [n, time] by drawing tokens.
   * @returns the new tokens of each row
   */
  generate(prompt: Tensor, options: GenerateOptions): Promise<number[][]> {
    return generate(this, prompt, options);
  }
}
