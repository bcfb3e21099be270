import { permute } from "@neurite/core";
import { some } from "../call.js";
import { ALL, type Case } from "../case.js";
import { numbers } from "../inputs.js";
import { at, build } from "../plain.js";

export const permuteCase: Case = {
  op: "permute",
  dtypes: ALL,
  storage: true,
  samples: [
    {
      name: "of three axes in a circle",
      inputs: [numbers([2, 3, 4])],
      run: ([x]) => permute(x, [2, 0, 1]),
      reference: ([x]) => build([4, 2, 3], ([k, i, j]) => at(x, [i, j, k])),
    },
    {
      name: "with axes counted from the end",
      inputs: [numbers([2, 3, 4])],
      run: ([x]) => permute(x, [-1, 1, 0]),
      reference: ([x]) => build([4, 3, 2], ([k, j, i]) => at(x, [i, j, k])),
    },
    {
      name: "of five axes",
      inputs: [numbers([2, 1, 3, 2, 2])],
      run: ([x]) => permute(x, [3, 2, 4, 0, 1]),
      reference: ([x]) => build([2, 3, 2, 2, 1], ([d, c, f, a, b]) => at(x, [a, b, c, d, f])),
    },
    {
      name: "of a scalar",
      inputs: [numbers([])],
      run: ([x]) => permute(x, []),
      reference: ([x]) => x,
    },
    {
      name: "of an empty tensor",
      inputs: [numbers([2, 0, 3])],
      run: ([x]) => permute(x, [1, 2, 0]),
      reference: () => ({ shape: [0, 3, 2], data: [] }),
    },
  ],
  errors: [
    {
      name: "an axis named twice",
      code: "ERR_SHAPE",
      words: ["permute", "each of the 2 axes", "[2, 3]", "[0, 0]"],
      call: (env) => permute(some(env, [2, 3]), [0, 0]),
    },
    {
      name: "an axis that is not there",
      code: "ERR_INDEX",
      words: ["permute", "from -2 to 1", "2"],
      call: (env) => permute(some(env, [2, 3]), [0, 2]),
    },
  ],
};
