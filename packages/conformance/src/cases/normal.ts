import { Generator, normal } from "@neurite/core";
import { valuesOf } from "../call.js";
import { type Case, FLOATS } from "../case.js";
import { expectEqual, expectThat } from "../compare.js";
import { uniformsOf } from "../threefry-reference.js";

/** Box and Muller's transformation of pairs of uniform numbers. */
function normalsOf(seed: number, n: number): number[] {
  const uniforms = uniformsOf(seed, 2 * n);
  return Array.from({ length: n }, (_, i) => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniforms[2 * i]));
    return radius * Math.cos(2 * Math.PI * uniforms[2 * i + 1]);
  });
}

export const normalCase: Case = {
  op: "normal",
  storage: true,
  gradient: false,
  samples: [
    {
      name: "of mean 0 and deviation 1",
      inputs: [],
      run: (_, env) => normal([4, 3], 0, 1, { ...env, generator: new Generator(7) }),
      reference: () => ({ shape: [4, 3], data: normalsOf(7, 12) }),
    },
    {
      name: "of mean 5 and deviation 0.1",
      inputs: [],
      run: (_, env) => normal([9], 5, 0.1, { ...env, generator: new Generator(8) }),
      reference: () => ({ shape: [9], data: normalsOf(8, 9).map((x) => 5 + 0.1 * x) }),
    },
  ],
  checks: [
    {
      name: "equals its reference bit by bit",
      dtypes: FLOATS,
      async run(env) {
        const [values] = await valuesOf(normal([257], 0, 1, { ...env, generator: new Generator(3) }));
        const expected = normalsOf(3, 257);
        expectEqual("the numbers", values, env.dtype === "float32" ? expected.map(Math.fround) : expected);
      },
    },
    {
      name: "has the moments of the normal distribution",
      async run(env) {
        const n = 4096;
        const [values] = await valuesOf(normal([n], 0, 1, { ...env, generator: new Generator(5) }));
        const moment = (k: number) => values.reduce((sum, x) => sum + x ** k, 0) / n;
        // four standard errors: the k-th moment has variance E[x²ᵏ] − E[xᵏ]²
        const bounds = [Math.sqrt(1 / n), Math.sqrt(2 / n), Math.sqrt(15 / n), Math.sqrt(96 / n)];
        [0, 1, 0, 3].forEach((wanted, i) => {
          const found = moment(i + 1);
          expectThat(Math.abs(found - wanted) < 4 * bounds[i], `moment ${i + 1} is ${found}`);
        });
      },
    },
  ],
  errors: [
    {
      name: "integers",
      code: "ERR_DTYPE",
      words: ["normal", "float32 or float64", "int32"],
      call: ({ device }) => normal([2], 0, 1, { device, dtype: "int32" }),
    },
  ],
};
