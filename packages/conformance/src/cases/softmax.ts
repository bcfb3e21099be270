import { softmax } from "@neurite/core";
import { some } from "../call.js";
import type { Case, Sample } from "../case.js";
import { given, numbers } from "../inputs.js";
import { alongAxis } from "../plain.js";

/** By definition, after a shift that changes nothing but the range. */
function shares(line: readonly number[]): number[] {
  const top = Math.max(...line);
  const powers = line.map((x) => Math.exp(x - top));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}

function sample(name: string, shape: readonly number[], axis: number, more: Partial<Sample> = {}): Sample {
  return {
    name,
    inputs: [numbers(shape, -3, 3)],
    run: ([x]) => softmax(x, axis),
    reference: ([x]) => alongAxis(x, axis < 0 ? axis + shape.length : axis, shares),
    ...more,
  };
}

export const softmaxCase: Case = {
  op: "softmax",
  fused: true,
  samples: [
    sample("along the last axis", [3, 4], -1),
    sample("along the first axis", [4, 2], 0),
    sample("along the middle axis", [2, 3, 2], 1),
    sample("of a vector", [5], 0),
    sample("of rows of one", [3, 1], -1),
    sample("of 9 rows of 131", [9, 131], -1, { gradient: false }),
    sample("of an empty axis", [2, 0], -1),
    sample("of no rows", [0, 3], -1),
    sample("of numbers whose powers overflow", [4, 3], -1, {
      inputs: [given([1000, 1001, 999, -1000, -1001, -1000, 88, -88, 0, 3e38, 0, -3e38], [4, 3])],
      gradient: false,
    }),
    sample("of NaN", [2, 2], -1, { inputs: [given([Number.NaN, 1, 1, 2], [2, 2])], gradient: false }),
    sample("of −∞ beside numbers", [1, 3], -1, {
      inputs: [given([Number.NEGATIVE_INFINITY, 1, 2], [1, 3])],
      gradient: false,
    }),
  ],
  errors: [
    {
      name: "integers",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: ["softmax", "float32 or float64", "int32", "cast"],
      call: (env) => softmax(some(env, [2])),
    },
    {
      name: "an axis that is not there",
      code: "ERR_INDEX",
      words: ["softmax", "from -2 to 1", "2"],
      call: (env) => softmax(some(env, [2, 3]), 2),
    },
  ],
};
