import { batchNormInference } from "@neurite/core";
import { some } from "../call.js";
import type { Case, Sample } from "../case.js";
import { numbers } from "../inputs.js";
import { at, build } from "../plain.js";

function sample(name: string, shape: readonly number[], own: "both" | "weight" | "none", eps = 1e-5): Sample {
  const channels = [shape[shape.length - 1]];
  const extra = own === "both" ? 2 : own === "weight" ? 1 : 0;
  return {
    name,
    inputs: [
      numbers(shape),
      numbers(channels),
      numbers(channels, 0.5, 3),
      ...Array.from({ length: extra }, () => numbers(channels)),
    ],
    run: ([x, mean, variance, weight, bias]) => batchNormInference(x, mean, variance, { weight, bias, eps }),
    reference: ([x, mean, variance, weight, bias]) =>
      build(shape, (index) => {
        const c = index[index.length - 1];
        const z = (at(x, index) - mean.data[c]) / Math.sqrt(variance.data[c] + eps);
        return z * (weight ? weight.data[c] : 1) + (bias ? bias.data[c] : 0);
      }),
  };
}

export const batchNormInferenceCase: Case = {
  op: "batchNormInference",
  samples: [
    sample("of a batch of vectors", [2, 3], "both"),
    sample("of images", [1, 2, 2, 2], "both"),
    sample("with a weight alone", [2, 2], "weight"),
    sample("without weight and bias", [2, 2], "none", 0.1),
    sample("of no image", [0, 2, 3], "both"),
  ],
  errors: [
    {
      name: "statistics of another length",
      code: "ERR_SHAPE",
      words: ["batchNormInference", "variance", "[3]", "[2]"],
      call: (env) => batchNormInference(some(env, [2, 3]), some(env, [3]), some(env, [2])),
    },
  ],
};
