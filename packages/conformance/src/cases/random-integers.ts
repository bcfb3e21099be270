import { Generator, randomIntegers } from "@neurite/core";
import { valuesOf } from "../call.js";
import type { Case } from "../case.js";
import { expectEqual, expectThat } from "../compare.js";
import { wordsOf } from "../threefry-reference.js";

/** Words modulo n, without those above the last multiple of n. */
function integersOf(seed: number, count: number, n: number): number[] {
  const limit = Math.floor(2 ** 32 / n) * n;
  return wordsOf(seed, 4 * count)
    .filter((word) => word < limit)
    .slice(0, count)
    .map((word) => word % n);
}

export const randomIntegersCase: Case = {
  op: "randomIntegers",
  dtypes: ["int32"],
  storage: true,
  gradient: false,
  samples: [
    {
      name: "from −3 to 6",
      inputs: [],
      run: (_, { device }) => randomIntegers([5, 4], -3, 7, { device, generator: new Generator(7) }),
      reference: () => ({ shape: [5, 4], data: integersOf(7, 20, 10).map((i) => i - 3) }),
    },
    {
      name: "of a range that 2³² is no multiple of, without bias",
      inputs: [],
      // a quarter of all words must be thrown away
      run: (_, { device }) => randomIntegers([64], 0, 3 * 2 ** 29, { device, generator: new Generator(9) }),
      reference: () => ({ shape: [64], data: integersOf(9, 64, 3 * 2 ** 29) }),
    },
  ],
  checks: [
    {
      name: "begins with the published Threefry vector of key 0 and counter 0",
      dtypes: ["int32"],
      async run({ device }) {
        const [values] = await valuesOf(randomIntegers([2], 0, 2 ** 16, { device, generator: new Generator(0) }));
        expectEqual("the numbers", values, [0x0159, 0x4efe]);
      },
    },
    {
      name: "meets every number equally often",
      dtypes: ["int32"],
      async run({ device }) {
        const [values] = await valuesOf(randomIntegers([6000], 0, 6, { device, generator: new Generator(2) }));
        const counts = [0, 0, 0, 0, 0, 0];
        for (const value of values) counts[value]++;
        const chi = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
        // χ² with 5 degrees of freedom passes 20.5 once in a thousand; the seed is fixed
        expectThat(chi < 20.5, `the counts are ${counts}`);
      },
    },
  ],
  errors: [
    {
      name: "a range beyond int32",
      dtype: "int32",
      code: "ERR_VALUE",
      words: ["randomIntegers", "int32", "high 2147483649"],
      call: ({ device }) => randomIntegers([2], 0, 2 ** 31 + 1, { device }),
    },
    {
      name: "an empty range",
      dtype: "int32",
      code: "ERR_VALUE",
      words: ["randomIntegers", "high", "above low", "low 3, high 3"],
      call: ({ device }) => randomIntegers([2], 3, 3, { device }),
    },
  ],
};
