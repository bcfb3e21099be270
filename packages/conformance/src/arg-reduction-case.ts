/** The case of a search for the position of an extreme. */
import type { Tensor } from "@neurite/core";
import { some, tensorOf } from "./call.js";
import { type Case, FLOATS, NUMBERS, type Sample } from "./case.js";
import { distinct, given, type InputSpec } from "./inputs.js";
import { fold } from "./plain.js";

type Search = (x: Tensor, axis?: number, options?: { keepDims?: boolean }) => Tensor;

/** @param beats whether the first number is more extreme than the second */
export function argReductionCase(name: string, op: Search, beats: (a: number, b: number) => boolean): Case {
  /** The first NaN, else the first of the most extreme. */
  const position = (line: readonly number[]) => {
    const nan = line.findIndex(Number.isNaN);
    if (nan >= 0) return nan;
    let best = 0;
    line.forEach((value, i) => {
      if (beats(value, line[best])) best = i;
    });
    return best;
  };
  const sample = (
    title: string,
    input: InputSpec,
    axis: number,
    keepDims: boolean,
    more: Partial<Sample> = {},
  ): Sample => ({
    name: title,
    inputs: [input],
    run: ([x]) => op(x, axis, { keepDims }),
    reference: ([x]) => fold(x, [axis < 0 ? axis + input.shape.length : axis], keepDims, position),
    result: "int32",
    ...more,
  });
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  return {
    op: name,
    dtypes: NUMBERS,
    gradient: false,
    samples: [
      sample("along the last axis", distinct([3, 5]), -1, false),
      sample("along the first axis", distinct([5, 3]), 0, false),
      sample("along the middle axis, kept", distinct([2, 4, 3]), 1, true),
      sample("of rows of one element", distinct([3, 1]), 1, false),
      sample("of 3 rows of 1500", distinct([3, 1500]), 1, false),
      sample("of ties, where the first wins", given([2, 2, 1, 1, 3, 3, 1, 1, 3, 3, 2, 2], [2, 6]), 1, false),
      sample("of no lines", { shape: [0, 3], values: [] }, 1, false),
      sample(
        "of NaN and infinities",
        given([1, nan, 9, nan, -inf, inf, inf, -inf, -inf, -inf, 0, -0], [4, 3]),
        1,
        false,
        {
          dtypes: FLOATS,
        },
      ),
      sample("of columns with NaN", given([1, nan, 3, 2, nan, nan, 0, 5, -inf], [3, 3]), 0, false, { dtypes: FLOATS }),
    ],
    errors: [
      {
        name: "an empty axis",
        code: "ERR_SHAPE",
        words: [name, "at least one element", "[2, 0]"],
        call: (env) => op(some(env, [2, 0]), 1),
      },
      {
        name: "an axis that is not there",
        code: "ERR_INDEX",
        words: [name, "from -1 to 0", "1"],
        call: (env) => op(some(env, [3]), 1),
      },
      {
        name: "a scalar",
        code: "ERR_INDEX",
        words: [name, "scalar"],
        call: (env) => op(tensorOf(env, [1], "float32", [])),
      },
    ],
  };
}
