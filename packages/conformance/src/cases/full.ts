import { full } from "@neurite/core";
import { ALL, type Case, FLOATS, type Sample } from "../case.js";
import { build } from "../plain.js";

function filled(shape: readonly number[], value: number, more: Partial<Sample> = {}): Sample {
  return {
    name: `with ${Object.is(value, -0) ? "-0" : value} in a tensor of shape [${shape}]`,
    inputs: [],
    run: (_, { dtype, device }) => full(shape, value, { dtype, device }),
    reference: () => build(shape, () => value),
    ...more,
  };
}

export const fullCase: Case = {
  op: "full",
  dtypes: ALL,
  storage: true,
  gradient: false,
  samples: [
    filled([3, 4], 5),
    filled([], 1),
    filled([133], 0),
    filled([2, 0], 5),
    filled([2, 3], -0.1, { dtypes: FLOATS }),
    filled([5], Number.NaN, { dtypes: FLOATS }),
    filled([5], Number.NEGATIVE_INFINITY, { dtypes: FLOATS }),
    filled([2], -0, { dtypes: FLOATS, signedZeros: true }),
    filled([2], -2147483648, { dtypes: ["int32"] }),
  ],
  errors: [
    {
      name: "a negative length",
      code: "ERR_SHAPE",
      words: ["full", "non-negative integers", "[2, -1]"],
      call: ({ device }) => full([2, -1], 0, { device }),
    },
    {
      name: "a number that the dtype does not hold",
      code: "ERR_VALUE",
      words: ["full", "0 to 255", "300", "uint8"],
      call: ({ device }) => full([2], 300, { dtype: "uint8", device }),
    },
    {
      name: "a fractional length",
      code: "ERR_SHAPE",
      words: ["full", "non-negative integers", "2.5"],
      call: ({ device }) => full([2.5], 0, { device }),
    },
  ],
};
