import { concat } from "@neurite/core";
import { some } from "../call.js";
import { ALL, type Case, type Sample } from "../case.js";
import { numbers } from "../inputs.js";
import { at, build } from "../plain.js";

function joined(name: string, shapes: readonly (readonly number[])[], axis: number): Sample {
  const own = axis < 0 ? axis + shapes[0].length : axis;
  const total = shapes.reduce((sum, shape) => sum + shape[own], 0);
  return {
    name,
    inputs: shapes.map((shape) => numbers(shape)),
    run: (xs) => concat(xs, axis),
    reference: (xs) =>
      build([...shapes[0]].with(own, total), (index) => {
        let position = index[own];
        let which = 0;
        while (position >= shapes[which][own]) position -= shapes[which++][own];
        return at(xs[which], index.with(own, position));
      }),
  };
}

export const concatCase: Case = {
  op: "concat",
  dtypes: ALL,
  storage: true,
  samples: [
    joined("of rows", [[2, 3], [1, 3], [3, 3]], 0),
    joined("of columns", [[2, 3], [2, 1]], -1),
    joined("along the middle axis", [[2, 1, 2], [2, 3, 2]], 1),
    joined("of vectors", [[2], [3], [1]], 0),
    joined("of one tensor", [[2, 2]], 0),
    joined("with an empty tensor among them", [[1, 2], [0, 2], [2, 2]], 0),
    joined("of empty tensors", [[0, 2], [0, 2]], 0),
    // more than a kernel of WebGPU may bind
    joined("of twelve tensors", Array.from({ length: 12 }, (_, i) => [2, 1 + (i % 3)]), 1),
  ],
  errors: [
    {
      name: "shapes that differ in another axis",
      code: "ERR_SHAPE",
      words: ["concat", "tensors[1]", "[2, 3]", "axis 0", "[2, 4]"],
      call: (env) => concat([some(env, [2, 3]), some(env, [2, 4])]),
    },
    {
      name: "another number of axes",
      code: "ERR_SHAPE",
      words: ["concat", "tensors[1]", "[3]"],
      call: (env) => concat([some(env, [2, 3]), some(env, [3])]),
    },
    {
      name: "an empty list",
      code: "ERR_VALUE",
      words: ["concat", "at least one tensor", "empty list"],
      call: () => concat([]),
    },
    {
      name: "two dtypes",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: ["concat", "tensors[1]", "float32", "int32", "cast"],
      call: (env) => concat([some(env, [2], "float32"), some(env, [2])]),
    },
    {
      name: "an axis that is not there",
      code: "ERR_INDEX",
      words: ["concat", "from -1 to 0", "1"],
      call: (env) => concat([some(env, [2]), some(env, [2])], 1),
    },
  ],
}; // biome-ignore format: lists of shapes
