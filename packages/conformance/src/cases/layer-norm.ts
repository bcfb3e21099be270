import { type LayerNormOptions, layerNorm } from "@neurite/core";
import { some, tensorOf, valuesOf } from "../call.js";
import type { Case, Sample } from "../case.js";
import { expectThat } from "../compare.js";
import { numbers } from "../inputs.js";
import { at, build, fold, type Plain } from "../plain.js";

/** Mean and 1/√(variance + eps) over axes, which stay. */
export function statistics(
  x: Plain,
  axes: readonly number[],
  eps: number,
): { mean: Plain; variance: Plain; rstd: Plain } {
  const mean = (line: readonly number[]) => line.reduce((a, b) => a + b, 0) / line.length;
  const spread = (line: readonly number[]) => {
    const center = mean(line);
    return mean(line.map((value) => (value - center) ** 2));
  };
  return {
    mean: fold(x, axes, true, mean),
    variance: fold(x, axes, true, spread),
    rstd: fold(x, axes, true, (line) => 1 / Math.sqrt(spread(line) + eps)),
  };
}

/** Position in an array whose reduced axes have length 1. */
export const kept = (index: readonly number[], axes: readonly number[]) =>
  index.map((i, axis) => (axes.includes(axis) ? 0 : i));

function normalized(x: Plain, axes: number, weight: Plain | undefined, bias: Plain | undefined, eps: number): Plain {
  const last = Array.from({ length: axes }, (_, i) => x.shape.length - axes + i);
  const { mean, rstd } = statistics(x, last, eps);
  return build(x.shape, (index) => {
    const row = kept(index, last);
    const tail = index.slice(-axes);
    const z = (at(x, index) - at(mean, row)) * at(rstd, row);
    return z * (weight ? at(weight, tail) : 1) + (bias ? at(bias, tail) : 0);
  });
}

function sample(
  name: string,
  shape: readonly number[],
  own: readonly ("weight" | "bias")[],
  options: Omit<LayerNormOptions, "weight" | "bias"> = {},
  more: Partial<Sample> = {},
): Sample {
  const { axes = 1, eps = 1e-5 } = options;
  const named = <T>([x, ...rest]: readonly T[]) => ({
    x,
    weight: own.includes("weight") ? rest[own.indexOf("weight")] : undefined,
    bias: own.includes("bias") ? rest[own.indexOf("bias")] : undefined,
  });
  return {
    name,
    inputs: [numbers(shape), ...own.map(() => numbers(shape.slice(-axes)))],
    run(inputs) {
      const { x, weight, bias } = named(inputs);
      return layerNorm(x, { ...options, weight, bias });
    },
    reference(inputs) {
      const { x, weight, bias } = named(inputs);
      return normalized(x, axes, weight, bias, eps);
    },
    ...more,
  };
}

export const layerNormCase: Case = {
  op: "layerNorm",
  fused: true,
  tolerance: { float32: 5e-6, reason: "a mean and a variance, each rounded, before the division by its root" },
  samples: [
    sample("of a batch of vectors", [3, 4], ["weight", "bias"]),
    sample("of sequences", [2, 3, 4], ["weight", "bias"]),
    sample("without weight and bias", [3, 4], []),
    sample("with a weight alone", [2, 5], ["weight"]),
    sample("with a bias alone", [2, 5], ["bias"]),
    sample("over the last two axes", [2, 3, 2], ["weight", "bias"], { axes: 2 }),
    sample("of one vector", [5], ["weight", "bias"]),
    sample("with a large eps", [2, 3], ["weight"], { eps: 0.5 }),
    sample("of vectors of one element, which gives the bias", [3, 1], ["weight", "bias"], {}, { gradient: false }),
    sample("of 35 vectors", [35, 3], ["weight", "bias"]),
    sample("of 33 vectors of 67 elements", [33, 67], ["weight", "bias"], {}, { gradient: false }),
    sample("of no vector", [0, 3], ["weight", "bias"]),
  ],
  checks: [
    {
      name: "keeps its precision far from zero",
      async run(env) {
        const x = tensorOf(env, [4097, 4098, 4099, 4100]);
        const [y] = await valuesOf(layerNorm(x));
        x.dispose();
        const expected = [-1.5, -0.5, 0.5, 1.5].map((value) => value / Math.sqrt(1.25 + 1e-5));
        const worst = Math.max(...y.map((value, i) => Math.abs(value - expected[i])));
        expectThat(worst < 1e-5, `the largest error is ${worst}`);
      },
    },
  ],
  errors: [
    {
      name: "a weight of another length",
      code: "ERR_SHAPE",
      words: ["layerNorm", "weight", "[4]", "[3]"],
      call: (env) => layerNorm(some(env, [2, 4]), { weight: some(env, [3]) }),
    },
    {
      name: "more axes than there are",
      code: "ERR_SHAPE",
      words: ["layerNorm", "x", "at least 3 axes", "[2, 4]"],
      call: (env) => layerNorm(some(env, [2, 4]), { axes: 3 }),
    },
    {
      name: "a negative eps",
      code: "ERR_VALUE",
      words: ["layerNorm", "eps", "-1"],
      call: (env) => layerNorm(some(env, [2, 4]), { eps: -1 }),
    },
    {
      name: "integers",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: ["layerNorm", "float32 or float64", "int32"],
      call: (env) => layerNorm(some(env, [2, 4])),
    },
  ],
};
