import { arange } from "@neurite/core";
import { type Case, NUMBERS, type Sample } from "../case.js";

function counting(
  name: string,
  start: number,
  end: number,
  step: number,
  data: readonly number[],
  more: Partial<Sample> = {},
): Sample {
  return {
    name,
    inputs: [],
    run: (_, { dtype, device }) => arange(start, end, step, { dtype, device }),
    reference: () => ({ shape: [data.length], data }),
    ...more,
  };
}

export const arangeCase: Case = {
  op: "arange",
  dtypes: NUMBERS,
  storage: true,
  gradient: false,
  samples: [
    counting("from 0 to below 5", 0, 5, 1, [0, 1, 2, 3, 4]),
    counting("in threes, short of the end", 1, 9, 3, [1, 4, 7]),
    counting("downward", 3, -3, -2, [3, 1, -1]),
    counting("in quarters", 0, 1, 0.25, [0, 0.25, 0.5, 0.75], { dtypes: ["float32", "float64"] }),
    counting("in the wrong direction, which is empty", 3, 1, 1, []),
  ],
  errors: [
    {
      name: "a step of zero",
      code: "ERR_VALUE",
      words: ["arange", "step", "other than 0", "received 0"],
      call: ({ device }) => arange(0, 5, 0, { device }),
    },
  ],
};
