/** Weight decay as a term of the loss. */
import { add, composite, expectTensors, mul, square, sum, type Tensor, ValueError } from "@neurite/core";
import { expectFinite, expectRecord } from "@neurite/core/expect";

/**
 * (λ/2) Σ‖w‖² over all weights given (Jiang §8.5); its gradient is λw.
 * @param weights by any names, such as `model.parameters()`
 * @throws ValueError for a negative λ, or without weights
 * @example
 * const loss = add(crossEntropyLoss(logits, labels), l2Penalty(model.parameters(), 1e-4));
 */
export function l2Penalty(weights: Readonly<Record<string, Tensor>>, lambda: number): Tensor {
  expectFinite("l2Penalty", "lambda", lambda, 0);
  expectRecord("l2Penalty", "weights", weights, "tensors by name");
  const all = Object.values(weights);
  expectTensors("l2Penalty", "weights", all);
  if (all.length === 0) {
    throw new ValueError({ op: "l2Penalty", argument: "weights", expected: "at least one tensor", received: "none" });
  }
  return composite("l2Penalty", () =>
    mul(
      all.map((w) => sum(square(w))).reduce((a, b) => add(a, b)),
      lambda / 2,
    ),
  );
}
