/** What all optimizers share: parameters by name, state that can be saved, one step that takes the gradients over. */
import { expectSameShape, Parameter, scope, type Tensor, ValueError, zerosLike } from "@neurite/core";
import { clipByGlobalNorm, clipByValue } from "./clip.js";

/** A learning rate, or one as a function of the number of steps done (0 for the first). */
export type LearningRate = number | ((step: number) => number);

export interface OptimizerOptions {
  readonly learningRate: LearningRate;
  /** Scales all gradients so that their joint L2 norm is at most this. */
  readonly clipNorm?: number;
  /** Cuts each gradient element to ± this. */
  readonly clipValue?: number;
}

export interface StepOptions {
  /** bool scalar on the device: where it is false the step changes nothing. */
  readonly when?: Tensor;
  /** Leaves the gradients alive (default: the step frees them). */
  readonly keepGrads?: boolean;
}

/** State of one parameter, by name, e.g. `{ m, v }`. */
export type Slots = Readonly<Record<string, Parameter>>;

/** Values from which an optimizer continues exactly. */
export interface OptimizerState {
  readonly steps: number;
  /** `"<slot>.<parameter>"` → value. */
  readonly tensors: Readonly<Record<string, Tensor>>;
}

export abstract class Optimizer {
  readonly learningRate: LearningRate;
  readonly #clipNorm: number | undefined;
  readonly #clipValue: number | undefined;
  readonly #slots: Readonly<Record<string, Slots>>;
  #steps = 0;

  /** @param slots names of the per-parameter state, which starts at zero */
  constructor(
    readonly parameters: Readonly<Record<string, Parameter>>,
    slots: readonly string[],
    { learningRate, clipNorm, clipValue }: OptimizerOptions,
  ) {
    if (typeof learningRate === "number") expectNonNegative("learningRate", learningRate);
    if (clipNorm !== undefined) expectNonNegative("clipNorm", clipNorm);
    if (clipValue !== undefined) expectNonNegative("clipValue", clipValue);
    this.learningRate = learningRate;
    this.#clipNorm = clipNorm;
    this.#clipValue = clipValue;
    this.#slots = Object.fromEntries(
      Object.entries(parameters).map(([name, parameter]) => [
        name,
        Object.fromEntries(slots.map((slot) => [slot, new Parameter(zerosLike(parameter))])),
      ]),
    );
  }

  /** Steps done. */
  get steps(): number {
    return this.#steps;
  }

  /** The learning rate of the next step. */
  get rate(): number {
    return typeof this.learningRate === "number" ? this.learningRate : this.learningRate(this.#steps);
  }

  /**
   * One update of all parameters.
   * @param grads by the same names as the parameters; freed, unless `keepGrads`
   * @throws ValueError for missing or unknown names, ShapeError for a gradient of another shape
   */
  step(grads: Readonly<Record<string, Tensor>>, { when, keepGrads = false }: StepOptions = {}): void {
    this.#expectMatching(grads);
    const rate = this.rate;
    const step = this.#steps + 1;
    scope(() => {
      let ready = grads;
      if (this.#clipValue !== undefined) ready = clipByValue(ready, this.#clipValue, { keepGrads: true });
      if (this.#clipNorm !== undefined) ready = clipByGlobalNorm(ready, this.#clipNorm, { keepGrads: true });
      for (const [name, parameter] of Object.entries(this.parameters)) {
        this.update(parameter, ready[name]!, this.#slots[name]!, rate, step, when);
      }
    }, "optimizer step");
    this.#steps = step;
    if (!keepGrads)
      for (const gradient of Object.values(grads)) gradient.dispose("optimizer.step() took the gradients");
  }

  #expectMatching(grads: Readonly<Record<string, Tensor>>): void {
    const names = Object.keys(this.parameters);
    const missing = names.filter((name) => !(name in grads));
    const unknown = Object.keys(grads).filter((name) => !(name in this.parameters));
    if (missing.length + unknown.length > 0) {
      throw new ValueError({
        op: "optimizer.step",
        argument: "grads",
        expected: "one gradient for each parameter, by the same names",
        received: `missing: ${missing.join(", ") || "none"}; unknown: ${unknown.join(", ") || "none"}`,
        remedy: "Give valueAndGrad and the optimizer the same parameters.",
      });
    }
    for (const name of names) {
      grads[name]!.expectLive("optimizer.step");
      expectSameShape("optimizer.step", `grads[${name}]`, this.parameters[name]!.shape, grads[name]!.shape);
    }
  }

  /**
   * Assigns the parameter's and the slots' next values.
   * @param step number of this step, from 1
   */
  protected abstract update(
    parameter: Parameter,
    gradient: Tensor,
    slots: Slots,
    rate: number,
    step: number,
    when: Tensor | undefined,
  ): void;

  /** Everything needed to continue. The tensors are the optimizer's own. */
  state(): OptimizerState {
    const tensors: Record<string, Tensor> = {};
    for (const [name, slots] of Object.entries(this.#slots)) {
      for (const [slot, value] of Object.entries(slots)) tensors[`${slot}.${name}`] = value;
    }
    return { steps: this.#steps, tensors };
  }

  /** Continues from a saved state. @throws ValueError when it belongs to other parameters */
  restore({ steps, tensors }: OptimizerState): void {
    const own = this.state().tensors as Record<string, Parameter>;
    for (const name of Object.keys(own)) {
      if (tensors[name]) {
        expectSameShape("optimizer.restore", name, own[name]!.shape, tensors[name].shape);
        continue;
      }
      throw new ValueError({
        op: "optimizer.restore",
        argument: "state",
        expected: `a value for ${name}`,
        received: "none",
        remedy: "Restore the state of the same kind of optimizer over the same parameters.",
      });
    }
    for (const [name, slot] of Object.entries(own)) slot.assign(tensors[name]!);
    this.#steps = steps;
  }
}

export function expectNonNegative(argument: string, value: number): void {
  if (value >= 0 && Number.isFinite(value)) return;
  throw new ValueError({
    op: "optimizer",
    argument,
    expected: "a finite number, 0 or above",
    received: String(value),
  });
}
