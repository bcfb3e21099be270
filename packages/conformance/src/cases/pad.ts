import { type PadWidth, pad } from "@neurite/core";
import { some } from "../call.js";
import { ALL, type Case, type Sample } from "../case.js";
import { numbers } from "../inputs.js";
import { at, build } from "../plain.js";

function padded(name: string, shape: readonly number[], widths: readonly PadWidth[], value = 0): Sample {
  const { before, step } = {
    before: widths.map((width) => width.before ?? 0),
    step: widths.map((width) => (width.interior ?? 0) + 1),
  };
  const total = shape.map((n, i) => before[i] + (widths[i].after ?? 0) + (n > 0 ? (n - 1) * step[i] + 1 : 0));
  return {
    name,
    inputs: [numbers(shape)],
    run: ([x]) => pad(x, widths, value),
    reference: ([x], { dtype }) =>
      build(total, (index) => {
        const source = index.map((i, axis) => (i - before[axis]) / step[axis]);
        const inside = source.every((i, axis) => Number.isInteger(i) && i >= 0 && i < shape[axis]);
        return inside ? at(x, source) : dtype === "bool" ? Number(value !== 0) : value;
      }),
  };
}

export const padCase: Case = {
  op: "pad",
  dtypes: ALL,
  storage: true,
  samples: [
    padded("at the ends of both axes", [2, 3], [{ before: 1, after: 2 }, { before: 2 }]),
    padded("between the elements", [3, 2], [{ interior: 2 }, { interior: 1 }]),
    padded(
      "at the ends and between the elements",
      [2, 2, 3],
      [{ before: 1 }, {}, { before: 1, after: 1, interior: 2 }],
    ),
    padded("with sevens", [2, 2], [{ after: 1 }, { before: 1, interior: 1 }], 7),
    padded("of a vector", [4], [{ before: 2, after: 1 }]),
    padded("of an axis of length 1 between its elements, which changes nothing", [2, 1], [{}, { interior: 3 }]),
    padded("by nothing", [2, 2], [{}, {}]),
    padded("of an empty tensor", [0, 2], [{ before: 1, after: 1, interior: 4 }, {}], 3),
  ],
  errors: [
    {
      name: "a negative width",
      code: "ERR_SHAPE",
      words: ["pad", "non-negative", "[3]", "-1", "slice"],
      call: (env) => pad(some(env, [3]), [{ before: -1 }]),
    },
    {
      name: "widths for another number of axes",
      code: "ERR_SHAPE",
      words: ["pad", "2 widths", "[2, 3]"],
      call: (env) => pad(some(env, [2, 3]), [{ before: 1 }]),
    },
  ],
};
