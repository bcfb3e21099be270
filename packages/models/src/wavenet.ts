/** WaveNet: dilated causal convolutions that predict a signal sample by sample (van den Oord et al. 2016; Jiang §8.6). */
import {
  add,
  concat,
  conv1d,
  crossEntropy,
  expectSameShape,
  formatShape,
  mul,
  pad,
  relu,
  reshape,
  ShapeError,
  sigmoid,
  slice,
  split,
  type Tensor,
  tanh,
  unstack,
  ValueError,
  zeros,
} from "@neurite/core";
import { expectInteger, expectOptions, type OptionKinds } from "@neurite/core/expect";
import { Conv1d, Embedding, INIT_OPTIONS, type InitOptions, Linear, MOST_LAYERS, Module } from "@neurite/layers";

import type { EncoderDecoder } from "./search/decoder.js";
import { type GenerateOptions, generate } from "./search/sample.js";
import { expectTokens } from "./tokens.js";

export interface WaveNetOptions extends InitOptions {
  /** Values of a sample, such as the 256 classes of µ-law. Default 256. */
  readonly levels?: number;
  /** Layers in a cycle, of dilations 1, 2, 4, …. Default 10. */
  readonly layers?: number;
  /** Cycles of layers. Default 3. */
  readonly cycles?: number;
  /** Length of the filters. Default 2. */
  readonly size?: number;
  /** Channels between layers. Default 64. */
  readonly residual?: number;
  /** Channels of the gated activations. Default those of `residual`. */
  readonly gated?: number;
  /** Channels of the skip paths. Default 256. */
  readonly skip?: number;
  /** Features of a condition, such as a speaker or the text's phones; 0: there is none. Default 0. */
  readonly condition?: number;
}

/** What is known of the signal beside its past: [n, time, condition], or [n, 1, condition] for all of it. */
export interface WaveNetContext {
  readonly condition?: Tensor | undefined;
}

/** A cycle doubles the dilation in each layer, and 2³⁰ is beyond any signal. */
const MOST_DOUBLINGS = 30;

const OPTIONS: OptionKinds<WaveNetOptions> = {
  ...INIT_OPTIONS,
  levels: "size",
  layers: "size",
  cycles: "size",
  size: "size",
  residual: "size",
  gated: "size",
  skip: "size",
  condition: "count",
};
const CONTEXT: OptionKinds<WaveNetContext> = { condition: "tensor" };

/** What each layer needs of earlier samples. */
export interface WaveNetState {
  /** Samples seen. */
  readonly time: number;
  /** Layer by layer its (size − 1)·dilation last inputs, the oldest first, [n, residual] each. */
  readonly pasts: readonly (readonly Tensor[])[];
  /** The sum of the skip paths, [n, skip]. */
  readonly skips: Tensor;
}

export interface WaveNetPrompt extends WaveNetContext {
  readonly state: WaveNetState;
}

/** z = tanh(W_f ∗ x + V_f c) ⊙ σ(W_g ∗ x + V_g c), and 1 × 1 convolutions of it to the residual and the skip path. */
export class WaveNetLayer extends Module {
  /** Filter and gate side by side. */
  readonly dilated: Conv1d;
  readonly condition: Linear | null;
  /** The residual path; null in the last layer, behind which nothing reads it. */
  readonly out: Linear | null;
  readonly skip: Linear;

  constructor(
    readonly dilation: number,
    last: boolean,
    options: Required<Pick<WaveNetOptions, "size" | "residual" | "gated" | "skip" | "condition">>,
    init: InitOptions,
  ) {
    super();
    const { size, residual, gated, skip, condition } = options;
    this.dilated = new Conv1d(residual, 2 * gated, size, { dilation, ...init });
    this.condition = condition > 0 ? new Linear(condition, 2 * gated, { bias: false, ...init }) : null;
    this.out = last ? null : new Linear(gated, residual, init);
    this.skip = new Linear(gated, skip, init);
  }

  /** How many earlier inputs an output sees. */
  get reach(): number {
    return (this.dilated.size[0]! - 1) * this.dilation;
  }

  /** @param x [n, time, residual] → the next layer's x, and [n, time, skip] */
  forward(x: Tensor, condition?: Tensor): { readonly x: Tensor; readonly skip: Tensor } {
    const padded = pad(x, [{}, { before: this.reach }, {}]);
    return this.#gate(x, this.dilated.forward(padded), condition);
  }

  /**
   * One step.
   * @param x [n, residual]
   * @param past its {@link reach} last inputs
   * @param condition [n, condition]
   */
  step(x: Tensor, past: readonly Tensor[], condition?: Tensor): { readonly x: Tensor; readonly skip: Tensor } {
    const { weight, bias, size } = this.dilated;
    const taps = [...Array.from({ length: size[0]! - 1 }, (_, i) => past[i * this.dilation]!), x];
    const seen = reshape(concat(taps, 1), [x.shape[0]!, taps.length, x.shape[1]!]);
    const gates = conv1d(seen, weight, { bias: bias ?? undefined });
    return this.#gate(x, reshape(gates, [x.shape[0]!, gates.shape[2]!]), condition);
  }

  #gate(x: Tensor, gates: Tensor, condition: Tensor | undefined): { readonly x: Tensor; readonly skip: Tensor } {
    const sum = this.condition && condition ? add(gates, this.condition.forward(condition)) : gates;
    const [filter, gate] = split(sum, 2, sum.rank - 1) as [Tensor, Tensor];
    const z = mul(tanh(filter), sigmoid(gate));
    return { x: this.out ? add(x, this.out.forward(z)) : x, skip: this.skip.forward(z) };
  }
}

/**
 * Predicts each sample, a class of µ-law, from those before it. The first layer is an embedding, which is a convolution of
 * length 1 over one-hot vectors; the sum of the skip paths goes through ReLU, 1 × 1, ReLU, 1 × 1 to the logits.
 * @example
 * const net = new WaveNet({ layers: 8, cycles: 2, residual: 32, skip: 64 });
 * const loss = net.loss(samples);                 // int32 [8, 4000]
 * const [next] = await net.eval().generate(samples, { steps: 16000 });
 */
export class WaveNet extends Module implements EncoderDecoder<WaveNetPrompt, WaveNetState> {
  readonly embedding: Embedding;
  readonly layers: readonly WaveNetLayer[];
  readonly head: Linear;
  readonly output: Linear;
  readonly condition: number;
  readonly #skip: number;

  constructor(options: WaveNetOptions = {}) {
    super();
    expectOptions("WaveNet", options, OPTIONS);
    const {
      levels = 256,
      layers = 10,
      cycles = 3,
      size = 2,
      residual = 64,
      gated = residual,
      skip = 256,
      condition = 0,
      ...init
    } = options;
    expectInteger("WaveNet", "layers", layers, 1, MOST_DOUBLINGS);
    expectInteger("WaveNet", "cycles", cycles, 1, MOST_LAYERS);
    this.embedding = new Embedding(levels, residual, init);
    this.layers = Array.from(
      { length: layers * cycles },
      (_, i) =>
        new WaveNetLayer(
          2 ** (i % layers),
          i === layers * cycles - 1,
          { size, residual, gated, skip, condition },
          init,
        ),
    );
    this.head = new Linear(skip, skip, init);
    this.output = new Linear(skip, levels, init);
    this.condition = condition;
    this.#skip = skip;
  }

  /** Samples that a prediction depends on: 1 + cycles · (2^layers − 1) · (size − 1). */
  get receptiveField(): number {
    return this.layers.reduce((sum, layer) => sum + layer.reach, 1);
  }

  /**
   * @param samples int32 [n, time]
   * @returns logits of the sample after each, [n, time, levels]
   */
  forward(samples: Tensor, context: WaveNetContext = {}): Tensor {
    expectTokens("WaveNet", "samples", samples);
    expectOptions("WaveNet", context, CONTEXT);
    const { condition } = context;
    this.#expectCondition(condition, samples.shape[0]!, samples.shape[1]!);
    let x = this.embedding.forward(samples);
    const skips = this.layers.map((layer) => {
      const next = layer.forward(x, condition);
      x = next.x;
      return next.skip;
    });
    return this.#head(skips.reduce((sum, skip) => add(sum, skip)));
  }

  /** Mean cross-entropy of samples int32 [n, time] from the second on, in nats. */
  loss(samples: Tensor, context: WaveNetContext = {}): Tensor {
    if (samples.shape[1] === 1) {
      throw new ShapeError({
        op: "WaveNet",
        argument: "samples",
        expected: "[n, time] with at least two steps, one to predict the other from",
        received: formatShape(samples.shape),
      });
    }
    const logits = this.forward(samples, context);
    return crossEntropy(slice(logits, [null, [0, -1]]), slice(samples, [null, [1, null]]));
  }

  #head(skips: Tensor): Tensor {
    return this.output.forward(relu(this.head.forward(relu(skips))));
  }

  #expectCondition(condition: Tensor | undefined, n: number, time: number): void {
    if (!condition && this.condition === 0) return;
    if (!condition || this.condition === 0) {
      throw new ValueError({
        op: "WaveNet",
        argument: "condition",
        expected: this.condition === 0 ? "none, as the net was built without" : `[n, time or 1, ${this.condition}]`,
        received: condition ? "one" : "none",
      });
    }
    const steps = condition.shape[1] === 1 ? 1 : time;
    expectSameShape("WaveNet", "condition", [n, steps, this.condition], condition.shape);
  }

  /** The state before the last sample of a prompt int32 [n, time], and the condition as it was given. */
  encode(prompt: Tensor, { condition }: WaveNetContext = {}): WaveNetPrompt {
    expectTokens("WaveNet", "prompt", prompt);
    const [n, time] = prompt.shape as readonly number[] as [number, number];
    const { dtype, device } = this.embedding.weight;
    let x = this.embedding.forward(slice(prompt, [null, [0, time - 1]]));
    const conditioned = condition && condition.shape[1] !== 1 ? slice(condition, [null, [0, time - 1]]) : condition;
    const pasts = this.layers.map((layer) => {
      const { reach } = layer;
      const line = unstack(slice(pad(x, [{}, { before: reach }, {}]), [null, [time - 1, null]]), 1);
      if (time > 1) x = layer.forward(x, conditioned).x;
      return line;
    });
    const state = { time: time - 1, pasts, skips: zeros([n, this.#skip], { dtype, device }) };
    return { state, ...(condition && { condition }) };
  }

  start({ state }: WaveNetPrompt): WaveNetState {
    return state;
  }

  /** One sample int32 [n]: the work of one position in each layer, whatever the receptive field. */
  step(samples: Tensor, { time, pasts }: WaveNetState, { condition }: WaveNetContext = {}): WaveNetState {
    const now = condition && slice(condition, [null, condition.shape[1] === 1 ? 0 : time]);
    let x = this.embedding.forward(samples);
    const skips: Tensor[] = [];
    const next = this.layers.map((layer, i) => {
      const past = pasts[i]!;
      const after = layer.step(x, past, now);
      const shifted = [...past.slice(1), x];
      x = after.x;
      skips.push(after.skip);
      return shifted;
    });
    return { time: time + 1, pasts: next, skips: skips.reduce((sum, skip) => add(sum, skip)) };
  }

  /** Scores of the next sample, [n, levels]. */
  logits({ skips }: WaveNetState): Tensor {
    return this.#head(skips);
  }

  /**
   * Continues signals int32 [n, time], time ≥ 1, by drawing samples; each costs one position. A condition that changes with
   * time must cover prompt and continuation.
   * @returns the new samples of each signal
   */
  async generate(prompt: Tensor, { condition, ...options }: GenerateOptions & WaveNetContext): Promise<number[][]> {
    this.#expectCondition(condition, prompt.shape[0]!, prompt.shape[1]! + options.steps - 1);
    const model: EncoderDecoder<WaveNetPrompt, WaveNetState> = {
      encode: (samples) => this.encode(samples, { condition }),
      start: (encoded) => this.start(encoded),
      step: (samples, state, encoded) => this.step(samples, state, encoded),
      logits: (state) => this.logits(state),
    };
    return generate(model, prompt, options);
  }
}
