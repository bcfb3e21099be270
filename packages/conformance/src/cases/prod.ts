import { prod } from "@neurite/core";
import { some } from "../call.js";
import { FLOATS, NUMBERS } from "../case.js";
import { given } from "../inputs.js";
import { fold } from "../plain.js";
import { reductionCase } from "../reduction-case.js";

const product = (line: readonly number[]) => line.reduce((a, b) => a * b, 1);

export const prodCase = reductionCase({
  op: prod,
  name: "prod",
  dtypes: NUMBERS,
  // near 1, so that products of 67 stay moderate; integers are ones
  range: [0.6, 1.5],
  reference: product,
  empty: 1,
  tolerance: { float32: 1e-5, reason: "a float32 product rounds at each of up to 67 factors" },
  samples: [
    {
      name: "of lines with one zero, two zeros and none",
      inputs: [given([2, 0, 3, 0, 4, 0, 1.5, -2, 0.5], [3, 3])],
      dtypes: FLOATS,
      run: ([x]) => prod(x, { axis: 1 }),
      reference: ([x]) => fold(x, [1], false, product),
      // documented: second gradients only where no element is 0
      second: false,
    },
    {
      name: "of integers beyond int32, which wraps",
      inputs: [given([65537, 65537])],
      dtypes: ["int32"],
      run: ([x]) => prod(x),
      reference: () => ({ shape: [], data: [Math.imul(65537, 65537)] }),
    },
  ],
  errors: [
    {
      name: "a bool tensor",
      dtype: "bool",
      code: "ERR_DTYPE",
      words: ["prod", "bool", "cast"],
      call: (env) => prod(some(env, [2])),
    },
  ],
});
