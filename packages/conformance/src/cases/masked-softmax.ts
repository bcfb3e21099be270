import { maskedSoftmax } from "@neurite/core";
import { some } from "../call.js";
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
    sample("of one score each, some of them masked", given([1, 0, 1], [3, 1], "bool"), {
      inputs: [numbers([3, 1], -3, 3), given([1, 0, 1], [3, 1], "bool")],
    }),
    sample("of no scores", null, { inputs: [numbers([0, 4])] }),
    sample("with a row fully masked, which gives zeros", given([1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0], [3, 4], "bool")),
  ],
  errors: [
    {
      name: "a mask that is not bool",
      code: "ERR_DTYPE",
      words: ["maskedSoftmax", "mask", "bool", "float32"],
      call: (env) => maskedSoftmax(some(env, [2, 3]), some(env, [2, 3])),
    },
    {
      name: "a mask that does not broadcast to the scores",
      code: "ERR_SHAPE",
      words: ["[2, 3]", "[2, 4]"],
      call: (env) => maskedSoftmax(some(env, [2, 3]), some(env, [2, 4], "bool")),
    },
  ],
};
