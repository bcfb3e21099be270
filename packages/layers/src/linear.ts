/** Fully connected layer. */
import { type LinearActivation, linear, Parameter, type Tensor } from "@neurite/core";
import { expectOptions, expectSize, type OptionKinds } from "@neurite/core/expect";
import { INIT_OPTIONS } from "./init-options.js";
import { type InitOptions, initUniform } from "./initializers.js";
import { Module } from "./module.js";

export interface LinearOptions extends InitOptions {
  /** Default true. */
  readonly bias?: boolean;
  /** Makes it max(0, x·Wᵀ + b), in one pass. Default none. */
  readonly activation?: "relu" | undefined;
}

const OPTIONS: OptionKinds<LinearOptions> = { ...INIT_OPTIONS, bias: "boolean", activation: ["relu"] };

/**
 * y = x·Wᵀ + b (Jiang §8.2.1): [..., inputs] → [..., outputs]; outputs·(inputs + 1) parameters.
 * Weight and bias start uniform in ±1/√inputs, as in PyTorch.
 * @example
 * const layer = new Linear(784, 10);
 * const logits = layer.forward(images);          // [128, 784] → [128, 10]
 */
export class Linear extends Module {
  /** [outputs, inputs] */
  readonly weight: Parameter;
  /** [outputs] */
  readonly bias: Parameter | null;
  readonly activation: "relu" | undefined;
  /** Undefined where nothing is asked for, so that nothing is checked. */
  readonly #options: LinearActivation | undefined;

  constructor(
    readonly inputs: number,
    readonly outputs: number,
    options: LinearOptions = {},
  ) {
    super();
    expectOptions("Linear", options, OPTIONS);
    const { bias = true, activation, ...init } = options;
    expectSize("Linear", "inputs", inputs);
    expectSize("Linear", "outputs", outputs);
    const bound = 1 / Math.sqrt(inputs);
    this.weight = new Parameter(initUniform([outputs, inputs], bound, init), { layout: "out,in" });
    this.bias = bias ? new Parameter(initUniform([outputs], bound, init)) : null;
    this.activation = activation;
    this.#options = activation && { activation };
  }

  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias ?? undefined, this.#options);
  }
}
