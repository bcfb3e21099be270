/** From a loss for each element or position to the loss of a batch. */
import { mean, sum, type Tensor, ValueError } from "@neurite/core";

/** `mean` over all elements (or positions that count), `sum`, or `none` for each one's own. */
export type Reduction = "mean" | "sum" | "none";

export interface LossOptions {
  /** Default `mean`. */
  readonly reduction?: Reduction;
}

/** @throws ValueError for another word */
export function reduceLoss(op: string, loss: Tensor, reduction: Reduction = "mean"): Tensor {
  if (reduction === "none") return loss;
  if (reduction === "sum") return sum(loss);
  if (reduction === "mean") return mean(loss);
  throw new ValueError({ op, argument: "reduction", expected: "mean, sum or none", received: String(reduction) });
}

/** @throws ValueError unless the value is a finite number of at least 0 */
export function expectNonNegative(op: string, argument: string, value: number): void {
  if (value >= 0 && Number.isFinite(value)) return;
  throw new ValueError({ op, argument, expected: "a finite number, 0 or above", received: String(value) });
}
