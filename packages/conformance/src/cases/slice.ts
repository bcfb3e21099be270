import { type SliceRange, slice } from "@neurite/core";
import { some } from "../call.js";
import { ALL, type Case, type Sample } from "../case.js";
import { numbers } from "../inputs.js";
import { at, build } from "../plain.js";

/** A sample of slicing with the positions that are left of each axis, written out. */
function sliced(
  name: string,
  shape: number[],
  ranges: SliceRange[],
  positions: number[][],
  dropped: number[] = [],
): Sample {
  return {
    name,
    inputs: [numbers(shape)],
    run: ([x]) => slice(x, ranges),
    reference([x]) {
      const full = build(
        positions.map((list) => list.length),
        (index) =>
          at(
            x,
            index.map((i, axis) => positions[axis][i]),
          ),
      );
      return { shape: full.shape.filter((_, axis) => !dropped.includes(axis)), data: full.data };
    },
  };
}

export const sliceCase: Case = {
  op: "slice",
  dtypes: ALL,
  storage: true,
  samples: [
    sliced("from start to end", [4, 5], [[1, 3], [0, 2]], [[1, 2], [0, 1]]),
    sliced("with negative ends", [4, 5], [[-3, -1]], [[1, 2], [0, 1, 2, 3, 4]]),
    sliced("in steps", [7, 2], [[1, null, 3]], [[1, 4], [0, 1]]),
    sliced("in steps that end short of the axis", [8], [[0, 7, 3]], [[0, 3, 6]]),
    sliced("in steps backwards", [6, 2], [[null, null, -2], null], [[5, 3, 1], [0, 1]]),
    sliced("backwards between two positions", [6], [[4, 1, -1]], [[4, 3, 2]]),
    sliced("backwards along two axes", [3, 4], [[null, null, -1], [-2, 0, -1]], [[2, 1, 0], [2, 1]]),
    sliced("at one position, which drops the axis", [3, 4, 2], [null, -1], [[0, 1, 2], [3], [0, 1]], [1]),
    sliced("at one position of every axis", [3, 4], [2, 1], [[2], [1]], [0, 1]),
    sliced("of an axis of length 1, backwards", [1, 3], [[null, null, -1], [1, null]], [[0], [1, 2]]),
    sliced("beyond the end, which is cut off", [4], [[2, 99]], [[2, 3]]),
    sliced("to nothing", [4, 2], [[3, 1]], [[], [0, 1]]),
    sliced("to nothing in steps", [5, 2], [[4, 1, 3]], [[], [0, 1]]),
    sliced("to nothing backwards in steps", [5, 2], [[1, 3, -2]], [[], [0, 1]]),
    sliced("of an empty tensor", [0, 3], [null, [0, 2]], [[], [0, 1]]),
  ],
  errors: [
    {
      name: "a position outside the axis",
      code: "ERR_INDEX",
      words: ["slice", "axis 1", "from -3 to 2", "3"],
      call: (env) => slice(some(env, [2, 3]), [null, 3]),
    },
    {
      name: "more ranges than axes",
      code: "ERR_SHAPE",
      words: ["slice", "at most 1", "[3]", "2"],
      call: (env) => slice(some(env, [3]), [null, null]),
    },
    {
      name: "a step of zero",
      code: "ERR_VALUE",
      words: ["slice", "step of axis 0", "other than 0"],
      call: (env) => slice(some(env, [3]), [[0, 2, 0]]),
    },
  ],
}; // biome-ignore format: lists of positions
