import { permute, reshape, scope } from "@neurite/core";
import { some } from "../call.js";
import { ALL, type Case } from "../case.js";
import { numbers } from "../inputs.js";
import { at, build, reshaped } from "../plain.js";

export const reshapeCase: Case = {
  op: "reshape",
  dtypes: ALL,
  storage: true,
  samples: [
    {
      name: "of a matrix to a stack",
      inputs: [numbers([4, 6])],
      run: ([x]) => reshape(x, [2, 2, 6]),
      reference: ([x]) => reshaped(x, [2, 2, 6]),
    },
    {
      name: "with an inferred length",
      inputs: [numbers([2, 3, 4])],
      run: ([x]) => reshape(x, [-1, 6]),
      reference: ([x]) => reshaped(x, [4, 6]),
    },
    {
      name: "of axes of length 1 to a vector",
      inputs: [numbers([1, 5, 1])],
      run: ([x]) => reshape(x, [5]),
      reference: ([x]) => reshaped(x, [5]),
    },
    {
      name: "of a scalar to a cube and of one element",
      inputs: [numbers([])],
      run: ([x]) => reshape(x, [1, 1, 1]),
      reference: ([x]) => reshaped(x, [1, 1, 1]),
    },
    {
      name: "of a transposed matrix, which takes a copy",
      inputs: [numbers([3, 4])],
      run: ([x]) => scope(() => reshape(permute(x, [1, 0]), [12])),
      reference: ([x]) =>
        reshaped(
          build([4, 3], ([i, j]) => at(x, [j, i])),
          [12],
        ),
    },
    {
      name: "of an empty tensor",
      inputs: [numbers([2, 0, 3])],
      run: ([x]) => reshape(x, [0, 5]),
      reference: () => ({ shape: [0, 5], data: [] }),
    },
  ],
  errors: [
    {
      name: "another number of elements",
      code: "ERR_SHAPE",
      words: ["reshape", "6 elements", "[2, 3]", "[4, 2]"],
      call: (env) => reshape(some(env, [2, 3]), [4, 2]),
    },
    {
      name: "a length that cannot be inferred",
      code: "ERR_SHAPE",
      words: ["reshape", "6 elements", "[-1, 4]"],
      call: (env) => reshape(some(env, [2, 3]), [-1, 4]),
    },
    {
      name: "a fractional length",
      code: "ERR_SHAPE",
      words: ["reshape", "non-negative integers", "1.5"],
      call: (env) => reshape(some(env, [2, 3]), [4, 1.5]),
    },
  ],
};
