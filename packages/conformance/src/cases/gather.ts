import { gather } from "@neurite/core";
import { computedIndices, some, tensorOf } from "../call.js";
import { ALL, type Case, type Sample } from "../case.js";
import { given, type InputSpec, integers, numbers } from "../inputs.js";
import { at, build } from "../plain.js";

function gathered(
  name: string,
  shape: readonly number[],
  indices: InputSpec,
  axis: number,
  more: Partial<Sample> = {},
): Sample {
  const own = axis < 0 ? axis + shape.length : axis;
  const ends = own + indices.shape.length;
  return {
    name,
    inputs: [numbers(shape), indices],
    run: ([x, list]) => gather(x, list, axis),
    reference: ([x, list]) =>
      build(shape.toSpliced(own, 1, ...indices.shape), (index) =>
        at(x, index.toSpliced(own, ends - own, at(list, index.slice(own, ends)))),
      ),
    ...more,
  };
}

export const gatherCase: Case = {
  op: "gather",
  dtypes: ALL,
  storage: true,
  samples: [
    gathered("of rows, some of them twice", [4, 3], given([2, 0, 2, 3], [4], "int32"), 0),
    gathered("of columns", [2, 5], integers([3], 0, 4), -1),
    gathered("along the middle axis", [2, 4, 3], integers([5], 0, 3), 1),
    gathered("by a matrix of indices", [4, 2], integers([2, 3], 0, 3), 0),
    gathered("by a scalar index, which drops the axis", [3, 4], given([2], [], "int32"), 1),
    gathered("of elements of a vector", [6], integers([4], 0, 5), 0),
    gathered("of 40 rows of 33", [17, 33], integers([40], 0, 16), 0, { gradient: false }),
    gathered("of the only row, three times", [1, 2], given([0, 0, 0], [3], "int32"), 0),
    gathered("by no index", [3, 2], { shape: [0], dtype: "int32", values: [] }, 0),
    gathered("of empty rows", [3, 0], given([2, 1], [2], "int32"), 0),
  ],
  errors: [
    {
      name: "an index beyond the axis, known on the host",
      code: "ERR_INDEX",
      words: ["gather", "from 0 to 2", "3"],
      call: (env) => gather(some(env, [3, 2]), tensorOf(env, [0, 3], "int32")),
    },
    {
      name: "a negative index, known on the host",
      code: "ERR_INDEX",
      words: ["gather", "from 0 to 2", "-1"],
      call: (env) => gather(some(env, [3, 2]), tensorOf(env, [-1], "int32")),
    },
    {
      name: "an index beyond the axis, found by the kernel",
      code: "ERR_INDEX",
      words: ["gather", "out of range"],
      call: (env) => gather(some(env, [3, 2]), computedIndices(env, [0, 1, 3])),
    },
    {
      name: "a negative index, found by the kernel",
      code: "ERR_INDEX",
      words: ["gather", "out of range"],
      call: (env) => gather(some(env, [3, 2]), computedIndices(env, [0, -1])),
    },
    {
      name: "an index into an empty axis",
      code: "ERR_INDEX",
      words: ["gather"],
      call: (env) => gather(some(env, [0, 2]), computedIndices(env, [0])),
    },
    {
      name: "indices that are no int32",
      code: "ERR_DTYPE",
      words: ["gather", "int32 indices", "float32", "cast"],
      call: (env) => gather(some(env, [3, 2]), some(env, [2])),
    },
    {
      name: "an axis that is not there",
      code: "ERR_INDEX",
      words: ["gather", "axis", "from -2 to 1", "2"],
      call: (env) => gather(some(env, [3, 2]), tensorOf(env, [0], "int32"), 2),
    },
  ],
};
