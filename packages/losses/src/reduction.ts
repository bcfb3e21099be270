/** From a loss for each element or position to the loss of a batch. */
import { mean, sum, type Tensor, ValueError } from "@neurite/core";

/** `mean` over all elements (or positions that count), `sum`, or `none` for each one's own. */
export type Reduction = "mean" | "sum" | "none";

export interface LossOptions {
  /** Default `mean`. */
  readonly reduction?: Reduction;
}

/** @throws ValueError for another word */
export function expectReduction(op: string, reduction: string, more: readonly string[] = []): void {
  const words = ["mean", "sum", "none", ...more];
  if (words.includes(reduction)) return;
  const expected = `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
  throw new ValueError({ op, argument: "reduction", expected, received: String(reduction) });
}

/** @throws ValueError for another word */
export function reduceLoss(op: string, loss: Tensor, reduction: Reduction = "mean"): Tensor {
  expectReduction(op, reduction);
  if (reduction === "none") return loss;
  return reduction === "sum" ? sum(loss) : mean(loss);
}

/** @throws ValueError unless the value is a finite number of at least 0 */
export function expectNonNegative(op: string, argument: string, value: number): void {
  if (value >= 0 && Number.isFinite(value)) return;
  throw new ValueError({ op, argument, expected: "a finite number, 0 or above", received: String(value) });
}
