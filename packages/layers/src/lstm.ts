/** Long short-term memory (Hochreiter & Schmidhuber 1997), with PyTorch's weights and gate order i, f, g, o. */
import {
  add,
  concat,
  dropout,
  expectSameShape,
  formatShape,
  linear,
  lstmCell,
  matmul,
  Parameter,
  ShapeError,
  slice,
  stack,
  type Tensor,
  transpose,
  unsqueeze,
  where,
  zeros,
} from "@neurite/core";
import { type InitOptions, initUniform } from "./initializers.js";
import { expectSize, Module } from "./module.js";

/** Hidden and cell state, of one shape. */
export interface LSTMState {
  readonly h: Tensor;
  readonly c: Tensor;
}

/** The weights of one direction of one layer. */
interface CellWeights {
  /** [4·hidden, inputs] */
  readonly weightIh: Parameter;
  /** [4·hidden, hidden] */
  readonly weightHh: Parameter;
  /** [4·hidden] */
  readonly biasIh: Parameter;
  /** [4·hidden] */
  readonly biasHh: Parameter;
}

function makeWeights(inputs: number, hidden: number, init: InitOptions): CellWeights {
  const bound = 1 / Math.sqrt(hidden);
  return {
    weightIh: new Parameter(initUniform([4 * hidden, inputs], bound, init), { layout: "4·hidden,in" }),
    weightHh: new Parameter(initUniform([4 * hidden, hidden], bound, init), { layout: "4·hidden,hidden" }),
    biasIh: new Parameter(initUniform([4 * hidden], bound, init)),
    biasHh: new Parameter(initUniform([4 * hidden], bound, init)),
  };
}

/**
 * One LSTM step: x [n, inputs] and state [n, hidden] to the next state.
 * Parameters start uniform in ±1/√hidden, as in PyTorch.
 */
export class LSTMCell extends Module implements CellWeights {
  readonly weightIh: Parameter;
  readonly weightHh: Parameter;
  readonly biasIh: Parameter;
  readonly biasHh: Parameter;

  constructor(
    readonly inputs: number,
    readonly hidden: number,
    init: InitOptions = {},
  ) {
    super();
    expectSize("LSTMCell", "inputs", inputs);
    expectSize("LSTMCell", "hidden", hidden);
    const weights = makeWeights(inputs, hidden, init);
    this.weightIh = weights.weightIh;
    this.weightHh = weights.weightHh;
    this.biasIh = weights.biasIh;
    this.biasHh = weights.biasHh;
  }

  forward(x: Tensor, state: LSTMState): LSTMState {
    const gates = add(linear(x, this.weightIh, this.biasIh), linear(state.h, this.weightHh, this.biasHh));
    return lstmCell(gates, state.c);
  }
}

export interface LSTMOptions extends InitOptions {
  /** Layers stacked on one another. Default 1. */
  readonly layers?: number;
  /** Adds a second direction that reads from the end; outputs are concatenated. Default false. */
  readonly bidirectional?: boolean;
  /** Dropout between stacked layers. Default 0. */
  readonly dropout?: number;
}

export interface LSTMInput {
  /** [layers·directions, n, hidden] each; default zeros. */
  readonly state?: LSTMState;
  /** bool [n, time], true at real positions. The state stands still at the others, and their output is 0. */
  readonly mask?: Tensor;
}

export interface LSTMOutput {
  /** [n, time, directions·hidden] */
  readonly output: Tensor;
  /** Final states, [layers·directions, n, hidden] each; of layer k the forward direction is at k·directions. */
  readonly state: LSTMState;
}

/**
 * LSTM over whole sequences, x [n, time, inputs]. Parameters are named as in PyTorch: `weightIhL0`, `weightHhL0`,
 * `biasIhL0`, `biasHhL0`, and with `Reverse` behind for the second direction.
 * @example
 * const lstm = new LSTM(64, 32, { bidirectional: true });
 * const { output, state } = lstm.forward(x, { mask });   // [8, 11, 64] → [8, 11, 64], states [2, 8, 32]
 */
export class LSTM extends Module {
  readonly layers: number;
  readonly directions: number;
  readonly dropout: number;
  readonly #cells: CellWeights[] = [];

  constructor(
    readonly inputs: number,
    readonly hidden: number,
    { layers = 1, bidirectional = false, dropout: p = 0, ...init }: LSTMOptions = {},
  ) {
    super();
    expectSize("LSTM", "inputs", inputs);
    expectSize("LSTM", "hidden", hidden);
    expectSize("LSTM", "layers", layers);
    this.layers = layers;
    this.directions = bidirectional ? 2 : 1;
    this.dropout = p;
    for (let layer = 0; layer < layers; layer++) {
      for (let direction = 0; direction < this.directions; direction++) {
        const width = layer === 0 ? inputs : hidden * this.directions;
        const weights = makeWeights(width, hidden, init);
        const suffix = `L${layer}${direction === 1 ? "Reverse" : ""}`;
        for (const [name, parameter] of Object.entries(weights)) {
          Object.defineProperty(this, name + suffix, { value: parameter, enumerable: true });
        }
        this.#cells.push(weights);
      }
    }
  }

  forward(x: Tensor, { state, mask }: LSTMInput = {}): LSTMOutput {
    if (x.rank !== 3 || x.shape[2] !== this.inputs) {
      throw new ShapeError({
        op: "LSTM",
        argument: "x",
        expected: `[n, time, ${this.inputs}]`,
        received: formatShape(x.shape),
        remedy: "Batches come first, then time, then features.",
      });
    }
    const [n, time] = x.shape as [number, number, number];
    if (mask) expectSameShape("LSTM", "mask", [n, time], mask.shape);
    if (state) expectSameShape("LSTM", "state.h", [this.#cells.length, n, this.hidden], state.h.shape);
    const steps = mask ? Array.from({ length: time }, (_, t) => slice(mask, [null, [t, t + 1]])) : null;
    const finals: LSTMState[] = [];
    let sequence = x;
    for (let layer = 0; layer < this.layers; layer++) {
      if (layer > 0 && this.training && this.dropout > 0) sequence = dropout(sequence, this.dropout);
      const outputs: Tensor[] = [];
      for (let direction = 0; direction < this.directions; direction++) {
        const index = layer * this.directions + direction;
        const initial = state ? { h: slice(state.h, [index]), c: slice(state.c, [index]) } : this.#zeroState(x, n);
        const run = runDirection(this.#cells[index]!, sequence, initial, steps, direction === 1);
        outputs.push(run.output);
        finals.push(run.state);
      }
      sequence = concat(outputs, 2);
    }
    return {
      output: sequence,
      state: { h: stack(finals.map((final) => final.h)), c: stack(finals.map((final) => final.c)) },
    };
  }

  #zeroState(x: Tensor, n: number): LSTMState {
    const zero = zeros([n, this.hidden], { dtype: x.dtype, device: x.device });
    return { h: zero, c: zero };
  }
}

/** One direction of one layer over all time steps; `steps` are the mask's columns [n, 1]. */
function runDirection(
  { weightIh, weightHh, biasIh, biasHh }: CellWeights,
  x: Tensor,
  initial: LSTMState,
  steps: readonly Tensor[] | null,
  reverse: boolean,
): { output: Tensor; state: LSTMState } {
  const time = x.shape[1]!;
  // the input's share of all gates in one product
  const shares = linear(x, weightIh, add(biasIh, biasHh));
  const recurrent = transpose(weightHh);
  const outputs = new Array<Tensor>(time);
  let state = initial;
  for (let i = 0; i < time; i++) {
    const t = reverse ? time - 1 - i : i;
    const gates = add(slice(shares, [null, t]), matmul(state.h, recurrent));
    const next = lstmCell(gates, state.c);
    const real = steps?.[t];
    state = real ? { h: where(real, next.h, state.h), c: where(real, next.c, state.c) } : next;
    outputs[t] = unsqueeze(real ? where(real, next.h, 0) : next.h, 1);
  }
  return { output: concat(outputs, 1), state };
}
