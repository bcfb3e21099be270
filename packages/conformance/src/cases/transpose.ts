import { transpose } from "@neurite/core";
import { some } from "../call.js";
import { ALL, type Case } from "../case.js";
import { numbers } from "../inputs.js";
import { at, build } from "../plain.js";

export const transposeCase: Case = {
  op: "transpose",
  dtypes: ALL,
  storage: true,
  samples: [
    {
      name: "of the last two axes",
      inputs: [numbers([2, 3, 4])],
      run: ([x]) => transpose(x),
      reference: ([x]) => build([2, 4, 3], ([i, k, j]) => at(x, [i, j, k])),
    },
    {
      name: "of the first and the last axis",
      inputs: [numbers([2, 3, 4])],
      run: ([x]) => transpose(x, 0, -1),
      reference: ([x]) => build([4, 3, 2], ([k, j, i]) => at(x, [i, j, k])),
    },
    {
      name: "of a column",
      inputs: [numbers([5, 1])],
      run: ([x]) => transpose(x),
      reference: ([x]) => ({ shape: [1, 5], data: x.data }),
    },
    {
      name: "of an empty matrix",
      inputs: [numbers([0, 3])],
      run: ([x]) => transpose(x),
      reference: () => ({ shape: [3, 0], data: [] }),
    },
    {
      name: "of a matrix larger than a tile",
      inputs: [numbers([37, 45])],
      run: ([x]) => transpose(x),
      reference: ([x]) => build([45, 37], ([j, i]) => at(x, [i, j])),
      gradient: false,
    },
  ],
  errors: [
    {
      name: "a vector",
      code: "ERR_INDEX",
      words: ["transpose", "from -1 to 0", "-2"],
      call: (env) => transpose(some(env, [3])),
    },
  ],
};
