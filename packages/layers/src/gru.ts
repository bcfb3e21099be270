/** Gated recurrent unit (Cho et al. 2014), with PyTorch's equations, weights and gate order r, z, n. */
import { gruCell, linear, type Tensor, unstack } from "@neurite/core";
import {
  type CellOptions,
  type CellState,
  GatedCell,
  RecurrentLayer,
  type RecurrentLayerOptions,
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
    return this.#step(linear(x, this.weightIh, this.biasIh ?? undefined), h);
  }

  override unroll(x: Tensor): (t: number, state: CellState) => CellState {
    const shares = unstack(linear(x, this.weightIh, this.biasIh ?? undefined), 1);
    return (t, { h }) => this.#step(shares[t]!, h);
  }

  #step(shares: Tensor, h: Tensor): CellState {
    return { h: gruCell(shares, linear(h, this.weightHh, this.biasHh ?? undefined), h) };
  }
}

/**
 * GRU over whole sequences, x [n, time, inputs]. Parameters are named as in PyTorch.
 * @example
 * const { output, state } = new GRU(64, 32).forward(x, { lengths });    // [8, 11, 64] → [8, 11, 32], state.h [1, 8, 32]
 */
export class GRU extends RecurrentLayer {
  constructor(inputs: number, hidden: number, options: RecurrentLayerOptions = {}) {
    super("GRU", (width) => new GRUCell(width, hidden, options), inputs, options);
    this.nameParameters();
  }
}
