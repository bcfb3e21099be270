import { cast, type DType, flip, permute, scope } from "@neurite/core";
import { ALL, type Case, FLOATS, type Sample } from "../case.js";
import { given, numbers } from "../inputs.js";
import { at, build, zip } from "../plain.js";

/** Conversion of one number: floats lose their fraction toward zero, and everything but 0 is true. */
function converted(value: number, to: DType): number {
  if (to === "bool") return value !== 0 ? 1 : 0;
  return to === "int32" || to === "uint8" ? Math.trunc(value) : value;
}

/** Numbers that every dtype can hold, as far as one with a sign and a fraction can be converted to it. */
function castTo(to: DType): Sample {
  const low = to === "uint8" ? 0 : -100;
  return {
    name: `of a matrix to ${to}`,
    inputs: [numbers([3, 5], low, 100)],
    run: ([x]) => cast(x, to),
    reference: ([x]) => zip([x], (value) => converted(value, to)),
    result: to,
    // slopes are compared in the dtype under test, so those between floats are checked there and back
    gradient: false,
  };
}

export const castCase: Case = {
  op: "cast",
  dtypes: ALL,
  storage: true,
  samples: [
    ...ALL.map(castTo),
    {
      name: "of fractions to int32, toward zero",
      inputs: [given([0.9, -0.9, 1.5, -1.5, 2.5, -0, 1e6 + 0.5])],
      dtypes: FLOATS,
      run: ([x]) => cast(x, "int32"),
      reference: () => ({ shape: [7], data: [0, 0, 1, -1, 2, 0, 1e6] }),
      result: "int32",
      gradient: false,
    },
    {
      name: "of NaN, infinities, small numbers and zeros to bool",
      inputs: [given([Number.NaN, Number.POSITIVE_INFINITY, -1e-30, 0, -0, 0.25])],
      dtypes: FLOATS,
      run: ([x]) => cast(x, "bool"),
      reference: () => ({ shape: [6], data: [1, 1, 1, 0, 0, 1] }),
      result: "bool",
      gradient: false,
    },
    {
      name: "of an empty tensor to int32",
      inputs: [numbers([0, 2])],
      run: ([x]) => cast(x, "int32"),
      reference: ([x]) => x,
      result: "int32",
      gradient: false,
    },
    {
      name: "of a column to int32",
      inputs: [numbers([3, 1])],
      run: ([x]) => cast(x, "int32"),
      reference: ([x]) => zip([x], Math.trunc),
      result: "int32",
      gradient: false,
    },
    {
      name: "of a strided matrix to int32",
      inputs: [numbers([3, 4])],
      run: ([x]) => scope(() => cast(flip(permute(x, [1, 0]), 0), "int32")),
      reference: ([x]) => build([4, 3], ([i, j]) => Math.trunc(at(x, [j, 3 - i]))),
      result: "int32",
      gradient: false,
    },
    {
      name: "to float64 and back",
      inputs: [numbers([2, 3])],
      dtypes: ["float32"],
      run: ([x]) => scope(() => cast(cast(x, "float64"), "float32")),
      reference: ([x]) => x,
      needs: ["float64"],
    },
    {
      name: "to float32 and back",
      inputs: [numbers([2, 3])],
      dtypes: ["float64"],
      run: ([x]) => scope(() => cast(cast(x, "float32"), "float64")),
      reference: ([x]) => x,
      needs: ["float32"],
    },
  ],
};
