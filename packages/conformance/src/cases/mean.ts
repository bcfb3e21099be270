import { mean } from "@neurite/core";
import { some } from "../call.js";
import { FLOATS } from "../case.js";
import { reductionCase } from "../reduction-case.js";

export const meanCase = reductionCase({
  op: mean,
  name: "mean",
  dtypes: FLOATS,
  reference: (line) => line.reduce((a, b) => a + b, 0) / line.length,
  empty: Number.NaN,
  errors: [
    {
      name: "integers",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: ["mean", "float32 or float64", "int32", "cast"],
      call: (env) => mean(some(env, [2])),
    },
  ],
});
