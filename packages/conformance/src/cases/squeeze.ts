import { squeeze } from "@neurite/core";
import { some } from "../call.js";
import { ALL, type Case } from "../case.js";
import { numbers } from "../inputs.js";
import { reshaped } from "../plain.js";

export const squeezeCase: Case = {
  op: "squeeze",
  dtypes: ALL,
  storage: true,
  samples: [
    {
      name: "of one axis",
      inputs: [numbers([2, 1, 3, 1])],
      run: ([x]) => squeeze(x, 1),
      reference: ([x]) => reshaped(x, [2, 3, 1]),
    },
    {
      name: "of all axes of length 1",
      inputs: [numbers([1, 2, 1, 3])],
      run: ([x]) => squeeze(x),
      reference: ([x]) => reshaped(x, [2, 3]),
    },
    {
      name: "of an empty tensor",
      inputs: [numbers([1, 0, 3])],
      run: ([x]) => squeeze(x),
      reference: () => ({ shape: [0, 3], data: [] }),
    },
    {
      name: "to a scalar",
      inputs: [numbers([1, 1])],
      run: ([x]) => squeeze(x),
      reference: ([x]) => reshaped(x, []),
    },
  ],
  errors: [
    {
      name: "an axis longer than 1",
      code: "ERR_SHAPE",
      words: ["squeeze", "length 1", "axis 0 of [2, 1]"],
      call: (env) => squeeze(some(env, [2, 1]), 0),
    },
  ],
};
