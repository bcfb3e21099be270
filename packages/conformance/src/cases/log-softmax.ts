import { logSoftmax } from "@neurite/core";
import { some } from "../call.js";
import type { Case, Sample } from "../case.js";
import { given, numbers } from "../inputs.js";
import { alongAxis } from "../plain.js";

/** xᵢ − ln Σⱼ e^{xⱼ}. */
export function logShares(line: readonly number[]): number[] {
  const top = Math.max(...line);
  const total = top + Math.log(line.reduce((sum, x) => sum + Math.exp(x - top), 0));
  return line.map((x) => x - total);
}

function sample(name: string, shape: readonly number[], axis: number, more: Partial<Sample> = {}): Sample {
  return {
    name,
    inputs: [numbers(shape, -3, 3)],
    run: ([x]) => logSoftmax(x, axis),
    reference: ([x]) => alongAxis(x, axis < 0 ? axis + shape.length : axis, logShares),
    ...more,
  };
}

export const logSoftmaxCase: Case = {
  op: "logSoftmax",
  fused: true,
  samples: [
    sample("along the last axis", [3, 4], -1),
    sample("along the first axis", [4, 2], 0),
    sample("along the middle axis", [2, 3, 2], 1),
    sample("of a vector", [5], 0),
    sample("of an axis of length 1", [3, 1], -1),
    sample("of 9 rows of 131", [9, 131], -1, { gradient: false }),
    sample("of an empty axis", [2, 0], -1),
    sample("of no rows", [0, 3], -1),
    sample("of numbers whose powers overflow", [3, 3], -1, {
      inputs: [given([1000, 1001, 999, -1000, -1001, -1000, 88, -88, 0], [3, 3])],
      gradient: false,
    }),
    sample("of NaN", [2, 2], -1, { inputs: [given([Number.NaN, 1, 1, 2], [2, 2])], gradient: false }),
  ],
  errors: [
    {
      name: "integers",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: ["logSoftmax", "float32 or float64", "int32", "cast"],
      call: (env) => logSoftmax(some(env, [2])),
    },
    {
      name: "a scalar",
      code: "ERR_INDEX",
      words: ["logSoftmax", "scalar"],
      call: (env) => logSoftmax(some(env, [])),
    },
  ],
};
