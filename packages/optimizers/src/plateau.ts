/** A learning rate that falls when a measure no longer improves. */

import { badValue, expectFinite, expectOptions, expectRecord, type OptionKinds } from "@neurite/core/expect";
import type { LearningRate } from "./optimizer.js";
import { expectAtLeast, type Schedule } from "./schedules.js";

export interface PlateauOptions {
  readonly rate: LearningRate;
  /** Whether smaller (`min`, default) or larger values are better. */
  readonly mode?: "min" | "max";
  /** What the rate is multiplied by. Default 0.1. */
  readonly factor?: number;
  /** Reports without improvement that are borne. Default 10. */
  readonly patience?: number;
  /** Share of the best value by which a better one must differ. Default 1e-4. */
  readonly threshold?: number;
  /** Reports after a reduction that do not count. Default 0. */
  readonly cooldown?: number;
  /** The rate never falls below. Default 0. */
  readonly minimum?: number;
}

const OPTIONS: OptionKinds<PlateauOptions> = {
  rate: "any",
  mode: ["min", "max"],
  factor: "number",
  patience: "number",
  threshold: "number",
  cooldown: "number",
  minimum: "number",
};

/** Values from which a plateau schedule continues exactly. */
export interface PlateauState {
  readonly best: number | null;
  readonly bad: number;
  readonly cooling: number;
  readonly scale: number;
}

/**
 * Multiplies the rate by `factor` when more than `patience` reports in a row brought no improvement, as PyTorch's
 * ReduceLROnPlateau does.
 * @throws ValueError for a factor outside of (0, 1) and negative options
 * @example
 * const plateau = new ReduceOnPlateau({ rate: 0.1, patience: 5 });
 * const optimizer = new SGD(model.parameters(), { learningRate: plateau.schedule });
 * plateau.report(developmentLoss);                         // after each epoch
 */
export class ReduceOnPlateau {
  readonly #options: Required<PlateauOptions>;
  #state: PlateauState = { best: null, bad: 0, cooling: 0, scale: 1 };

  constructor(options: PlateauOptions) {
    expectRecord("ReduceOnPlateau", "options", options, "an object with the rate");
    expectOptions("ReduceOnPlateau", options, OPTIONS);
    const { mode = "min", factor = 0.1, patience = 10, threshold = 1e-4, cooldown = 0, minimum = 0 } = options;
    if (!(factor > 0 && factor < 1)) throw badValue("ReduceOnPlateau", "factor", "a number between 0 and 1", factor);
    expectAtLeast("ReduceOnPlateau", 0, { patience, threshold, cooldown, minimum });
    if (typeof options.rate !== "function") expectFinite("optimizer", "rate", options.rate, 0);
    this.#options = { rate: options.rate, mode, factor, patience, threshold, cooldown, minimum };
  }

  /** The learning rate at a step, for the optimizer. */
  readonly schedule: Schedule = (step) => {
    const { rate, minimum } = this.#options;
    return Math.max(minimum, (typeof rate === "number" ? rate : rate(step)) * this.#state.scale);
  };

  /**
   * Tells a new value of the measure.
   * @returns whether the rate was reduced
   */
  report(value: number): boolean {
    const { factor, patience, cooldown } = this.#options;
    let { best, bad, cooling, scale } = this.#state;
    if (this.#isBetter(value, best)) {
      best = value;
      bad = 0;
    } else bad++;
    if (cooling > 0) {
      cooling--;
      bad = 0;
    }
    const reduced = bad > patience;
    if (reduced) {
      scale *= factor;
      cooling = cooldown;
      bad = 0;
    }
    this.#state = { best, bad, cooling, scale };
    return reduced;
  }

  #isBetter(value: number, best: number | null): boolean {
    const { mode, threshold } = this.#options;
    // as PyTorch has it: a share of the best value with its sign
    if (mode === "min") return value < (best ?? Number.POSITIVE_INFINITY) * (1 - threshold);
    return value > (best ?? Number.NEGATIVE_INFINITY) * (1 + threshold);
  }

  state(): PlateauState {
    return this.#state;
  }

  restore(state: PlateauState): void {
    this.#state = state;
  }
}
