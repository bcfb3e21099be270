import { scatterAdd } from "@neurite/core";
import { computedIndices, some, tensorOf } from "../call.js";
import { type Case, type ErrorSample, NUMBERS, type Sample } from "../case.js";
import { given, type InputSpec, integers, numbers } from "../inputs.js";
import { at, build, indicesOf } from "../plain.js";

function scattered(
  name: string,
  shape: readonly number[],
  indices: InputSpec,
  axis: number,
  more: Partial<Sample> = {},
): Sample {
  const picked = shape.toSpliced(axis, 1, ...indices.shape);
  return {
    name,
    inputs: [numbers(picked), indices],
    run: ([updates, list]) => scatterAdd(updates, list, shape, axis),
    reference: ([updates, list]) =>
      build(shape, (index) => {
        let sum = 0;
        for (const place of indicesOf(indices.shape)) {
          if (at(list, place) === index[axis]) sum += at(updates, index.toSpliced(axis, 1, ...place));
        }
        return sum;
      }),
    ...more,
  };
}

export const scatterAddCase: Case = {
  op: "scatterAdd",
  storage: true,
  dtypes: NUMBERS,
  samples: [
    scattered("of rows, some to the same place, some to none", [5, 3], given([2, 0, 2, 4], [4], "int32"), 0),
    scattered("of columns", [2, 4], integers([6], 0, 3), 1),
    scattered("along the middle axis", [2, 3, 2], integers([4], 0, 2), 1),
    scattered("by a matrix of indices", [4, 2], integers([2, 3], 0, 3), 0),
    scattered("of 40 rows of 33 into 7", [7, 33], integers([40], 0, 6), 0, { gradient: false }),
    scattered("of nothing, which gives zeros", [3, 2], { shape: [0], dtype: "int32", values: [] }, 0),
    scattered("of empty rows", [3, 0], given([1], [1], "int32"), 0),
    {
      name: "of large updates that cancel in their order",
      inputs: [given([1e6, -1e6, 0.5, 2], [4]), given([1, 1, 1, 0], [4], "int32")],
      dtypes: ["float32", "float64"],
      run: ([updates, list]) => scatterAdd(updates, list, [2]),
      reference: () => ({ shape: [2], data: [2, 0.5] }),
      gradient: false,
    },
  ],
  errors: [
    {
      name: "an index beyond the axis, known on the host",
      code: "ERR_INDEX",
      words: ["scatterAdd", "from 0 to 2", "3"],
      call: (env) => scatterAdd(some(env, [2, 2]), tensorOf(env, [0, 3], "int32"), [3, 2]),
    },
    {
      name: "an index beyond the axis, found by the kernel",
      code: "ERR_INDEX",
      words: ["scatterAdd", "out of range"],
      call: (env) => scatterAdd(some(env, [2, 2]), computedIndices(env, [0, 3]), [3, 2]),
    },
    {
      name: "a negative index, found by the kernel",
      code: "ERR_INDEX",
      words: ["scatterAdd", "out of range"],
      call: (env) => scatterAdd(some(env, [2, 2]), computedIndices(env, [-2, 0]), [3, 2]),
    },
    {
      name: "updates of another shape",
      code: "ERR_SHAPE",
      words: ["scatterAdd", "updates", "[2, 2]", "[2, 3]"],
      call: (env) => scatterAdd(some(env, [2, 3]), tensorOf(env, [0, 1], "int32"), [3, 2]),
    },
    ...(["bool", "uint8"] as const).map(
      (dtype): ErrorSample => ({
        name: "updates that have no sum",
        code: "ERR_DTYPE",
        words: ["scatterAdd", "updates", "int32", dtype],
        dtype,
        call: (env) => scatterAdd(tensorOf(env, [1, 0]), tensorOf(env, [0, 1], "int32"), [3]),
      }),
    ),
    {
      name: "indices that are no int32",
      code: "ERR_DTYPE",
      words: ["scatterAdd", "int32 indices", "float32"],
      call: (env) => scatterAdd(some(env, [2]), some(env, [2]), [3]),
    },
  ],
};
