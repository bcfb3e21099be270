import { min } from "@neurite/core";
import { slopeOf, tensorOf } from "../call.js";
import { FLOATS, NUMBERS } from "../case.js";
import { expectEqual } from "../compare.js";
import { given } from "../inputs.js";
import { fold } from "../plain.js";
import { reductionCase } from "../reduction-case.js";

/** JavaScript's own gives NaN where there is one, as the op must. */
const extreme = (line: readonly number[]) => Math.min(...line);

export const minCase = reductionCase({
  op: min,
  name: "min",
  dtypes: NUMBERS,
  distinct: true,
  reference: extreme,
  empty: "refused",
  samples: [
    {
      name: "of NaN, infinities and zeros",
      inputs: [
        given(
          [
            1,
            Number.NaN,
            2,
            Number.NaN,
            5,
            5,
            Number.POSITIVE_INFINITY,
            Number.NEGATIVE_INFINITY,
            0,
            -3,
            -1,
            -2,
            3,
            1,
            2,
          ],
          [5, 3],
        ),
      ],
      dtypes: FLOATS,
      run: ([x]) => min(x, { axis: 1 }),
      reference: ([x]) => fold(x, [1], false, extreme),
      gradient: false,
    },
    {
      name: "of columns with NaN and infinities",
      inputs: [
        given([Number.NaN, 1, Number.NEGATIVE_INFINITY, 2, Number.NaN, Number.POSITIVE_INFINITY, 3, 4, -5], [3, 3]),
      ],
      dtypes: FLOATS,
      run: ([x]) => min(x, { axis: 0 }),
      reference: ([x]) => fold(x, [0], false, extreme),
      gradient: false,
    },
    {
      name: "of lines of infinities alone",
      inputs: [
        given(
          [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
          [2, 2],
        ),
      ],
      dtypes: FLOATS,
      run: ([x]) => min(x, { axis: 1 }),
      reference: ([x]) => fold(x, [1], false, extreme),
      gradient: false,
    },
    {
      name: "of integers at the ends of int32",
      inputs: [given([2147483647, 5, -2147483648])],
      dtypes: ["int32"],
      run: ([x]) => min(x),
      reference: ([x]) => fold(x, [0], false, extreme),
    },
  ],
  checks: [
    {
      name: "shares the gradient between ties",
      dtypes: FLOATS,
      async run(env) {
        const x = tensorOf(env, [4, 1, 4, 1], env.dtype, [4]);
        expectEqual("the gradient", await slopeOf((y) => min(y), x), [0, 0.5, 0, 0.5]);
        x.dispose();
      },
    },
  ],
});
