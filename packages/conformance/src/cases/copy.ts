import { copy, expand, flip, permute, scope } from "@neurite/core";
import { ALL, type Case } from "../case.js";
import { given, numbers } from "../inputs.js";
import { at, build } from "../plain.js";

export const copyCase: Case = {
  op: "copy",
  dtypes: ALL,
  storage: true,
  samples: [
    {
      name: "of a matrix",
      inputs: [numbers([3, 4])],
      run: ([x]) => copy(x),
      reference: ([x]) => x,
    },
    {
      name: "of a scalar",
      inputs: [numbers([])],
      run: ([x]) => copy(x),
      reference: ([x]) => x,
    },
    {
      name: "of an empty tensor",
      inputs: [numbers([3, 0])],
      run: ([x]) => copy(x),
      reference: ([x]) => x,
    },
    {
      name: "of a transposed matrix larger than a tile",
      inputs: [numbers([45, 37])],
      run: ([x]) => scope(() => copy(permute(x, [1, 0]))),
      reference: ([x]) => build([37, 45], ([i, j]) => at(x, [j, i])),
      gradient: false,
    },
    {
      name: "of five axes in another order, some backwards, some stretched",
      inputs: [numbers([2, 1, 3, 2, 3])],
      run: ([x]) => scope(() => copy(flip(permute(expand(x, [2, 2, 3, 2, 3]), [4, 1, 3, 0, 2]), [0, 3]))),
      reference: ([x]) => build([3, 2, 2, 2, 3], ([i, _, k, l, m]) => at(x, [1 - l, 0, m, k, 2 - i])),
    },
    {
      name: "of NaN, infinities and zeros",
      inputs: [given([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 3e38, -1e-38])],
      dtypes: ["float32", "float64"],
      run: ([x]) => copy(x),
      reference: ([x]) => x,
      signedZeros: true,
      gradient: false,
    },
  ],
};
