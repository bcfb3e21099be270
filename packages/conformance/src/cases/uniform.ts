import { Generator, uniform } from "@neurite/core";
import { valuesOf } from "../call.js";
import { type Case, FLOATS } from "../case.js";
import { expectEqual, expectThat } from "../compare.js";
import { build } from "../plain.js";
import { uniformsOf } from "../threefry-reference.js";

export const uniformCase: Case = {
  op: "uniform",
  storage: true,
  gradient: false,
  samples: [
    {
      name: "from 0 to 1",
      inputs: [],
      run: (_, env) => uniform([3, 5], 0, 1, { ...env, generator: new Generator(7) }),
      reference: () => ({ shape: [3, 5], data: uniformsOf(7, 15) }),
    },
    {
      name: "from −2 to 3, from a seed of more than 32 bits",
      inputs: [],
      run: (_, env) => uniform([11], -2, 3, { ...env, generator: new Generator(2 ** 40 + 5) }),
      reference: () => ({ shape: [11], data: uniformsOf(2 ** 40 + 5, 11).map((u) => -2 + 5 * u) }),
    },
    {
      name: "of nothing",
      inputs: [],
      run: (_, env) => uniform([0], 0, 1, { ...env, generator: new Generator(1) }),
      reference: () => build([0], () => 0),
    },
  ],
  checks: [
    {
      name: "begins with the published Threefry vector of key 0 and counter 0, bit by bit",
      dtypes: FLOATS,
      async run(env) {
        const [values] = await valuesOf(uniform([2], 0, 1, { ...env, generator: new Generator(0) }));
        expectEqual("the numbers", values, [0x6b2001 / 2 ** 24, 0x99ba4e / 2 ** 24]);
      },
    },
    {
      name: "equals its reference bit by bit",
      dtypes: FLOATS,
      async run(env) {
        const [values] = await valuesOf(uniform([257], 0, 1, { ...env, generator: new Generator(3) }));
        expectEqual("the numbers", values, uniformsOf(3, 257));
      },
    },
    {
      name: "has the moments of the uniform distribution",
      async run(env) {
        const n = 4096;
        const [values] = await valuesOf(uniform([n], 0, 1, { ...env, generator: new Generator(5) }));
        const mean = values.reduce((a, b) => a + b, 0) / n;
        const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n;
        // four standard errors
        expectThat(Math.abs(mean - 0.5) < 4 * Math.sqrt(1 / 12 / n), `the mean is ${mean}`);
        expectThat(Math.abs(variance - 1 / 12) < 4 * Math.sqrt(1 / 180 / n), `the variance is ${variance}`);
        expectThat(
          values.every((x) => x >= 0 && x < 1),
          "a number lies outside [0, 1)",
        );
      },
    },
  ],
  errors: [
    {
      name: "integers",
      code: "ERR_DTYPE",
      words: ["uniform", "float32 or float64", "int32"],
      call: ({ device }) => uniform([2], 0, 1, { device, dtype: "int32" }),
    },
    {
      name: "a negative length",
      code: "ERR_SHAPE",
      words: ["uniform", "[-1]"],
      call: ({ device }) => uniform([-1], 0, 1, { device }),
    },
  ],
};
