/** Higher-order recurrent network (Soltani & Jiang 2016; Jiang §8.3.3): its state is fed from several steps back. */
import { add, concat, linear, matmul, Parameter, type Tensor, tanh, transpose, unstack } from "@neurite/core";
import { expectOptions, type OptionKinds, pickOptions } from "@neurite/core/expect";
import { initUniform } from "./initializers.js";
import {
  CELL_OPTIONS,
  type CellOptions,
  type CellState,
  RECURRENT_LAYER_OPTIONS,
  RecurrentCell,
  RecurrentLayer,
  type RecurrentLayerOptions,
  recurrentOptions,
} from "./recurrent.js";

/** `h` is h_t; `h2`, `h3`, … up to the order are h_{t−1}, h_{t−2}, … */
export interface HORNNState extends CellState {
  readonly [earlier: `h${number}`]: Tensor;
}

export interface HORNNCellOptions extends CellOptions {
  /** How many steps back h is fed from. Default 2. */
  readonly order?: number;
}

const CELL: OptionKinds<HORNNCellOptions> = { ...CELL_OPTIONS, order: "size" };

/**
 * One step h_t = tanh(W x_t + Σ_{i=1…order} Wᵢ h_{t−i} + b). Parameters start uniform in ±1/√hidden,
 * the Wᵢ in ±1/√(order·hidden): with more of them the state would start chaotic.
 */
export class HORNNCell extends RecurrentCell<HORNNState> {
  readonly order: number;
  /** [hidden, inputs] */
  readonly weightIh: Parameter;
  /** [hidden, order·hidden]: W₁, W₂, … side by side */
  readonly weightHh: Parameter;
  /** [hidden] */
  readonly bias: Parameter | null;

  constructor(inputs: number, hidden: number, options: HORNNCellOptions = {}) {
    super(inputs, hidden, "HORNNCell");
    expectOptions("HORNNCell", options, CELL);
    const { order = 2, bias = true, ...init } = options;
    const bound = 1 / Math.sqrt(hidden);
    this.order = order;
    this.weightIh = new Parameter(initUniform([hidden, inputs], bound, init), { layout: "hidden,in" });
    this.weightHh = new Parameter(initUniform([hidden, order * hidden], bound / Math.sqrt(order), init), {
      layout: "hidden,order·hidden",
    });
    this.bias = bias ? new Parameter(initUniform([hidden], bound, init)) : null;
  }

  forward(x: Tensor, state?: HORNNState): HORNNState {
    const past = this.stateOf("HORNNCell", x, state);
    return this.#step(linear(x, this.weightIh, this.bias ?? undefined), past, transpose(this.weightHh));
  }

  override start(n: number, x: Tensor): HORNNState {
    const zero = this.zero(n, x);
    return this.#state(new Array<Tensor>(this.order).fill(zero));
  }

  override unroll(x: Tensor): (t: number, state: HORNNState) => HORNNState {
    const shares = unstack(linear(x, this.weightIh, this.bias ?? undefined), 1);
    const recurrent = transpose(this.weightHh);
    return (t, state) => this.#step(shares[t]!, state, recurrent);
  }

  #step(share: Tensor, state: HORNNState, recurrent: Tensor): HORNNState {
    const past = [state.h, ...Array.from({ length: this.order - 1 }, (_, i) => state[`h${i + 2}`]!)];
    const h = tanh(add(share, matmul(concat(past, 1), recurrent)));
    return this.#state([h, ...past.slice(0, -1)]);
  }

  #state([h, ...earlier]: readonly Tensor[]): HORNNState {
    return { h: h!, ...Object.fromEntries(earlier.map((value, i) => [`h${i + 2}`, value])) };
  }
}

export interface HORNNOptions extends RecurrentLayerOptions, HORNNCellOptions {}

const LAYER: OptionKinds<HORNNOptions> = { ...RECURRENT_LAYER_OPTIONS, ...CELL };

/**
 * Higher-order recurrent network over whole sequences, x [n, time, inputs]. Parameters are named as those of {@link RNN},
 * with one bias. Of order 1 it is an RNN.
 * @example
 * const { output } = new HORNN(16, 32, { order: 3 }).forward(x);       // [8, 11, 16] → [8, 11, 32]
 */
export class HORNN extends RecurrentLayer<HORNNState> {
  constructor(inputs: number, hidden: number, options: HORNNOptions = {}) {
    expectOptions("HORNN", options, LAYER);
    const cell = pickOptions<HORNNCellOptions>(options, CELL);
    super("HORNN", (width) => new HORNNCell(width, hidden, cell), inputs, recurrentOptions(options));
    this.nameParameters();
  }
}
