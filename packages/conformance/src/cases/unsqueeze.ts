import { unsqueeze } from "@neurite/core";
import { some } from "../call.js";
import { ALL, type Case } from "../case.js";
import { numbers } from "../inputs.js";
import { reshaped } from "../plain.js";

export const unsqueezeCase: Case = {
  op: "unsqueeze",
  dtypes: ALL,
  storage: true,
  samples: [
    {
      name: "in front",
      inputs: [numbers([2, 3])],
      run: ([x]) => unsqueeze(x, 0),
      reference: ([x]) => reshaped(x, [1, 2, 3]),
    },
    {
      name: "at the end, counted from there",
      inputs: [numbers([2, 3])],
      run: ([x]) => unsqueeze(x, -1),
      reference: ([x]) => reshaped(x, [2, 3, 1]),
    },
    {
      name: "between axes of length 1",
      inputs: [numbers([1, 1])],
      run: ([x]) => unsqueeze(x, 1),
      reference: ([x]) => reshaped(x, [1, 1, 1]),
    },
    {
      name: "of an empty tensor",
      inputs: [numbers([0, 2])],
      run: ([x]) => unsqueeze(x, 2),
      reference: () => ({ shape: [0, 2, 1], data: [] }),
    },
    {
      name: "of a scalar",
      inputs: [numbers([])],
      run: ([x]) => unsqueeze(x, 0),
      reference: ([x]) => reshaped(x, [1]),
    },
  ],
  errors: [
    {
      name: "a place beyond the last axis",
      code: "ERR_INDEX",
      words: ["unsqueeze", "from -3 to 2", "3"],
      call: (env) => unsqueeze(some(env, [2, 3]), 3),
    },
  ],
};
