/** Gradients of several mini-batches for one step. */
import { add, div, expectTensors, mul, scope, type Tensor, ValueError } from "@neurite/core";
import { expectFinite, expectRecord } from "@neurite/core/expect";
import type { Grads } from "./clip.js";

function expectSameNames(sum: Grads, grads: Grads): void {
  const differing = Object.keys({ ...sum, ...grads }).filter((name) => !(name in sum) || !(name in grads));
  if (differing.length === 0) return;
  throw new ValueError({
    op: "GradientSum.add",
    argument: "grads",
    expected: `gradients named as those before: ${Object.keys(sum).join(", ")}`,
    received: `${Object.keys(grads).join(", ")}`,
  });
}

/**
 * The mean of the gradients of several mini-batches, each weighted by the number of its items: with a mean loss, the gradient of
 * the large batch.
 * @example
 * const sum = new GradientSum();
 * for (const batch of parts) sum.add(run(batch).grads, batch.x.shape[0]);
 * optimizer.step(sum.mean());
 */
export class GradientSum {
  #sum: Record<string, Tensor> | null = null;
  #count = 0;
  /** Of the first gradients, and of all in units of it: batches of one size need no product. */
  #unit = 1;
  #weight = 0;

  /** Number of gradients added since the mean was taken. */
  get count(): number {
    return this.#count;
  }

  /**
   * Adds gradients and frees them.
   * @param weight what they count for, such as the number of items they are the mean over
   * @throws ValueError for other names than before, and for a weight that is not above 0
   */
  add(grads: Grads, weight = 1): void {
    expectFinite("GradientSum.add", "weight", weight, Number.MIN_VALUE);
    expectRecord("GradientSum.add", "grads", grads, "gradients by name");
    expectTensors("GradientSum.add", "grads", Object.values(grads));
    const before = this.#sum;
    if (before) expectSameNames(before, grads);
    if (!before) this.#unit = weight;
    const share = weight / this.#unit;
    this.#weight += share;
    this.#sum = scope(() => {
      const entries = Object.entries(grads).map(([name, gradient]) => {
        if (!before) return [name, gradient.alias().keep()];
        return [name, add(before[name]!, share === 1 ? gradient : mul(gradient, share)).keep()];
      });
      return Object.fromEntries(entries) as never;
    }) as Record<string, Tensor>;
    this.#count++;
    for (const gradient of Object.values(grads)) gradient.dispose("GradientSum.add() took the gradients");
    this.#free(before);
  }

  /** The mean, the caller's to free (`optimizer.step` does); the sum starts anew. @throws ValueError when nothing was added */
  mean(): Record<string, Tensor> {
    const [sum, weight] = [this.#sum, this.#weight];
    if (!sum) {
      throw new ValueError({
        op: "GradientSum.mean",
        argument: "gradients",
        expected: "at least one",
        received: "none",
      });
    }
    const mean = scope(() => {
      const entries = Object.entries(sum).map(([name, total]) => [name, div(total, weight).keep()]);
      return Object.fromEntries(entries) as never;
    }) as Record<string, Tensor>;
    this.dispose();
    return mean;
  }

  /** Frees the sum. */
  dispose(): void {
    this.#free(this.#sum);
    this.#sum = null;
    this.#count = 0;
    this.#weight = 0;
  }

  #free(sum: Record<string, Tensor> | null): void {
    for (const tensor of Object.values(sum ?? {})) tensor.dispose();
  }
}
