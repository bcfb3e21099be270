import { where } from "@neurite/core";
import { slopeOf, some, tensorOf } from "../call.js";
import { type Case, FLOATS } from "../case.js";
import { expectEqual } from "../compare.js";
import { elementwiseCase } from "../elementwise-case.js";

const table = elementwiseCase(where, {
  kind: "select",
  reference: (condition, a, b) => (condition ? a : b),
  conditions: [0],
});

export const whereCase: Case = {
  ...table,
  checks: [
    {
      name: "gives gradient 0 to a branch that is not taken, though it is NaN or infinite",
      dtypes: FLOATS,
      async run(env) {
        const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
        const condition = tensorOf(env, [1, 0, 1], "bool");
        const [a, b] = [tensorOf(env, [1, nan, 2]), tensorOf(env, [inf, 3, nan])];
        expectEqual("the gradient by a", await slopeOf((x) => where(condition, x, b), a), [1, 0, 1]);
        expectEqual("the gradient by b", await slopeOf((x) => where(condition, a, x), b), [0, 1, 0]);
        for (const tensor of [condition, a, b]) tensor.dispose();
      },
    },
  ],
  errors: [
    ...table.errors!,
    {
      name: "a condition that is not bool",
      code: "ERR_DTYPE",
      words: ["where", "bool condition", "float32", "notEqual"],
      call: (env) => {
        const x = some(env, [2]);
        return where(x, x, x);
      },
    },
  ],
};
