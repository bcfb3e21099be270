import { dropout, Generator, ones } from "@neurite/core";
import { some, valuesOf } from "../call.js";
import { type Case, FLOATS } from "../case.js";
import { expectEqual, expectThat } from "../compare.js";
import { numbers } from "../inputs.js";
import { uniformsOf } from "../threefry-reference.js";

export const dropoutCase: Case = {
  op: "dropout",
  samples: [
    {
      name: "of a quarter",
      inputs: [numbers([4, 5])],
      run: ([x]) => dropout(x, 0.25, new Generator(7)),
      reference([x]) {
        const keep = uniformsOf(7, 20).map((u) => (u < 0.25 ? 0 : 1 / 0.75));
        return { shape: x.shape, data: x.data.map((value, i) => value * keep[i]) };
      },
    },
    {
      name: "of a column",
      inputs: [numbers([6, 1])],
      run: ([x]) => dropout(x, 0.5, new Generator(9)),
      reference([x]) {
        const keep = uniformsOf(9, 6).map((u) => (u < 0.5 ? 0 : 2));
        return { shape: x.shape, data: x.data.map((value, i) => value * keep[i]) };
      },
    },
    {
      name: "with numbers from the middle of a stream",
      inputs: [numbers([19])],
      run: ([x]) => dropout(x, 0.25, Generator.from({ seed: 11, counter: 3 })),
      reference([x]) {
        const keep = uniformsOf(11, 22).map((u) => (u < 0.25 ? 0 : 1 / 0.75));
        return { shape: x.shape, data: x.data.map((value, i) => value * keep[i + 3]) };
      },
    },
    {
      name: "of nothing",
      inputs: [numbers([2, 3])],
      run: ([x]) => dropout(x, 0, new Generator(7)),
      reference: ([x]) => x,
    },
    {
      name: "of an empty tensor",
      inputs: [numbers([0, 3])],
      run: ([x]) => dropout(x, 0.5, new Generator(7)),
      reference: ([x]) => x,
    },
  ],
  checks: [
    {
      name: "drops the same elements everywhere and from any device",
      dtypes: FLOATS,
      async run(env) {
        const x = ones([64], env);
        const [values] = await valuesOf(dropout(x, 0.5, new Generator(3)));
        x.dispose();
        expectEqual(
          "the result",
          values,
          uniformsOf(3, 64).map((u) => (u < 0.5 ? 0 : 2)),
        );
      },
    },
    {
      name: "keeps the expectation",
      async run(env) {
        const n = 4096;
        const x = ones([n], env);
        const [values] = await valuesOf(dropout(x, 0.3, new Generator(5)));
        x.dispose();
        const mean = values.reduce((a, b) => a + b, 0) / n;
        // four standard errors: an element has variance p/(1 − p)
        expectThat(Math.abs(mean - 1) < 4 * Math.sqrt(0.3 / 0.7 / n), `the mean is ${mean}`);
      },
    },
  ],
  errors: [
    {
      name: "a probability of 1",
      code: "ERR_VALUE",
      words: ["dropout", "p", "below 1", "1"],
      call: (env) => dropout(some(env, [2]), 1),
    },
    {
      name: "integers",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: ["dropout", "float32 or float64", "int32"],
      call: (env) => dropout(some(env, [2]), 0.5),
    },
  ],
};
