import { groupNorm } from "@neurite/core";
import { some } from "../call.js";
import type { Case, Sample } from "../case.js";
import { numbers } from "../inputs.js";
import { at, build, count, reshaped } from "../plain.js";
import { kept, statistics } from "./layer-norm.js";

function sample(
  name: string,
  shape: readonly number[],
  groups: number,
  affine: boolean,
  { eps = 1e-5, ...more }: Partial<Sample> & { readonly eps?: number } = {},
): Sample {
  const channels = shape[shape.length - 1];
  return {
    name,
    inputs: affine ? [numbers(shape), numbers([channels]), numbers([channels])] : [numbers(shape)],
    run: ([x, weight, bias]) => groupNorm(x, groups, { weight, bias, eps }),
    reference([x, weight, bias]) {
      const cut = reshaped(x, [shape[0], count(shape.slice(1, -1)), groups, channels / groups]);
      const { mean, rstd } = statistics(cut, [1, 3], eps);
      const y = build(cut.shape, (index) => {
        const place = kept(index, [1, 3]);
        const c = index[2] * (channels / groups) + index[3];
        const z = (at(cut, index) - at(mean, place)) * at(rstd, place);
        return z * (weight ? weight.data[c] : 1) + (bias ? bias.data[c] : 0);
      });
      return reshaped(y, shape);
    },
    ...more,
  };
}

export const groupNormCase: Case = {
  op: "groupNorm",
  fused: true,
  tolerance: { float32: 5e-6, reason: "a mean and a variance, each rounded, before the division by its root" },
  samples: [
    sample("of images in two groups", [2, 2, 2, 4], 2, true),
    sample("of sequences in one group", [2, 3, 2], 1, true),
    sample("of each channel by itself", [2, 3, 2], 2, true),
    sample("without weight and bias", [2, 2, 4], 2, false),
    sample("of vectors", [2, 6], 2, true),
    sample("with a large eps", [1, 3, 4], 2, true, { eps: 0.5 }),
    sample("of 2×5×7×24 elements in three groups", [2, 5, 7, 24], 3, true, { gradient: false }),
    sample("of nine positions in groups of three channels", [2, 9, 6], 2, true),
    sample("of nine positions in groups of seven channels", [1, 3, 3, 21], 3, true),
    sample("of eight positions, each channel by itself", [1, 8, 5], 5, true),
    sample("of eight positions in one group, without weight and bias", [2, 8, 3], 1, false),
    sample("of 2×901×21 elements in three groups", [2, 901, 21], 3, true, { gradient: false }),
    sample("of no image", [0, 2, 2, 4], 2, true),
  ],
  errors: [
    {
      name: "groups that do not divide the channels",
      code: "ERR_VALUE",
      words: ["groupNorm", "groups", "divides 6 channels", "4"],
      call: (env) => groupNorm(some(env, [2, 6]), 4),
    },
    {
      name: "a bias of another length",
      code: "ERR_SHAPE",
      words: ["groupNorm", "bias", "[6]", "[2]"],
      call: (env) => groupNorm(some(env, [2, 6]), 2, { weight: some(env, [6]), bias: some(env, [2]) }),
    },
    {
      name: "a vector",
      code: "ERR_SHAPE",
      words: ["groupNorm", "x", "[n, ..., channels]", "[6]"],
      call: (env) => groupNorm(some(env, [6]), 2),
    },
    {
      name: "integers",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: ["groupNorm", "float32 or float64", "int32"],
      call: (env) => groupNorm(some(env, [2, 6]), 2),
    },
  ],
};
