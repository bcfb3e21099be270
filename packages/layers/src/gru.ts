/** Gated recurrent unit (Cho et al. 2014), with PyTorch's equations, weights and gate order r, z, n. */
import { gru, gruCell, linear, type Tensor, transpose } from "@neurite/core";
import { expectOptions, pickOptions } from "@neurite/core/expect";
import {
  CELL_OPTIONS,
  type CellOptions,
  type CellState,
  GatedCell,
  RECURRENT_LAYER_OPTIONS,
  RecurrentLayer,
  type RecurrentLayerOptions,
  recurrentOptions,
  type ScanOptions,
} from "./recurrent.js";

/**
 * One GRU step: x [n, inputs] and h [n, hidden] to the next h. The reset gate acts on the state's share after its product
 * and bias: n = tanh(Wₙx + bₙ + r ⊙ (W′ₙh + b′ₙ)). Parameters start uniform in ±1/√hidden, as in PyTorch.
 */
export class GRUCell extends GatedCell {
  constructor(inputs: number, hidden: number, options: CellOptions = {}) {
    super("GRUCell", 3, inputs, hidden, options);
  }

  forward(x: Tensor, state?: CellState): CellState {
    const { h } = this.stateOf("GRUCell", x, state);
    const { weightIh, weightHh, biasIh, biasHh } = this;
    return { h: gruCell(linear(x, weightIh, biasIh ?? undefined), linear(h, weightHh, biasHh ?? undefined), h) };
  }

  override scan(x: Tensor, state: CellState, { reverse, mask }: ScanOptions = {}) {
    const { weightIh, weightHh, biasIh, biasHh } = this;
    // time first, so that a step is one block of memory
    const shares = linear(transpose(x, 0, 1), weightIh, biasIh ?? undefined);
    const options = { bias: biasHh ?? undefined, reverse, mask: mask && transpose(mask) };
    const { output, h } = gru(shares, weightHh, state.h, options);
    return { output: transpose(output, 0, 1), state: { h } };
  }
}

/**
 * GRU over whole sequences, x [n, time, inputs]. Parameters are named as in PyTorch.
 * @example
 * const { output, state } = new GRU(64, 32).forward(x, { lengths });    // [8, 11, 64] → [8, 11, 32], state.h [1, 8, 32]
 */
export class GRU extends RecurrentLayer {
  constructor(inputs: number, hidden: number, options: RecurrentLayerOptions = {}) {
    expectOptions("GRU", options, RECURRENT_LAYER_OPTIONS);
    const cell = pickOptions<CellOptions>(options, CELL_OPTIONS);
    super("GRU", (width) => new GRUCell(width, hidden, cell), inputs, recurrentOptions(options));
    this.nameParameters();
  }
}
