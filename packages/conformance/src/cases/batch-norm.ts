import { batchNorm } from "@neurite/core";
import { some, tensorOf, valuesOf } from "../call.js";
import type { Case, Sample } from "../case.js";
import { expectThat } from "../compare.js";
import { numbers } from "../inputs.js";
import { at, build, count, type Plain, reshaped } from "../plain.js";
import { statistics } from "./layer-norm.js";

/** y, mean and variance. */
function normalized([x, weight, bias]: readonly Plain[], eps: number): Plain[] {
  const channels = x.shape[x.shape.length - 1];
  const rows = reshaped(x, [count(x.shape.slice(0, -1)), channels]);
  const { mean, variance, rstd } = statistics(rows, [0], eps);
  const y = build(rows.shape, (index) => {
    const c = index[1];
    const z = (at(rows, index) - mean.data[c]) * rstd.data[c];
    return z * (weight ? weight.data[c] : 1) + (bias ? bias.data[c] : 0);
  });
  return [reshaped(y, x.shape), reshaped(mean, [channels]), reshaped(variance, [channels])];
}

function sample(
  name: string,
  shape: readonly number[],
  affine: boolean,
  { eps = 1e-5, ...more }: Partial<Sample> & { readonly eps?: number } = {},
): Sample {
  const channels = shape[shape.length - 1];
  return {
    name,
    inputs: affine ? [numbers(shape), numbers([channels]), numbers([channels])] : [numbers(shape)],
    run([x, weight, bias]) {
      const { y, mean, variance } = batchNorm(x, { weight, bias, eps });
      return [y, mean, variance];
    },
    reference: (inputs) => normalized(inputs, eps),
    ...more,
  };
}

export const batchNormCase: Case = {
  op: "batchNorm",
  fused: true,
  tolerance: { float32: 5e-6, reason: "a mean and a variance, each rounded, before the division by its root" },
  samples: [
    sample("of a batch of vectors", [4, 3], true),
    sample("of images", [2, 2, 2, 2], true),
    sample("without weight and bias", [2, 3, 2], false),
    sample("with a large eps", [3, 2], true, { eps: 0.5 }),
    sample("of a single element per channel, which gives the bias", [1, 3], true, { gradient: false }),
    sample("of 5×7×9×11 elements", [5, 7, 9, 11], true, { gradient: false }),
    sample("of no image, whose statistics are NaN", [0, 2, 3], true, { gradient: false }),
    {
      ...sample("whose y alone is used", [4, 2], true),
      run([x, weight, bias]) {
        const { y, mean, variance } = batchNorm(x, { weight, bias });
        mean.dispose();
        variance.dispose();
        return y;
      },
      reference: (inputs) => normalized(inputs, 1e-5)[0],
    },
  ],
  checks: [
    {
      name: "keeps its precision far from zero",
      async run(env) {
        const x = tensorOf(env, [4097, 4098, 4099, 4100], env.dtype, [4, 1]);
        const { y, mean, variance } = batchNorm(x);
        const [values, [center], [spread]] = await valuesOf(y, mean, variance);
        x.dispose();
        const expected = [-1.5, -0.5, 0.5, 1.5].map((value) => value / Math.sqrt(1.25 + 1e-5));
        const worst = Math.max(...values.map((value, i) => Math.abs(value - expected[i])));
        expectThat(worst < 1e-5 && center === 4098.5 && spread === 1.25, `error ${worst}, ${center}, ${spread}`);
      },
    },
  ],
  errors: [
    {
      name: "a weight of another length",
      code: "ERR_SHAPE",
      words: ["batchNorm", "weight", "[4]", "[3]"],
      call: (env) => batchNorm(some(env, [2, 4]), { weight: some(env, [3]) }),
    },
    {
      name: "a bias alone of another length",
      code: "ERR_SHAPE",
      words: ["batchNorm", "bias", "[4]", "[3]"],
      call: (env) => batchNorm(some(env, [2, 4]), { bias: some(env, [3]) }),
    },
    {
      name: "a scalar",
      code: "ERR_SHAPE",
      words: ["batchNorm", "x", "[..., channels]", "[]"],
      call: (env) => batchNorm(some(env, [])),
    },
    {
      name: "integers",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: ["batchNorm", "float32 or float64", "int32"],
      call: (env) => batchNorm(some(env, [2, 4])),
    },
  ],
};
