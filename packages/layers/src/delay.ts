/** Memory blocks: the unit delay, loops through it, and the tapped delay line (Jiang §8.2.7). */
import {
  concat,
  conv1d,
  expand,
  expectSameShape,
  expectTensor,
  flip,
  formatShape,
  Parameter,
  reshape,
  ShapeError,
  slice,
  type Tensor,
  ValueError,
  zeros,
} from "@neurite/core";
import { expectOptions, expectSize, type OptionKinds } from "@neurite/core/expect";
import { INIT_OPTIONS } from "./init-options.js";
import { type InitOptions, initUniform } from "./initializers.js";
import { Module } from "./module.js";
import { type CellState, RecurrentCell } from "./recurrent.js";
import type { Layer } from "./sequential.js";

function expectSequence(op: string, x: Tensor, features: number): void {
  expectTensor(op, "x", x);
  if (x.rank === 3 && x.shape[2] === features) return;
  throw new ShapeError({
    op,
    argument: "x",
    expected: `[n, time, ${features}]`,
    received: formatShape(x.shape),
    remedy: "Batches come first, then time, then features.",
  });
}

/** `past` [n, steps, features], default zeros, in front of `x`. */
function withPast(op: string, x: Tensor, steps: number, past: Tensor | undefined): Tensor {
  const [n, , features] = x.shape as readonly number[] as [number, number, number];
  if (past) expectSameShape(op, "past", [n, steps, features], past.shape);
  return concat([past ?? zeros([n, steps, features], { dtype: x.dtype, device: x.device }), x], 1);
}

/**
 * z⁻¹: what came one step before, y_t ↦ y_{t−1}. Over a sequence it is a shift; inside a {@link FeedbackLoop} it is the
 * memory that makes the cycle possible.
 * @example
 * new UnitDelay(16).forward(y);                 // [8, 11, 16] → [8, 11, 16], zeros at the first step
 */
export class UnitDelay extends Module {
  constructor(readonly features: number) {
    super();
    expectSize("UnitDelay", "features", features);
  }

  /**
   * @param x [n, time, features]
   * @param past [n, 1, features], what came before the first step; default zeros
   */
  forward(x: Tensor, past?: Tensor): Tensor {
    expectSequence("UnitDelay", x, this.features);
    return slice(withPast("UnitDelay", x, 1, past), [null, [0, x.shape[1]!]]);
  }
}

/** A block with an input from outside and one from its own past: [n, inputs], [n, fed back] → [n, outputs]. */
export type FeedbackBlock = Module & { forward(x: Tensor, fed: Tensor): Tensor };

/** The memory of a loop: `h` is the block's output, `z1`, `z2`, … what the delays along the path hold. */
export interface LoopState extends CellState {
  readonly [delay: `z${number}`]: Tensor;
}

/**
 * A block whose output is led back to it along a path of layers: y_t = block(x_t, path(y_t)). A cycle has a value only if
 * something on it waits a step, so the path must hold a {@link UnitDelay}; with k of them y_{t−k} comes back. The values
 * of all blocks are computed in order, and there is no other way to build a cycle.
 *
 * It is a cell: {@link Recurrent} runs it over sequences, with initial states and masks.
 * @param path layers from the output back to the block, position by position: [n, a] → [n, b]
 * @throws ValueError for a path without a delay
 * @example
 * const loop = new FeedbackLoop(16, 32, new Mix(16, 32), [new UnitDelay(32)]);
 * new Recurrent(() => loop, 16).forward(x).output;                    // [8, 11, 16] → [8, 11, 32]
 */
export class FeedbackLoop extends RecurrentCell<LoopState> {
  readonly #delays: readonly UnitDelay[];
  /** The layers before the first delay, between the first and the second, …, and after the last. */
  readonly #segments: readonly (readonly Layer[])[];

  constructor(
    inputs: number,
    outputs: number,
    readonly block: FeedbackBlock,
    readonly path: readonly Layer[],
  ) {
    super(inputs, outputs, "FeedbackLoop");
    this.#delays = path.filter((layer): layer is UnitDelay => layer instanceof UnitDelay);
    if (this.#delays.length === 0) {
      throw new ValueError({
        op: "FeedbackLoop",
        argument: "path",
        expected: "a UnitDelay among its layers",
        received: path.length === 0 ? "no layers" : `${path.length} layers without one`,
        remedy:
          "A cycle without a delay has no value: its input would need its own output. Add new UnitDelay(features).",
      });
    }
    const segments: Layer[][] = [[]];
    for (const layer of path) {
      if (layer instanceof UnitDelay) segments.push([]);
      else segments[segments.length - 1]!.push(layer);
    }
    this.#segments = segments;
  }

  override start(n: number, x: Tensor): LoopState {
    const empty = ({ features }: UnitDelay) => zeros([n, features], { dtype: x.dtype, device: x.device });
    return { h: this.zero(n, x), ...named(this.#delays.map(empty)) };
  }

  forward(x: Tensor, state: LoopState = this.start(x.shape[0]!, x)): LoopState {
    const held = this.#delays.map((_, i) => state[`z${i + 1}`]!);
    const h = this.block.forward(x, this.#along(this.#delays.length, held[held.length - 1]!));
    expectSameShape("FeedbackLoop", "the block's output", [x.shape[0]!, this.hidden], h.shape);
    const entering = [h, ...held.slice(0, -1)].map((value, i) => this.#along(i, value));
    entering.forEach((value, i) => {
      expectSameShape("FeedbackLoop", `input of delay ${i + 1}`, held[i]!.shape, value.shape);
    });
    return { h, ...named(entering) };
  }

  #along(segment: number, x: Tensor): Tensor {
    return this.#segments[segment]!.reduce((value, layer) => layer.forward(value), x);
  }
}

function named(values: readonly Tensor[]): Record<`z${number}`, Tensor> {
  return Object.fromEntries(values.map((value, i) => [`z${i + 1}`, value]));
}

export interface TappedDelayLineOptions extends InitOptions {
  /** One coefficient per tap and feature instead of one per tap. Default false. */
  readonly vector?: boolean;
}

const OPTIONS: OptionKinds<TappedDelayLineOptions> = { ...INIT_OPTIONS, vector: "boolean" };

/**
 * ẑ_t = Σ_{i<taps} a_i ⊗ y_{t−i}: a memory without recurrence, as in feedforward sequential memory networks (Zhang et al.
 * 2015). With vector taps it is a causal convolution by channel, whose filter is a in reverse. The coefficients start
 * uniform in ±1/√taps, as that convolution's would.
 * @example
 * const memory = new TappedDelayLine(16, 5, { vector: true });
 * memory.forward(y);                              // [8, 11, 16] → [8, 11, 16]
 */
export class TappedDelayLine extends Module {
  /** a: [taps], or [taps, features] for vector taps; a₀ weighs the present */
  readonly weight: Parameter;

  constructor(
    readonly features: number,
    readonly taps: number,
    options: TappedDelayLineOptions = {},
  ) {
    super();
    expectOptions("TappedDelayLine", options, OPTIONS);
    const { vector = false, ...init } = options;
    expectSize("TappedDelayLine", "features", features);
    expectSize("TappedDelayLine", "taps", taps);
    const shape = vector ? [taps, features] : [taps];
    const layout = vector ? "tap,features" : "tap";
    this.weight = new Parameter(initUniform(shape, 1 / Math.sqrt(taps), init), { layout });
  }

  /**
   * @param y [n, time, features]
   * @param past [n, taps − 1, features], what came before the first step; default zeros
   */
  forward(y: Tensor, past?: Tensor): Tensor {
    const { features, taps, weight } = this;
    expectSequence("TappedDelayLine", y, features);
    const filter = reshape(flip(weight, 0), [taps, 1, weight.rank === 2 ? features : 1]);
    const line = taps > 1 ? withPast("TappedDelayLine", y, taps - 1, past) : y;
    return conv1d(line, expand(filter, [taps, 1, features]), { groups: features });
  }
}
