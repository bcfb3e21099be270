import { any } from "@neurite/core";
import { FLOATS } from "../case.js";
import { given } from "../inputs.js";
import { fold } from "../plain.js";
import { reductionCase } from "../reduction-case.js";

const reference = (line: readonly number[]) => Number(line.some((value) => value !== 0));

export const anyCase = reductionCase({
  op: any,
  name: "any",
  dtypes: ["bool", "float32", "float64", "int32"],
  result: "bool",
  range: [-1, 1],
  reference,
  gradient: false,
  empty: "refused",
  samples: [
    {
      name: "of fractions, NaN and zeros",
      inputs: [given([0.25, 0, Number.NaN, 0, 0, -0, 0.5, -1], [4, 2])],
      dtypes: FLOATS,
      run: ([x]) => any(x, { axis: 1 }),
      reference: ([x]) => fold(x, [1], false, reference),
      result: "bool",
    },
  ],
});
