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

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

/** Numbers out of range, as matrix and by columns, which are copied element by element. */
function saturations(): Sample[] {
  const floats = [nan, inf, -inf, 3e9, -3e9, 1e30, -1e30, 300.5, -0.5, -7, 255.9, 254.2];
  const integers = [70000, -70000, 256, -1, 255, 0, 300, 128];
  const rows = (
    name: string,
    values: readonly number[],
    to: DType,
    expected: readonly number[],
    from: DType[],
  ): Sample[] =>
    [false, true].map((strided) => ({
      name: `of ${name} to ${to}${strided ? ", by columns" : ""}`,
      inputs: [given([...values], [2, values.length / 2])],
      dtypes: from,
      run: ([x]) => (strided ? scope(() => cast(permute(x, [1, 0]), to)) : cast(x, to)),
      reference: () => {
        const whole = { shape: [2, values.length / 2], data: [...expected] };
        return strided ? build([values.length / 2, 2], ([i, j]) => at(whole, [j, i])) : whole;
      },
      result: to,
      gradient: false,
    }));
  const int = [0, 2147483647, -2147483648, 2147483647, -2147483648, 2147483647, -2147483648, 300, 0, -7, 255, 254];
  return [
    ...rows("numbers out of range", floats, "int32", int, ["float32", "float64"]),
    ...rows(
      "numbers out of range",
      floats,
      "uint8",
      [0, 255, 0, 255, 0, 255, 0, 255, 0, 0, 255, 254],
      ["float32", "float64"],
    ),
    ...rows("integers out of range", integers, "uint8", [255, 0, 255, 0, 255, 0, 255, 128], ["int32"]),
  ];
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
    ...saturations(),
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
