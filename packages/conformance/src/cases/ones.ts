import { ones, onesLike } from "@neurite/core";
import { ALL, type Case } from "../case.js";
import { numbers } from "../inputs.js";
import { build } from "../plain.js";

export const onesCase: Case = {
  op: "ones",
  dtypes: ALL,
  storage: true,
  gradient: false,
  samples: [
    {
      name: "of a shape",
      inputs: [],
      run: (_, env) => ones([2, 3], env),
      reference: () => build([2, 3], () => 1),
    },
    {
      name: "like another tensor",
      inputs: [numbers([3, 2])],
      run: ([x]) => onesLike(x),
      reference: () => build([3, 2], () => 1),
    },
  ],
};
