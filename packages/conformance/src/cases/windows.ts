import { type WindowOptions, windows } from "@neurite/core";
import { some } from "../call.js";
import { ALL, type Case, type Sample } from "../case.js";
import { numbers } from "../inputs.js";
import { at, build } from "../plain.js";

function sliding(name: string, shape: number[], axis: number, options: WindowOptions): Sample {
  const { size, stride = 1, dilation = 1 } = options;
  const count = Math.floor((shape[axis] - dilation * (size - 1) - 1) / stride) + 1;
  return {
    name,
    inputs: [numbers(shape)],
    run: ([x]) => windows(x, axis, options),
    reference: ([x]) =>
      build(shape.toSpliced(axis, 1, count, size), (index) => {
        const place = index[axis] * stride + index[axis + 1] * dilation;
        return at(x, index.toSpliced(axis, 2, place));
      }),
  };
}

export const windowsCase: Case = {
  op: "windows",
  dtypes: ALL,
  storage: true,
  samples: [
    sliding("along the last axis", [2, 6], 1, { size: 3 }),
    sliding("with a stride that leaves a rest", [7, 2], 0, { size: 2, stride: 3 }),
    sliding("with dilation", [2, 7], 1, { size: 3, dilation: 2 }),
    sliding("with stride and dilation", [1, 9, 2], 1, { size: 2, stride: 2, dilation: 3 }),
    sliding("as long as the axis", [3, 4], 1, { size: 4 }),
    sliding("of an empty tensor", [0, 4], 1, { size: 2 }),
  ],
  errors: [
    {
      name: "a window longer than the axis",
      code: "ERR_SHAPE",
      words: ["windows", "at most 4", "size 3", "dilation 2", "reach 5"],
      call: (env) => windows(some(env, [2, 4]), 1, { size: 3, dilation: 2 }),
    },
    {
      name: "a stride of zero",
      code: "ERR_SHAPE",
      words: ["windows", "positive", "stride 0"],
      call: (env) => windows(some(env, [4]), 0, { size: 2, stride: 0 }),
    },
  ],
};
