/** Gradients of several mini-batches for one step. */
import { add, div, expectTensors, scope, type Tensor, ValueError } from "@neurite/core";
import { expectRecord } from "@neurite/core/expect";
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
 * The mean of the gradients of several mini-batches: with batches of one size and a mean loss, the gradient of the large batch.
 * @example
 * const sum = new GradientSum();
 * for (const batch of parts) sum.add(run(batch).grads);
 * optimizer.step(sum.mean());
 */
export class GradientSum {
  #sum: Record<string, Tensor> | null = null;
  #count = 0;

  /** Number of gradients added since the mean was taken. */
  get count(): number {
    return this.#count;
  }

  /** Adds gradients and frees them. */
  add(grads: Grads): void {
    expectRecord("GradientSum.add", "grads", grads, "gradients by name");
    expectTensors("GradientSum.add", "grads", Object.values(grads));
    const before = this.#sum;
    if (before) expectSameNames(before, grads);
    this.#sum = scope(() => {
      const entries = Object.entries(grads).map(([name, gradient]) => {
        return [name, (before ? add(before[name]!, gradient) : gradient.alias()).keep()];
      });
      return Object.fromEntries(entries) as never;
    }) as Record<string, Tensor>;
    this.#count++;
    for (const gradient of Object.values(grads)) gradient.dispose("GradientSum.add() took the gradients");
    this.#free(before);
  }

  /** The mean, the caller's to free (`optimizer.step` does); the sum starts anew. @throws ValueError when nothing was added */
  mean(): Record<string, Tensor> {
    const [sum, count] = [this.#sum, this.#count];
    if (!sum) {
      throw new ValueError({
        op: "GradientSum.mean",
        argument: "gradients",
        expected: "at least one",
        received: "none",
      });
    }
    const mean = scope(() => {
      const entries = Object.entries(sum).map(([name, total]) => [name, div(total, count).keep()]);
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
  }

  #free(sum: Record<string, Tensor> | null): void {
    for (const tensor of Object.values(sum ?? {})) tensor.dispose();
  }
}
