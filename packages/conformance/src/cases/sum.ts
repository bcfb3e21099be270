import { sum } from "@neurite/core";
import { some } from "../call.js";
import { FLOATS, NUMBERS } from "../case.js";
import { given, numbers } from "../inputs.js";
import { reductionCase } from "../reduction-case.js";

const total = (line: readonly number[]) => line.reduce((a, b) => a + b, 0);

export const sumCase = reductionCase({
  op: sum,
  name: "sum",
  dtypes: NUMBERS,
  reference: total,
  empty: 0,
  tolerance: { float32: 1e-5, reason: "a float32 accumulator rounds at each of up to 1500 additions" },
  samples: [
    {
      // longer than a loop bound that GPU compilers like to assume
      name: "of 1500 numbers",
      inputs: [numbers([1500], 0, 1)],
      dtypes: FLOATS,
      run: ([x]) => sum(x),
      reference: ([x]) => ({ shape: [], data: [total(x.data)] }),
      gradient: false,
    },
    {
      name: "of NaN and infinities",
      inputs: [
        given([1, Number.NaN, Number.POSITIVE_INFINITY, 1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], [3, 2]),
      ],
      dtypes: FLOATS,
      run: ([x]) => sum(x, { axis: 1 }),
      reference: () => ({ shape: [3], data: [Number.NaN, Number.POSITIVE_INFINITY, Number.NaN] }),
      gradient: false,
    },
    {
      name: "of integers beyond int32, which wraps",
      inputs: [given([2147483647, 1, 5])],
      dtypes: ["int32"],
      run: ([x]) => sum(x),
      reference: () => ({ shape: [], data: [-2147483643] }),
    },
  ],
  errors: [
    {
      name: "a bool tensor",
      dtype: "bool",
      code: "ERR_DTYPE",
      words: ["sum", "bool", "cast"],
      call: (env) => sum(some(env, [2])),
    },
  ],
});
