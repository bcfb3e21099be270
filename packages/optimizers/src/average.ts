/** Averages of weights over the steps, for evaluation: they jump about less than the weights. */
import {
  e,
  elementwise,
  expectSameShape,
  expectTensor,
  Parameter,
  scope,
  type Tensor,
  type TensorTree,
  ValueError,
  zerosLike,
} from "@neurite/core";
import { expectInteger, expectOptions, expectRecord, expectShare, type OptionKinds } from "@neurite/core/expect";
import { parametersOf } from "./optimizer.js";

/** Decay rate of a running average, or one as a function of the number of updates done. */
export type AverageDecay = number | ((updates: number) => number);

export interface WeightAverageOptions {
  /** Default 0.999. */
  readonly decay?: AverageDecay;
}

const OPTIONS: OptionKinds<WeightAverageOptions> = { decay: "any" };

export interface UpdateOptions {
  /** bool scalar on the device: where it is false nothing changes. */
  readonly when?: Tensor;
}

const UPDATE: OptionKinds<UpdateOptions> = { when: "tensor" };

/** Values from which an average continues exactly. */
export interface WeightAverageState {
  readonly updates: number;
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** Decay rates that give all steps the same weight: a ← (n·a + w)/(n + 1) (Polyak & Juditsky 1992). */
export function equalDecay(updates: number): number {
  return updates / (updates + 1);
}

// scalars: d, 1 − d
const next = /* @__PURE__ */ elementwise("weightAverage", 2, 2, (a, w, d, rest) =>
  e.add(e.mul(d!, a!), e.mul(rest!, w!)),
);
const gatedNext = /* @__PURE__ */ elementwise("weightAverage", 3, 2, (a, w, when, d, rest) =>
  e.select(when!, e.add(e.mul(d!, a!), e.mul(rest!, w!)), a!),
);

/**
 * a ← d·a + (1 − d)·w after each step; the first update copies the weights, as PyTorch's AveragedModel does.
 * @throws ValueError for a decay outside of [0, 1)
 * @example
 * const average = new WeightAverage(model.parameters(), { decay: 0.99 });
 * optimizer.step(grads);
 * average.update();
 * await average.during(async () => evaluate(model));       // with the averages for weights
 */
export class WeightAverage {
  /** By their paths in the tree that was given. */
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly #decay: AverageDecay;
  readonly #averages: Readonly<Record<string, Parameter>>;
  #updates = 0;

  constructor(tree: TensorTree, options: WeightAverageOptions = {}) {
    expectOptions("WeightAverage", options, OPTIONS);
    const { decay = 0.999 } = options;
    const parameters = parametersOf("WeightAverage", tree);
    this.parameters = parameters;
    if (typeof decay !== "function") expectShare("WeightAverage", "decay", decay, "a number from 0 to below 1");
    this.#decay = decay;
    this.#averages = Object.fromEntries(
      Object.entries(parameters).map(([name, parameter]) => [name, new Parameter(zerosLike(parameter))]),
    );
  }

  /** Updates done. */
  get updates(): number {
    return this.#updates;
  }

  /** Takes the present weights in; where `when`, a bool scalar on the device, is false, nothing changes. */
  update(options: UpdateOptions = {}): void {
    expectOptions("WeightAverage.update", options, UPDATE);
    const { when } = options;
    const { parameters } = this;
    const decay = typeof this.#decay === "number" ? this.#decay : this.#decay(this.#updates);
    expectShare("WeightAverage", "decay", decay, "a number from 0 to below 1");
    const d = this.#updates === 0 ? 0 : decay;
    scope(() => {
      for (const [name, average] of Object.entries(this.#averages)) {
        const inputs = [average, parameters[name]!];
        average.assign(when ? gatedNext([...inputs, when], [d, 1 - d]) : next(inputs, [d, 1 - d]));
      }
    }, "weight average");
    this.#updates++;
  }

  /** Exchanges weights and averages; a second call takes it back. @throws ValueError before the first update */
  swap(): void {
    if (this.#updates === 0) {
      throw new ValueError({
        op: "WeightAverage",
        argument: "averages",
        expected: "at least one update",
        received: "none",
        remedy: "Call update() after each step.",
      });
    }
    for (const [name, average] of Object.entries(this.#averages)) {
      const parameter = this.parameters[name]!;
      const held = parameter.alias();
      parameter.assign(average);
      average.assign(held);
      held.dispose();
    }
  }

  /** What `fn` gives with the averages for weights; the weights are back afterwards, whatever happens. */
  async during<T>(fn: () => Promise<T>): Promise<T> {
    this.swap();
    try {
      return await fn();
    } finally {
      this.swap();
    }
  }

  /** Everything needed to continue. The tensors are the average's own. */
  state(): WeightAverageState {
    return { updates: this.#updates, tensors: { ...this.#averages } };
  }

  /** Continues from a saved state. @throws ValueError when it belongs to other parameters */
  restore(state: WeightAverageState): void {
    expectRecord("WeightAverage.restore", "state", state, "{ updates, tensors } as state() gives");
    const { updates, tensors } = state;
    expectInteger("WeightAverage.restore", "updates", updates, 0);
    for (const [name, average] of Object.entries(this.#averages)) {
      if (!tensors?.[name]) {
        throw new ValueError({
          op: "WeightAverage.restore",
          argument: "state",
          expected: `a value for ${name}`,
          received: "none",
          remedy: "Restore the state of an average over the same parameters.",
        });
      }
      expectTensor("WeightAverage.restore", name, tensors[name]);
      expectSameShape("WeightAverage.restore", name, average.shape, tensors[name].shape);
    }
    for (const [name, average] of Object.entries(this.#averages)) average.assign(tensors[name]!);
    this.#updates = updates;
  }
}
