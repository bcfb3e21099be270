import { pick } from "@neurite/core";
import { computedIndices, some, tensorOf } from "../call.js";
import { type Case, NUMBERS } from "../case.js";
import { given, integers, numbers } from "../inputs.js";
import { at, build } from "../plain.js";

export const pickCase: Case = {
  op: "pick",
  dtypes: NUMBERS,
  samples: [
    {
      name: "of one element of each row",
      inputs: [numbers([4, 3]), given([2, 0, 1, 2], [4], "int32")],
      run: ([x, list]) => pick(x, list),
      reference: ([x, list]) => build([4], ([i]) => at(x, [i, at(list, [i])])),
    },
    {
      name: "of one element of each row of a stack",
      inputs: [numbers([2, 3, 4]), integers([2, 3], 0, 3)],
      run: ([x, list]) => pick(x, list),
      reference: ([x, list]) => build([2, 3], ([i, j]) => at(x, [i, j, at(list, [i, j])])),
    },
    {
      name: "of one element of a vector",
      inputs: [numbers([5]), given([3], [], "int32")],
      run: ([x, list]) => pick(x, list),
      reference: ([x]) => ({ shape: [], data: [x.data[3]] }),
    },
    {
      name: "of rows of one element",
      inputs: [numbers([3, 1]), given([0, 0, 0], [3], "int32")],
      run: ([x, list]) => pick(x, list),
      reference: ([x]) => ({ shape: [3], data: x.data }),
    },
    {
      name: "of no row",
      inputs: [numbers([0, 3]), { shape: [0], dtype: "int32", values: [] }],
      run: ([x, list]) => pick(x, list),
      reference: () => ({ shape: [0], data: [] }),
    },
  ],
  errors: [
    {
      name: "an index beyond the row, known on the host",
      code: "ERR_INDEX",
      words: ["pick", "from 0 to 2", "3"],
      call: (env) => pick(some(env, [2, 3]), tensorOf(env, [0, 3], "int32")),
    },
    {
      name: "an index that would reach into the next row, found by the kernel",
      code: "ERR_INDEX",
      words: ["out of range"],
      call: (env) => pick(some(env, [2, 3]), computedIndices(env, [3, 0])),
    },
    {
      name: "an index that would reach into the row before, found by the kernel",
      code: "ERR_INDEX",
      words: ["out of range"],
      call: (env) => pick(some(env, [2, 3]), computedIndices(env, [0, -1])),
    },
    {
      name: "another number of rows",
      code: "ERR_SHAPE",
      words: ["pick", "[2]", "[3]"],
      call: (env) => pick(some(env, [2, 3]), tensorOf(env, [0, 1, 2], "int32")),
    },
    {
      name: "indices that are no int32",
      code: "ERR_DTYPE",
      words: ["pick", "int32 indices", "float32"],
      call: (env) => pick(some(env, [2, 3]), some(env, [2])),
    },
  ],
};
