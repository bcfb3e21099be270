import { sumTo } from "@neurite/core";
import { some } from "../call.js";
import { type Case, NUMBERS } from "../case.js";
import { numbers } from "../inputs.js";
import { fold } from "../plain.js";

const total = (line: readonly number[]) => line.reduce((a, b) => a + b, 0);

export const sumToCase: Case = {
  op: "sumTo",
  dtypes: NUMBERS,
  samples: [
    {
      name: "a row, of a stack",
      inputs: [numbers([2, 3, 4])],
      run: ([x]) => sumTo(x, [4]),
      reference: ([x]) => fold(x, [0, 1], false, total),
    },
    {
      name: "a column, of a stack",
      inputs: [numbers([2, 3, 4])],
      run: ([x]) => sumTo(x, [3, 1]),
      reference: ([x]) => ({ shape: [3, 1], data: fold(x, [0, 2], false, total).data }),
    },
    {
      name: "a scalar",
      inputs: [numbers([2, 3])],
      run: ([x]) => sumTo(x, []),
      reference: ([x]) => fold(x, [0, 1], false, total),
    },
    {
      name: "a column, of an axis of length 1 and more",
      inputs: [numbers([3, 1, 2])],
      run: ([x]) => sumTo(x, [1, 1]),
      reference: ([x]) => ({ shape: [1, 1], data: [total(x.data)] }),
    },
    {
      name: "zeros, of nothing",
      inputs: [numbers([0, 3])],
      run: ([x]) => sumTo(x, [3]),
      reference: () => ({ shape: [3], data: [0, 0, 0] }),
    },
    {
      name: "its own shape",
      inputs: [numbers([2, 3])],
      run: ([x]) => sumTo(x, [2, 3]),
      reference: ([x]) => x,
    },
  ],
  errors: [
    {
      name: "a shape that does not broadcast to x's",
      code: "ERR_SHAPE",
      words: ["sumTo", "[2, 3]", "[2]"],
      call: (env) => sumTo(some(env, [2, 3]), [2]),
    },
  ],
};
