/** From a loss for each element or position to the loss of a batch. */
import { mean, sum, type Tensor } from "@neurite/core";
import type { OptionKinds } from "@neurite/core/expect";

/** `mean` over all elements (or positions that count), `sum`, or `none` for each one's own. */
export type Reduction = "mean" | "sum" | "none";

export interface LossOptions {
  /** Default `mean`. */
  readonly reduction?: Reduction;
}

/** What the options of a loss may be. */
export const LOSS_OPTIONS: OptionKinds<LossOptions> = { reduction: ["mean", "sum", "none"] };

export function reduceLoss(loss: Tensor, reduction: Reduction = "mean"): Tensor {
  if (reduction === "none") return loss;
  return reduction === "sum" ? sum(loss) : mean(loss);
}
