import { globalMaxPool } from "@neurite/core";
import { some } from "../call.js";
import type { Case, Sample } from "../case.js";
import { distinct } from "../inputs.js";
import { fold } from "../plain.js";

function sample(name: string, shape: readonly number[]): Sample {
  const axes = shape.slice(1, -1).map((_, i) => i + 1);
  return {
    name,
    inputs: [distinct(shape)],
    run: ([x]) => globalMaxPool(x),
    reference: ([x]) => fold(x, axes, false, (line) => Math.max(...line)),
  };
}

export const globalMaxPoolCase: Case = {
  op: "globalMaxPool",
  samples: [
    sample("of sequences", [2, 4, 3]),
    sample("of images", [2, 3, 4, 2]),
    sample("of no sequence", [0, 4, 3]),
    sample("of volumes", [1, 2, 2, 3, 2]),
  ],
  errors: [
    {
      name: "a matrix",
      code: "ERR_SHAPE",
      words: ["globalMaxPool", "x", "[n, length, channels]", "[2, 3]"],
      call: (env) => globalMaxPool(some(env, [2, 3])),
    },
  ],
};
