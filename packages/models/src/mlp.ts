/** Fully connected network (Jiang §8.3.1). */
import { expectTensor, formatShape, ShapeError, type Tensor, ValueError } from "@neurite/core";
import { describeValue, expectFunction, expectOptions, expectSize, type OptionKinds } from "@neurite/core/expect";
import {
  BatchNorm1d,
  Dropout,
  INIT_OPTIONS,
  type InitOptions,
  type Layer,
  Linear,
  type LoadOptions,
  Module,
  ReLU,
  Sequential,
} from "@neurite/layers";

export interface MLPOptions extends InitOptions {
  /** Makes the function after each hidden layer. Default `() => new ReLU()`. */
  readonly activation?: () => Layer;
  /** Dropout after each hidden activation. Default 0. */
  readonly dropout?: number;
  /** Batch normalisation before each activation. Default false. */
  readonly batchNorm?: boolean;
}

const OPTIONS: OptionKinds<MLPOptions> = {
  ...INIT_OPTIONS,
  activation: "any",
  dropout: "number",
  batchNorm: "boolean",
};

/**
 * The book's deep network: z₀ = x, a_l = W z_{l−1} + b, z_l = φ(a_l). It gives a_L, the logits: losses take the softmax.
 * @param sizes inputs, hidden layers, outputs
 * @throws ValueError for fewer than two sizes
 * @example
 * const net = new MLP([784, 256, 10], { dropout: 0.2 });
 * const logits = net.forward(images);            // [128, 784] or [128, 28, 28, 1] → [128, 10]
 */
export class MLP extends Module {
  /** Named alike with and without dropout, so that either loads the other's weights. */
  readonly layers: Sequential;
  /** After each activation. */
  readonly dropout: Dropout;
  /** Layers of a hidden one. */
  readonly #block: number;

  constructor(
    readonly sizes: readonly number[],
    options: MLPOptions = {},
  ) {
    super();
    expectOptions("MLP", options, OPTIONS);
    const { activation = () => new ReLU(), dropout = 0, batchNorm = false, ...init } = options;
    if (!Array.isArray(sizes) || sizes.length < 2) {
      throw new ValueError({
        op: "MLP",
        argument: "sizes",
        expected: "at least two: inputs and outputs",
        received: describeValue(sizes),
      });
    }
    for (const [i, size] of sizes.entries()) expectSize("MLP", `sizes[${i}]`, size);
    expectFunction("MLP", "activation", activation, "It makes a layer, for example () => new Tanh().");
    const hidden = sizes
      .slice(1, -1)
      .flatMap((size, i): Layer[] => [
        new Linear(sizes[i]!, size, init),
        ...(batchNorm ? [new BatchNorm1d(size, init)] : []),
        activation(),
      ]);
    this.#block = batchNorm ? 3 : 2;
    this.dropout = new Dropout(dropout, init);
    this.layers = new Sequential(...hidden, new Linear(sizes.at(-2)!, sizes.at(-1)!, init));
  }

  /**
   * @param x [n, …] of `sizes[0]` elements a row
   * @returns logits [n, outputs]
   */
  forward(x: Tensor): Tensor {
    expectTensor("MLP", "x", x);
    const [n, inputs] = [x.shape[0], this.sizes[0]!];
    if (n === undefined || x.shape.slice(1).reduce((a, b) => a * b, 1) !== inputs) {
      throw new ShapeError({
        op: "MLP",
        argument: "x",
        expected: `[n, …] with ${inputs} elements a row`,
        received: formatShape(x.shape),
      });
    }
    let value = x.rank === 2 ? x : x.reshape([n, inputs]);
    for (const [i, layer] of [...this.layers].entries()) {
      value = layer.forward(value);
      if ((i + 1) % this.#block === 0 && this.dropout.p > 0) value = this.dropout.forward(value);
    }
    return value;
  }

  /** Files in which a dropout layer counted among `layers`, as up to 0.1.0, are read too. */
  override loadStateDict(values: Readonly<Record<string, Tensor>>, options: LoadOptions = {}): void {
    super.loadStateDict(this.#isOlder(values) ? this.#renamed(values) : values, options);
  }

  /** The name that a value had while a dropout layer stood behind each activation. */
  #olderName(name: string): string {
    return name.replace(
      /^layers\.(\d+)/,
      (_, at: string) => `layers.${Number(at) + Math.floor(Number(at) / this.#block)}`,
    );
  }

  #isOlder(values: unknown): values is Readonly<Record<string, Tensor>> {
    if (typeof values !== "object" || values === null) return false;
    const own = Object.keys(this.stateDict());
    return own.every((name) => this.#olderName(name) in values) && own.some((name) => !(name in values));
  }

  #renamed(values: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
    return Object.fromEntries(Object.keys(this.stateDict()).map((name) => [name, values[this.#olderName(name)]!]));
  }
}
