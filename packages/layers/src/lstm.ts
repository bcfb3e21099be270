/** Long short-term memory (Hochreiter & Schmidhuber 1997), with PyTorch's weights and gate order i, f, g, o. */
import { add, linear, lstm, lstmCell, type Tensor, transpose } from "@neurite/core";
import { expectOptions, pickOptions } from "@neurite/core/expect";
import {
  CELL_OPTIONS,
  type CellOptions,
  type CellState,
  GatedCell,
  RECURRENT_LAYER_OPTIONS,
  type RecurrentInput,
  RecurrentLayer,
  type RecurrentLayerOptions,
  type RecurrentOutput,
  recurrentOptions,
  type ScanOptions,
} from "./recurrent.js";

/** Hidden and cell state, of one shape. */
export interface LSTMState extends CellState {
  readonly c: Tensor;
}

export type LSTMOptions = RecurrentLayerOptions;
export type LSTMInput = RecurrentInput<LSTMState>;
export type LSTMOutput = RecurrentOutput<LSTMState>;

/**
 * One LSTM step: x [n, inputs] and state [n, hidden] to the next state.
 * Parameters start uniform in ±1/√hidden, as in PyTorch.
 */
export class LSTMCell extends GatedCell<LSTMState> {
  constructor(inputs: number, hidden: number, options: CellOptions = {}) {
    super("LSTMCell", 4, inputs, hidden, options);
  }

  forward(x: Tensor, state?: LSTMState): LSTMState {
    const { h, c } = this.stateOf("LSTMCell", x, state);
    const { weightIh, weightHh, biasIh, biasHh } = this;
    return lstmCell(add(linear(x, weightIh, biasIh ?? undefined), linear(h, weightHh, biasHh ?? undefined)), c);
  }

  override start(n: number, x: Tensor): LSTMState {
    const zero = this.zero(n, x);
    return { h: zero, c: zero };
  }

  override scan(x: Tensor, state: LSTMState, { reverse, mask }: ScanOptions = {}) {
    const { weightIh, weightHh, biasIh, biasHh } = this;
    // time first, so that a step is one block of memory; the input's share of all gates in one product
    const shares = linear(transpose(x, 0, 1), weightIh, biasIh && biasHh ? add(biasIh, biasHh) : undefined);
    const options = { reverse, mask: mask && transpose(mask) };
    const { output, ...last } = lstm(shares, weightHh, state, options);
    return { output: transpose(output, 0, 1), state: last };
  }
}

/**
 * LSTM over whole sequences, x [n, time, inputs]. Parameters are named as in PyTorch: `weightIhL0`, `weightHhL0`,
 * `biasIhL0`, `biasHhL0`, and with `Reverse` behind for the second direction.
 * @example
 * const lstm = new LSTM(64, 32, { bidirectional: true });
 * const { output, state } = lstm.forward(x, { mask });   // [8, 11, 64] → [8, 11, 64], states [2, 8, 32]
 */
export class LSTM extends RecurrentLayer<LSTMState> {
  constructor(inputs: number, hidden: number, options: LSTMOptions = {}) {
    expectOptions("LSTM", options, RECURRENT_LAYER_OPTIONS);
    const cell = pickOptions<CellOptions>(options, CELL_OPTIONS);
    super("LSTM", (width) => new LSTMCell(width, hidden, cell), inputs, recurrentOptions(options));
    this.nameParameters();
  }
}
