import { stack } from "@neurite/core";
import { some } from "../call.js";
import { ALL, type Case, type Sample } from "../case.js";
import { numbers } from "../inputs.js";
import { at, build } from "../plain.js";

function stacked(name: string, shape: readonly number[], count: number, axis: number): Sample {
  const own = axis < 0 ? axis + shape.length + 1 : axis;
  return {
    name,
    inputs: Array.from({ length: count }, () => numbers(shape)),
    run: (xs) => stack(xs, axis),
    reference: (xs) => build(shape.toSpliced(own, 0, count), (index) => at(xs[index[own]], index.toSpliced(own, 1))),
  };
}

export const stackCase: Case = {
  op: "stack",
  dtypes: ALL,
  storage: true,
  samples: [
    stacked("of three matrices in front", [2, 3], 3, 0),
    stacked("of two matrices at the end", [2, 3], 2, -1),
    stacked("of two matrices in the middle", [2, 3], 2, 1),
    stacked("of scalars", [], 4, 0),
    stacked("of one vector", [3], 1, 0),
    stacked("of rows of one element", [1], 3, 1),
    stacked("of empty tensors", [0, 2], 2, 1),
  ],
  errors: [
    {
      name: "two shapes",
      code: "ERR_SHAPE",
      words: ["tensors[1]", "[1, 2]", "[1, 3]"],
      call: (env) => stack([some(env, [2]), some(env, [3])]),
    },
    {
      name: "an empty list",
      code: "ERR_VALUE",
      words: ["stack", "at least one tensor"],
      call: () => stack([]),
    },
  ],
};
