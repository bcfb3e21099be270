/** The simple recurrent network (Elman 1990; Jiang §8.3.3). */
import { add, linear, matmul, relu, type Tensor, tanh, transpose, unstack } from "@neurite/core";
import { expectOptions, type OptionKinds, pickOptions } from "@neurite/core/expect";
import {
  CELL_OPTIONS,
  type CellOptions,
  type CellState,
  GatedCell,
  RECURRENT_LAYER_OPTIONS,
  RecurrentLayer,
  type RecurrentLayerOptions,
  recurrentOptions,
} from "./recurrent.js";

export interface RNNCellOptions extends CellOptions {
  /** Default `tanh`. */
  readonly nonlinearity?: "tanh" | "relu";
}

const NONLINEARITIES = { tanh, relu } as const;
const CELL: OptionKinds<RNNCellOptions> = { ...CELL_OPTIONS, nonlinearity: ["tanh", "relu"] };

/**
 * One step h′ = φ(W x + b + W′h + b′): x [n, inputs] and h [n, hidden] to the next h; φ is tanh or ReLU.
 * Parameters start uniform in ±1/√hidden, as in PyTorch.
 */
export class RNNCell extends GatedCell {
  readonly nonlinearity: "tanh" | "relu";

  constructor(inputs: number, hidden: number, options: RNNCellOptions = {}) {
    expectOptions("RNNCell", options, CELL);
    const { nonlinearity = "tanh", ...others } = options;
    super("RNNCell", 1, inputs, hidden, others);
    this.nonlinearity = nonlinearity;
  }

  forward(x: Tensor, state?: CellState): CellState {
    const { h } = this.stateOf("RNNCell", x, state);
    const { weightIh, weightHh, biasIh, biasHh } = this;
    const sum = add(linear(x, weightIh, biasIh ?? undefined), linear(h, weightHh, biasHh ?? undefined));
    return { h: NONLINEARITIES[this.nonlinearity](sum) };
  }

  override unroll(x: Tensor): (t: number, state: CellState) => CellState {
    const { weightIh, weightHh, biasIh, biasHh } = this;
    const shares = unstack(linear(x, weightIh, biasIh && biasHh ? add(biasIh, biasHh) : undefined), 1);
    const recurrent = transpose(weightHh);
    const squash = NONLINEARITIES[this.nonlinearity];
    return (t, { h }) => ({ h: squash(add(shares[t]!, matmul(h, recurrent))) });
  }
}

export interface RNNOptions extends RecurrentLayerOptions, RNNCellOptions {}

const LAYER: OptionKinds<RNNOptions> = { ...RECURRENT_LAYER_OPTIONS, ...CELL };

/**
 * Simple recurrent network over whole sequences, x [n, time, inputs]; PyTorch's names of parameters. The book's
 * h_t = tanh(W₁[x_t; h_{t−1}] + b₁), y_t = W₂h_t + b₂ is this layer, with W₁ in two blocks, and a `Linear` after it.
 * @example
 * const rnn = new RNN(16, 32);
 * const logits = new Linear(32, 10).forward(rnn.forward(x).output);     // [8, 11, 16] → [8, 11, 10]
 */
export class RNN extends RecurrentLayer {
  constructor(inputs: number, hidden: number, options: RNNOptions = {}) {
    expectOptions("RNN", options, LAYER);
    const cell = pickOptions<RNNCellOptions>(options, CELL);
    super("RNN", (width) => new RNNCell(width, hidden, cell), inputs, recurrentOptions(options));
    this.nameParameters();
  }
}
