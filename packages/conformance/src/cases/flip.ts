import { flip } from "@neurite/core";
import { some } from "../call.js";
import { ALL, type Case } from "../case.js";
import { numbers } from "../inputs.js";
import { at, build } from "../plain.js";

export const flipCase: Case = {
  op: "flip",
  dtypes: ALL,
  storage: true,
  samples: [
    {
      name: "of rows and columns",
      inputs: [numbers([2, 3, 4])],
      run: ([x]) => flip(x, [0, -1]),
      reference: ([x]) => build([2, 3, 4], ([i, j, k]) => at(x, [1 - i, j, 3 - k])),
    },
    {
      name: "of one axis",
      inputs: [numbers([2, 5])],
      run: ([x]) => flip(x, 1),
      reference: ([x]) => build([2, 5], ([i, j]) => at(x, [i, 4 - j])),
    },
    {
      name: "of an axis of length 1",
      inputs: [numbers([3, 1])],
      run: ([x]) => flip(x, [0, 1]),
      reference: ([x]) => build([3, 1], ([i]) => at(x, [2 - i, 0])),
    },
    {
      name: "of an empty tensor",
      inputs: [numbers([0, 2])],
      run: ([x]) => flip(x, 0),
      reference: () => ({ shape: [0, 2], data: [] }),
    },
  ],
  errors: [
    {
      name: "an axis named twice",
      code: "ERR_INDEX",
      words: ["flip", "each axis once", "[0, -2]"],
      call: (env) => flip(some(env, [2, 3]), [0, -2]),
    },
  ],
};
