import { maskedSoftmax } from "@neurite/core";
import type { Case, Sample } from "../case.js";
import { bits, given, type InputSpec, numbers } from "../inputs.js";
import { at, broadcastAt, build, type Plain } from "../plain.js";

/** Softmax along the last axis among the positions where the mask is 1; zeros where none is. */
export function maskedShares(scores: Plain, mask: Plain | undefined): Plain {
  const last = scores.shape.length - 1;
  const isOn = (index: readonly number[]) =>
    !mask || broadcastAt(mask, index.slice(index.length - mask.shape.length)) === 1;
  return build(scores.shape, (index) => {
    if (!isOn(index)) return 0;
    const line = Array.from({ length: scores.shape[last] }, (_, k) => index.with(last, k)).filter(isOn);
    const top = Math.max(...line.map((place) => at(scores, place)));
    const power = (place: readonly number[]) => Math.exp(at(scores, place) - top);
    return power(index) / line.reduce((sum, place) => sum + power(place), 0);
  });
}

function sample(name: string, mask: InputSpec | null, more: Partial<Sample> = {}): Sample {
  return {
    name,
    inputs: mask ? [numbers([3, 4], -3, 3), mask] : [numbers([3, 4], -3, 3)],
    run: ([scores, on]) => maskedSoftmax(scores, on),
    reference: ([scores, on]) => maskedShares(scores, on),
    ...more,
  };
}

export const maskedSoftmaxCase: Case = {
  op: "maskedSoftmax",
  samples: [
    sample("without a mask", null),
    sample("under a mask", bits([3, 4])),
    sample("under one mask for all rows", given([1, 0, 1, 1], [4], "bool")),
    sample("with a row fully masked, which gives zeros", given([1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0], [3, 4], "bool")),
  ],
};
