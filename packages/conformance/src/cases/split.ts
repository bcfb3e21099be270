import { split } from "@neurite/core";
import { some } from "../call.js";
import { ALL, type Case } from "../case.js";
import { numbers } from "../inputs.js";
import { at, build } from "../plain.js";

export const splitCase: Case = {
  op: "split",
  dtypes: ALL,
  storage: true,
  samples: [
    {
      name: "into equal parts",
      inputs: [numbers([2, 6])],
      run: ([x]) => split(x, 3, 1),
      reference: ([x]) => [0, 2, 4].map((start) => build([2, 2], ([i, j]) => at(x, [i, start + j]))),
    },
    {
      name: "into parts of length 1",
      inputs: [numbers([3, 1])],
      run: ([x]) => split(x, 3),
      reference: ([x]) => x.data.map((value) => ({ shape: [1, 1], data: [value] })),
    },
    {
      name: "of an empty tensor",
      inputs: [numbers([4, 0])],
      run: ([x]) => split(x, 2),
      reference: () => [0, 1].map(() => ({ shape: [2, 0], data: [] })),
    },
    {
      name: "into parts of given lengths, one of them empty",
      inputs: [numbers([5, 2])],
      run: ([x]) => split(x, [2, 0, 3], -2),
      reference: ([x]) =>
        [
          [0, 2],
          [2, 0],
          [2, 3],
        ].map(([start, length]) => build([length, 2], ([i, j]) => at(x, [start + i, j]))),
    },
  ],
  errors: [
    {
      name: "parts that are not whole",
      code: "ERR_SHAPE",
      words: ["split", "add up to 5", "2"],
      call: (env) => split(some(env, [5]), 2),
    },
    {
      name: "lengths that do not add up",
      code: "ERR_SHAPE",
      words: ["split", "add up to 5", "[2, 2]"],
      call: (env) => split(some(env, [5]), [2, 2]),
    },
  ],
};
