/** Feedforward sequential memory network: deep layers with memory blocks and no recurrence (Zhang et al. 2015; Jiang §8.2.7). */
import {
  add,
  cast,
  expectSameShape,
  flip,
  formatShape,
  mul,
  relu,
  ShapeError,
  type Tensor,
  unsqueeze,
} from "@neurite/core";
import { expectInteger, expectOptions, expectRecord, type OptionKinds } from "@neurite/core/expect";
import {
  INIT_OPTIONS,
  type InitOptions,
  initOptions,
  Linear,
  MOST_LAYERS,
  Module,
  TappedDelayLine,
  UnitDelay,
} from "@neurite/layers";

export interface FSMNOptions extends InitOptions {
  /** Features of each sequence element. */
  readonly inputs: number;
  /** Logits for each step. */
  readonly outputs: number;
  /** Width of the hidden layers. Default 128. */
  readonly features?: number;
  /** Hidden layers. Default 3. */
  readonly layers?: number;
  /** Steps that a memory holds, the present one counted. Default 10. */
  readonly taps?: number;
  /** Steps of the future that it looks ahead; above 0 the net is bidirectional. Default 0. */
  readonly ahead?: number;
  /** One coefficient per tap and feature instead of one per tap. Default true. */
  readonly vector?: boolean;
  /** Adds the input of each hidden layer from the second on to its output. Default false. */
  readonly skip?: boolean;
}

const LAYER: OptionKinds<Omit<FSMNOptions, "inputs" | "outputs" | "features">> = {
  ...INIT_OPTIONS,
  layers: "count",
  taps: "size",
  ahead: "count",
  vector: "boolean",
  skip: "boolean",
};
const OPTIONS: OptionKinds<FSMNOptions> = { ...LAYER, inputs: "size", outputs: "size", features: "size" };

/** h = relu(Wx + b) with its memory: h_t + Σ_{i<taps} a_i ⊗ h_{t−i} + Σ_{1≤j≤ahead} c_j ⊗ h_{t+j}. */
export class FSMNLayer extends Module {
  readonly linear: Linear;
  /** The past. */
  readonly memory: TappedDelayLine;
  /** The future, read in reverse. */
  readonly ahead: TappedDelayLine | null;
  readonly delay: UnitDelay;
  readonly skip: boolean;

  constructor(inputs: number, features: number, options: Omit<FSMNOptions, "inputs" | "outputs" | "features">) {
    super();
    expectOptions("FSMNLayer", options, LAYER);
    const { taps = 10, ahead = 0, vector = true, skip = false } = options;
    const init = initOptions(options);
    expectInteger("FSMN", "ahead", ahead, 0);
    this.linear = new Linear(inputs, features, init);
    this.memory = new TappedDelayLine(features, taps, { vector, ...init });
    this.ahead = ahead > 0 ? new TappedDelayLine(features, ahead, { vector, ...init }) : null;
    this.delay = new UnitDelay(features);
    this.skip = skip && inputs === features;
  }

  /**
   * @param x [n, time, inputs]
   * @param real [n, time, 1], 0 at padding
   */
  forward(x: Tensor, real?: Tensor): Tensor {
    const active = relu(this.linear.forward(x));
    const h = real ? mul(active, real) : active;
    let y = add(h, this.memory.forward(h));
    if (this.ahead) y = add(y, flip(this.ahead.forward(this.delay.forward(flip(h, 1))), 1));
    return this.skip ? add(y, x) : y;
  }
}

/**
 * Hidden layers with memory blocks, and a linear layer to logits for each step.
 * @example
 * const net = new FSMN({ inputs: 40, outputs: 32, taps: 20, ahead: 5, skip: true });
 * net.forward(frames);                            // [8, 100, 40] → [8, 100, 32]
 */
export class FSMN extends Module {
  readonly layers: readonly FSMNLayer[];
  readonly output: Linear;
  readonly inputs: number;

  constructor(options: FSMNOptions) {
    super();
    expectRecord("FSMN", "options", options, "an object with inputs and outputs");
    expectOptions("FSMN", options, OPTIONS);
    const { inputs, outputs, features = 128, layers = 3, ...others } = options;
    expectInteger("FSMN", "layers", layers, 0, MOST_LAYERS);
    this.inputs = inputs;
    this.layers = Array.from(
      { length: layers },
      (_, i) => new FSMNLayer(i === 0 ? inputs : features, features, others),
    );
    this.output = new Linear(layers === 0 ? inputs : features, outputs, initOptions(others));
  }

  /**
   * @param x [n, time, inputs]
   * @param mask bool [n, time], true at real steps; nothing is remembered of the others
   * @returns logits [n, time, outputs]
   */
  forward(x: Tensor, { mask }: { readonly mask?: Tensor | undefined } = {}): Tensor {
    if (x.rank !== 3 || x.shape[2] !== this.inputs) {
      throw new ShapeError({
        op: "FSMN",
        argument: "x",
        expected: `[n, time, ${this.inputs}]`,
        received: formatShape(x.shape),
      });
    }
    if (mask) expectSameShape("FSMN", "mask", x.shape.slice(0, 2), mask.shape);
    const real = mask && unsqueeze(cast(mask, x.dtype), 2);
    return this.output.forward(this.layers.reduce((value, layer) => layer.forward(value, real), x));
  }
}
