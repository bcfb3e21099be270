import { expand } from "@neurite/core";
import { some } from "../call.js";
import { ALL, type Case } from "../case.js";
import { numbers } from "../inputs.js";
import { broadcastAt, build } from "../plain.js";

export const expandCase: Case = {
  op: "expand",
  dtypes: ALL,
  storage: true,
  samples: [
    {
      name: "of a column to a matrix",
      inputs: [numbers([3, 1])],
      run: ([x]) => expand(x, [3, 4]),
      reference: ([x]) => build([3, 4], (index) => broadcastAt(x, index)),
    },
    {
      name: "of a row to a stack, keeping a length by -1",
      inputs: [numbers([1, 3])],
      run: ([x]) => expand(x, [2, 4, -1]),
      reference: ([x]) => build([2, 4, 3], (index) => broadcastAt(x, index)),
    },
    {
      name: "of a scalar",
      inputs: [numbers([])],
      run: ([x]) => expand(x, [2, 2]),
      reference: ([x]) => build([2, 2], (index) => broadcastAt(x, index)),
    },
    {
      name: "of a row of no elements",
      inputs: [numbers([1, 0])],
      run: ([x]) => expand(x, [3, 0]),
      reference: () => ({ shape: [3, 0], data: [] }),
    },
    {
      name: "to no elements",
      inputs: [numbers([1, 3])],
      run: ([x]) => expand(x, [0, 3]),
      reference: () => ({ shape: [0, 3], data: [] }),
    },
  ],
  errors: [
    {
      name: "an axis longer than 1",
      code: "ERR_SHAPE",
      words: ["expand", "[2, 3]", "[4, 3]", "length 1"],
      call: (env) => expand(some(env, [2, 3]), [4, 3]),
    },
    {
      name: "fewer axes",
      code: "ERR_SHAPE",
      words: ["expand", "[2, 3]", "[3]"],
      call: (env) => expand(some(env, [2, 3]), [3]),
    },
  ],
};
