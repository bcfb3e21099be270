/**
 * The scaffold of all recurrent layers: it runs cells over time, stacks them, reads sequences in both directions and heeds
 * padding. The cells are in `rnn.ts`, `gru.ts`, `lstm.ts` and `hornn.ts`; a cell of your own runs in {@link Recurrent}.
 */
import {
  arange,
  concat,
  expectIndex,
  expectSameShape,
  expectTensor,
  formatShape,
  type Generator,
  isTensor,
  less,
  Parameter,
  ShapeError,
  slice,
  stack,
  type Tensor,
  tensor,
  unsqueeze,
  unstack,
  ValueError,
  where,
  zeros,
} from "@neurite/core";
import {
  expectFunction,
  expectInteger,
  expectOptions,
  expectRecord,
  expectSize,
  type OptionKinds,
  pickOptions,
} from "@neurite/core/expect";
import { Dropout } from "./dropout.js";
import { MOST_LAYERS } from "./expect.js";
import { INIT_OPTIONS } from "./init-options.js";
import { type InitOptions, initUniform } from "./initializers.js";
import { Module } from "./module.js";

/** What a cell remembers from one step to the next: `h`, its output [n, hidden], and whatever else it needs, [n, …] each. */
export interface CellState {
  readonly h: Tensor;
}

/** How a cell goes through a sequence. */
export interface ScanOptions {
  /** From the last step to the first; each output stays at its step. Default false. */
  readonly reverse?: boolean | undefined;
  /** bool [n, time]: where it is false the state stands still, and the output is 0. */
  readonly mask?: Tensor | undefined;
}

/**
 * One step of a recurrent network. A cell of your own needs `forward`, and `start` when its state is more than `h`.
 * @example
 * class Leaky extends RecurrentCell {
 *   readonly mix = new Linear(this.inputs + this.hidden, this.hidden);
 *   forward(x: Tensor, { h }: CellState): CellState {
 *     return { h: add(mul(h, 0.9), mul(tanh(this.mix.forward(concat([x, h], 1))), 0.1)) };
 *   }
 * }
 */
export abstract class RecurrentCell<S extends CellState = CellState> extends Module {
  constructor(
    readonly inputs: number,
    readonly hidden: number,
    op = "RecurrentCell",
  ) {
    super();
    expectSize(op, "inputs", inputs);
    expectSize(op, "hidden", hidden);
  }

  /**
   * @param x [n, inputs]
   * @param state that after the step before; default {@link start}
   * @returns the state after this step
   */
  abstract override forward(x: Tensor, state?: S): S;

  /** The state before the first step, for `n` rows of `x`'s dtype and device: `h` = 0. */
  start(n: number, x: Tensor): S {
    return { h: this.zero(n, x) } as S;
  }

  /**
   * All steps of a sequence, by default one after the other with {@link unroll}'s function. Cells override it where one op
   * takes all steps at once.
   * @param x [n, time, inputs]
   * @param state that before the first step
   * @returns `output` [n, time, hidden], and the state after the last step
   */
  scan(x: Tensor, state: S, { reverse = false, mask }: ScanOptions = {}): { output: Tensor; state: S } {
    const time = x.shape[1]!;
    const step = this.unroll(x);
    const outputs = new Array<Tensor>(time);
    let current = state;
    for (let i = 0; i < time; i++) {
      const t = reverse ? time - 1 - i : i;
      const next = step(t, current);
      const real = mask && slice(mask, [null, [t, t + 1]]);
      outputs[t] = real ? where(real, next.h, 0) : next.h;
      current = real ? held(real, next, current) : next;
    }
    return { output: stack(outputs, 1), state: current };
  }

  /**
   * The step function for a sequence [n, time, inputs]: step t's state from the one before. Cells override it to compute
   * what does not depend on the state for all steps at once.
   */
  unroll(x: Tensor): (t: number, state: S) => S {
    const steps = unstack(x, 1);
    return (t, state) => this.forward(steps[t]!, state);
  }

  /**
   * The state of a step, by default {@link start}.
   * @throws ShapeError unless `x` is [n, inputs] and each of the states [n, hidden]: a single row would count for all
   */
  protected stateOf(op: string, x: Tensor, state: S | undefined): S {
    expectTensor(op, "x", x);
    if (x.rank !== 2 || x.shape[1] !== this.inputs) {
      throw new ShapeError({
        op,
        argument: "x",
        expected: `[n, ${this.inputs}]`,
        received: formatShape(x.shape),
        remedy: "A cell takes one step; Recurrent runs it over sequences.",
      });
    }
    if (state === undefined) return this.start(x.shape[0]!, x);
    expectRecord(op, "state", state, "the states by name, as forward returns them");
    for (const [name, value] of Object.entries(state)) {
      expectTensor(op, `state.${name}`, value);
      expectSameShape(op, `state.${name}`, [x.shape[0]!, this.hidden], (value as Tensor).shape);
    }
    return state;
  }

  /** Zeros [n, hidden] like `x`. */
  protected zero(n: number, { dtype, device }: Tensor): Tensor {
    return zeros([n, this.hidden], { dtype, device });
  }
}

export interface CellOptions extends InitOptions {
  /** Default true. */
  readonly bias?: boolean;
}

/** What the options of a cell may be. */
export const CELL_OPTIONS: OptionKinds<CellOptions> = { ...INIT_OPTIONS, bias: "boolean" };

/** A cell whose pre-activations, one or several gates side by side, are W x + b + W′h + b′, with PyTorch's parameters. */
export abstract class GatedCell<S extends CellState = CellState> extends RecurrentCell<S> {
  /** [gates·hidden, inputs] */
  readonly weightIh: Parameter;
  /** [gates·hidden, hidden] */
  readonly weightHh: Parameter;
  /** [gates·hidden] */
  readonly biasIh: Parameter | null;
  /** [gates·hidden] */
  readonly biasHh: Parameter | null;

  constructor(op: string, gates: number, inputs: number, hidden: number, options: CellOptions) {
    super(inputs, hidden, op);
    expectOptions(op, options, CELL_OPTIONS);
    const { bias = true, ...init } = options;
    const bound = 1 / Math.sqrt(hidden);
    const rows = gates * hidden;
    const name = gates === 1 ? "hidden" : `${gates}·hidden`;
    this.weightIh = new Parameter(initUniform([rows, inputs], bound, init), { layout: `${name},in` });
    this.weightHh = new Parameter(initUniform([rows, hidden], bound, init), { layout: `${name},hidden` });
    this.biasIh = bias ? new Parameter(initUniform([rows], bound, init)) : null;
    this.biasHh = bias ? new Parameter(initUniform([rows], bound, init)) : null;
  }
}

export interface RecurrentOptions {
  /** Layers stacked on one another. Default 1. */
  readonly layers?: number;
  /** Adds a second direction that reads from the end; outputs are concatenated. Default false. */
  readonly bidirectional?: boolean;
  /** Dropout between stacked layers. Default 0. */
  readonly dropout?: number;
  /** Random stream of the dropout. */
  readonly generator?: Generator;
}

/** What the options of a recurrent layer may be, beside those of its cells. */
export const RECURRENT_OPTIONS: OptionKinds<RecurrentOptions> = {
  layers: "size",
  bidirectional: "boolean",
  dropout: "number",
  generator: "generator",
};

/** Options of RNN, GRU, LSTM and HORNN. */
export interface RecurrentLayerOptions extends RecurrentOptions, CellOptions {}

export const RECURRENT_LAYER_OPTIONS: OptionKinds<RecurrentLayerOptions> = { ...RECURRENT_OPTIONS, ...CELL_OPTIONS };

/** The options of the scaffold out of those of a layer. */
export function recurrentOptions(options: RecurrentOptions): RecurrentOptions {
  return pickOptions(options, RECURRENT_OPTIONS);
}

export interface RecurrentInput<S extends CellState = CellState> {
  /** Initial states, [layers·directions, n, …] each; default the cells' own, zeros. */
  readonly state?: S | undefined;
  /** bool [n, time], true at real positions. The state stands still at the others, and their output is 0. */
  readonly mask?: Tensor | undefined;
  /** Steps of each row, from 0 to time: the same as a mask with that many true values in front. int32 [n] if a tensor. */
  readonly lengths?: Tensor | readonly number[] | undefined;
}

const INPUT: OptionKinds<RecurrentInput> = { state: "any", mask: "tensor", lengths: "any" };

export interface RecurrentOutput<S extends CellState = CellState> {
  /** [n, time, directions·hidden] */
  readonly output: Tensor;
  /**
   * Each row's states after its own last step (which for the reverse direction is its first position),
   * [layers·directions, n, …] each; of layer k the forward direction is at k·directions.
   */
  readonly state: S;
}

/** What all recurrent layers are: cells by layer and direction, run over sequences [n, time, inputs]. */
export abstract class RecurrentLayer<S extends CellState = CellState> extends Module {
  readonly inputs: number;
  readonly hidden: number;
  readonly layers: number;
  readonly directions: number;
  readonly dropout: number;
  readonly #op: string;
  readonly #drop: Dropout;
  readonly #cells: readonly RecurrentCell<S>[];

  /** @param make makes the cell of one direction of one layer, for inputs of the given width */
  constructor(op: string, make: (inputs: number) => RecurrentCell<S>, inputs: number, options: RecurrentOptions) {
    super();
    expectFunction(op, "make", make);
    expectOptions(op, options, RECURRENT_OPTIONS);
    const { layers = 1, bidirectional = false, dropout = 0, generator } = options;
    expectSize(op, "inputs", inputs);
    expectInteger(op, "layers", layers, 1, MOST_LAYERS);
    this.#op = op;
    this.inputs = inputs;
    this.layers = layers;
    this.directions = bidirectional ? 2 : 1;
    this.dropout = dropout;
    this.#drop = new Dropout(dropout, generator ? { generator } : {});
    const cells: RecurrentCell<S>[] = [];
    for (let layer = 0; layer < layers; layer++) {
      const width = layer === 0 ? inputs : cells[0]!.hidden * this.directions;
      for (let direction = 0; direction < this.directions; direction++) cells.push(made(op, make(width)));
    }
    this.#cells = cells;
    this.hidden = cells[0]!.hidden;
  }

  /** Of layer k and direction d at k·directions + d. */
  protected cellList(): readonly RecurrentCell<S>[] {
    return this.#cells;
  }

  /** Shows the cells' parameters under PyTorch's names: `weightIhL0`, or `weightIhL0Reverse` in the second direction. */
  protected nameParameters(): void {
    this.#cells.forEach((cell, i) => {
      const suffix = `L${Math.floor(i / this.directions)}${i % this.directions === 1 ? "Reverse" : ""}`;
      for (const [name, value] of Object.entries(cell.parameters())) {
        Object.defineProperty(this, name + suffix, { value, enumerable: true, configurable: true });
      }
    });
  }

  /**
   * @param x [n, time, inputs], time ≥ 1
   * @throws ShapeError for an input, mask, lengths or state that does not fit
   */
  forward(x: Tensor, input: RecurrentInput<S> = {}): RecurrentOutput<S> {
    const op = this.#op;
    expectOptions(op, input, INPUT);
    const { state, mask, lengths } = input;
    expectTensor(op, "x", x);
    if (x.rank !== 3 || x.shape[2] !== this.inputs || x.shape[1] === 0) {
      throw new ShapeError({
        op,
        argument: "x",
        expected: `[n, time, ${this.inputs}]`,
        received: formatShape(x.shape),
        remedy: "Batches come first, then time (at least one step), then features.",
      });
    }
    const [n, time] = x.shape as [number, number, number];
    const real = maskOf(op, n, time, mask, lengths, x);
    const initial = this.#initial(op, n, x, state);
    const finals: S[] = [];
    // what stands in padding, be it NaN, reaches no weight
    let sequence = real ? where(unsqueeze(real, 2), x, 0) : x;
    for (let layer = 0; layer < this.layers; layer++) {
      if (layer > 0 && this.training) sequence = this.#drop.forward(sequence);
      const outputs: Tensor[] = [];
      for (let direction = 0; direction < this.directions; direction++) {
        const index = finals.length;
        const options = { reverse: direction === 1, mask: real };
        const run = this.#cells[index]!.scan(sequence, initial(index), options);
        outputs.push(run.output);
        finals.push(run.state);
      }
      sequence = concat(outputs, 2);
    }
    const names = Object.keys(finals[0]!) as (keyof S)[];
    return { output: sequence, state: record<S>(names, (name) => stack(finals.map((final) => part(final, name)))) };
  }

  /** The initial state of each cell. */
  #initial(op: string, n: number, x: Tensor, state: S | undefined): (index: number) => S {
    const own = this.#cells[0]!.start(n, x);
    if (state !== undefined) expectRecord(op, "state", state, "the states by name, as forward returns them");
    if (!state) return (index) => (index === 0 ? own : this.#cells[index]!.start(n, x));
    const names = Object.keys(own) as (keyof S & string)[];
    for (const name of names) {
      if (!isTensor(state[name])) {
        throw new ValueError({
          op,
          argument: "state",
          expected: `tensors ${names.join(", ")}`,
          received: Object.keys(state).join(", "),
        });
      }
      const shape = [this.#cells.length, ...part(own, name).shape];
      expectSameShape(op, `state.${name}`, shape, part(state, name).shape);
    }
    return (index) => record<S>(names, (name) => slice(part(state, name), [index]));
  }
}

function made<C>(op: string, cell: C): C {
  if (cell instanceof RecurrentCell) return cell;
  throw new ValueError({
    op,
    argument: "make",
    expected: "a function that returns a RecurrentCell",
    received: `one that returns ${cell instanceof Module ? "another module" : typeof cell}`,
  });
}

const part = <S extends object>(state: S, name: keyof S): Tensor => state[name] as Tensor;

function record<S extends object>(names: readonly (keyof S)[], value: (name: keyof S) => Tensor): S {
  return Object.fromEntries(names.map((name) => [name, value(name)])) as S;
}

/** @throws ValueError for lengths outside of 0 … time, those of a tensor as far as the host knows them */
function expectLengths(op: string, lengths: Tensor | readonly number[], time: number): void {
  const error = (received: string) =>
    new ValueError({
      op,
      argument: "lengths",
      expected: `integers from 0 to ${time}, the number of steps`,
      received,
      remedy: "Count the real steps of each row; what stands behind them is padding.",
    });
  if (isTensor(lengths)) {
    expectIndex(op, "lengths", lengths.dtype);
    const { range, length } = lengths.storage;
    // a view may leave out the extreme element
    const [low, high] = range && lengths.size === length ? range : [0, 0];
    if (low < 0 || high > time) throw error(String(low < 0 ? low : high));
    return;
  }
  if (!Array.isArray(lengths)) throw error(typeof lengths);
  const whole = (value: number) => Number.isInteger(value) && value >= 0 && value <= time;
  if (!lengths.every(whole)) throw error(`[${lengths.join(", ")}]`);
}

/** The padding mask that the options name, bool [n, time], if any. */
function maskOf(
  op: string,
  n: number,
  time: number,
  mask: Tensor | undefined,
  lengths: Tensor | readonly number[] | undefined,
  { device }: Tensor,
): Tensor | undefined {
  if (mask && lengths) {
    throw new ValueError({ op, argument: "lengths", expected: "either a mask or lengths", received: "both" });
  }
  if (mask) expectSameShape(op, "mask", [n, time], mask.shape);
  if (lengths === undefined) return mask;
  expectLengths(op, lengths, time);
  const counts = isTensor(lengths) ? lengths : tensor(Int32Array.from(lengths), { device });
  expectSameShape(op, "lengths", [n], counts.shape);
  return less(arange(0, time, 1, { dtype: "int32", device }), unsqueeze(counts, 1));
}

/** The next state in real rows, the old one in padded rows. */
function held<S extends CellState>(real: Tensor, next: S, old: S): S {
  const names = Object.keys(next) as (keyof S)[];
  return record<S>(names, (name) => where(real, part(next, name), part(old, name)));
}

/**
 * Runs cells of any kind over sequences, as {@link LSTM} does with its own.
 * @example
 * const layer = new Recurrent((inputs) => new Leaky(inputs, 32), 16, { layers: 2, bidirectional: true });
 * const { output, state } = layer.forward(x, { lengths: [7, 4] });    // [2, 7, 16] → [2, 7, 64], state.h [4, 2, 32]
 */
export class Recurrent<S extends CellState = CellState> extends RecurrentLayer<S> {
  readonly cells: readonly RecurrentCell<S>[];

  constructor(make: (inputs: number) => RecurrentCell<S>, inputs: number, options: RecurrentOptions = {}) {
    super("Recurrent", make, inputs, options);
    this.cells = this.cellList();
  }
}
