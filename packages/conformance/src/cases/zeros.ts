import { zeros, zerosLike } from "@neurite/core";
import { ALL, type Case } from "../case.js";
import { numbers } from "../inputs.js";
import { build } from "../plain.js";

export const zerosCase: Case = {
  op: "zeros",
  dtypes: ALL,
  storage: true,
  gradient: false,
  samples: [
    {
      name: "of a shape",
      inputs: [],
      run: (_, env) => zeros([2, 3], env),
      reference: () => build([2, 3], () => 0),
    },
    {
      name: "like another tensor",
      inputs: [numbers([3, 2])],
      run: ([x]) => zerosLike(x),
      reference: () => build([3, 2], () => 0),
    },
  ],
};
