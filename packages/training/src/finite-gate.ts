/** Stops updates on the device from the first step whose loss or gradients are not finite, without reading them back. */
import { add, isFinite, logicalAnd, scope, type Tensor } from "@neurite/core";
import { type Grads, globalNorm } from "@neurite/optimizers";

export class FiniteGate {
  #open: Tensor | null = null;

  /** A bool scalar: whether this step and all before it were finite. It lives until the next call. */
  pass(loss: Tensor, grads: Grads): Tensor {
    const before = this.#open;
    const open = scope(() => {
      // one number that is finite if and only if all of them are (barring an overflow of the squares)
      const finite = isFinite(add(loss, globalNorm(grads)));
      return (before ? logicalAnd(before, finite) : finite).keep() as never;
    }) as Tensor;
    before?.dispose();
    this.#open = open;
    return open;
  }

  dispose(): void {
    this.#open?.dispose();
    this.#open = null;
  }
}
