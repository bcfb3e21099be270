import { globalAvgPool } from "@neurite/core";
import { some } from "../call.js";
import type { Case, Sample } from "../case.js";
import { numbers } from "../inputs.js";
import { fold } from "../plain.js";

function sample(name: string, shape: readonly number[]): Sample {
  const axes = shape.slice(1, -1).map((_, i) => i + 1);
  return {
    name,
    inputs: [numbers(shape)],
    run: ([x]) => globalAvgPool(x),
    reference: ([x]) => fold(x, axes, false, (line) => line.reduce((a, b) => a + b, 0) / line.length),
  };
}

export const globalAvgPoolCase: Case = {
  op: "globalAvgPool",
  samples: [
    sample("of sequences", [2, 4, 3]),
    sample("of images", [2, 3, 4, 2]),
    sample("of volumes", [1, 2, 2, 3, 2]),
    sample("of no image", [0, 2, 2, 3]),
  ],
  errors: [
    {
      name: "a matrix",
      code: "ERR_SHAPE",
      words: ["globalAvgPool", "x", "[n, length, channels]", "[2, 3]"],
      call: (env) => globalAvgPool(some(env, [2, 3])),
    },
  ],
};
