/** Ends a run when the measure no longer improves, and keeps the best weights. */
import type { Parameter, Tensor } from "@neurite/core";
import { badValue, expectOptions, expectRecord, type OptionKinds } from "@neurite/core/expect";

export interface EarlyStoppingOptions {
  /** Points of the curves without improvement that are borne. */
  readonly patience: number;
  /** By how much a better value must differ. Default 0. */
  readonly threshold?: number;
  /** Takes the weights of the best point when the run is stopped. Default true. */
  readonly restoreBest?: boolean;
}

const OPTIONS: OptionKinds<EarlyStoppingOptions> = { patience: "any", threshold: "number", restoreBest: "boolean" };

/** Values, the best weights aside, from which it continues exactly. */
export interface EarlyStoppingState {
  readonly best: number | null;
  readonly bad: number;
  readonly stopped: boolean;
}

/** Told a measure, of which larger values are better, at each point of the curves. */
export class EarlyStopping {
  readonly #options: Required<EarlyStoppingOptions>;
  #state: EarlyStoppingState = { best: null, bad: 0, stopped: false };
  #weights: Record<string, Tensor> = {};

  /** @throws ValueError for a negative patience or threshold */
  constructor(options: EarlyStoppingOptions) {
    expectRecord("EarlyStopping", "options", options, "an object with the patience");
    expectOptions("EarlyStopping", options, OPTIONS);
    const { patience, threshold = 0, restoreBest = true } = options;
    for (const [argument, value] of Object.entries({ patience, threshold })) {
      // it may be without end
      if (typeof value !== "number" || !(value >= 0)) {
        throw badValue("EarlyStopping", argument, "a number, 0 or above", value);
      }
    }
    this.#options = { patience, threshold, restoreBest };
  }

  get stopped(): boolean {
    return this.#state.stopped;
  }

  /** The weights of the best point so far; none when they shall not be restored. */
  get weights(): Readonly<Record<string, Tensor>> {
    return this.#weights;
  }

  /** @param weights those that were measured: their present values are remembered */
  report(value: number, weights: Readonly<Record<string, Tensor>>): void {
    if (typeof value !== "number") throw badValue("EarlyStopping.report", "value", "a number", value);
    const { patience, threshold, restoreBest } = this.#options;
    const { best } = this.#state;
    if (best === null ? !Number.isNaN(value) : value > best + threshold) {
      this.#state = { best: value, bad: 0, stopped: false };
      if (restoreBest) this.#remember(weights);
      return;
    }
    const bad = this.#state.bad + 1;
    this.#state = { best, bad, stopped: bad > patience };
  }

  /** Gives the parameters and buffers the best weights, if there are any, and forgets these. */
  restoreBest(own: Readonly<Record<string, Parameter>>): void {
    for (const [name, value] of Object.entries(this.#weights)) own[name]!.assign(value);
    this.dispose();
  }

  state(): EarlyStoppingState {
    return this.#state;
  }

  restore(state: EarlyStoppingState, weights: Readonly<Record<string, Tensor>>): void {
    this.#state = state;
    this.#remember(weights);
  }

  /** Frees the best weights. */
  dispose(): void {
    for (const value of Object.values(this.#weights)) value.dispose();
    this.#weights = {};
  }

  #remember(weights: Readonly<Record<string, Tensor>>): void {
    this.dispose();
    // assigning a parameter gives it other storage, so a handle keeps the value
    this.#weights = Object.fromEntries(Object.entries(weights).map(([name, value]) => [name, value.alias().keep()]));
  }
}
