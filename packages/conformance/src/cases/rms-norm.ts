import { type RMSNormOptions, rmsNorm } from "@neurite/core";
import { some } from "../call.js";
import type { Case, Sample } from "../case.js";
import { numbers } from "../inputs.js";
import { at, build, fold } from "../plain.js";
import { kept } from "./layer-norm.js";

function sample(
  name: string,
  shape: readonly number[],
  weighted: boolean,
  options: RMSNormOptions = {},
  more: Partial<Sample> = {},
): Sample {
  const { axes = 1, eps } = options;
  const last = Array.from({ length: axes }, (_, i) => shape.length - axes + i);
  return {
    name,
    inputs: weighted ? [numbers(shape), numbers(shape.slice(-axes))] : [numbers(shape)],
    run: ([x, weight]) => rmsNorm(x, { ...options, weight }),
    reference([x, weight], { dtype }) {
      const small = eps ?? (dtype === "float64" ? 2 ** -52 : 2 ** -23);
      const roots = fold(x, last, true, (line) => Math.sqrt(line.reduce((s, v) => s + v * v, 0) / line.length + small));
      return build(shape, (index) => {
        const scale = weight ? at(weight, index.slice(-axes)) : 1;
        return (at(x, index) / at(roots, kept(index, last))) * scale;
      });
    },
    ...more,
  };
}

export const rmsNormCase: Case = {
  op: "rmsNorm",
  fused: true,
  tolerance: { float32: 5e-6, reason: "a rounded mean of squares before the division by its root" },
  samples: [
    sample("of a batch of vectors", [3, 4], true),
    sample("without weight", [2, 2, 3], false),
    sample("over the last two axes", [2, 3, 2], true, { axes: 2 }),
    sample("with a large eps", [2, 3], true, { eps: 0.5 }),
    sample("of one vector", [5], true),
    sample("of vectors of one element", [3, 1], true),
    sample("of 35 vectors", [35, 3], true),
    sample("of 33 vectors of 67 elements", [33, 67], true, {}, { gradient: false }),
    sample("of no vector", [0, 3], true),
  ],
  errors: [
    {
      name: "a weight of another length",
      code: "ERR_SHAPE",
      words: ["rmsNorm", "weight", "[4]", "[3]"],
      call: (env) => rmsNorm(some(env, [2, 4]), { weight: some(env, [3]) }),
    },
    {
      name: "integers",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: ["rmsNorm", "float32 or float64", "int32"],
      call: (env) => rmsNorm(some(env, [2, 4])),
    },
  ],
};
