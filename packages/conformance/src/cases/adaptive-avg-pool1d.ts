import { adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d, type Tensor } from "@neurite/core";
import { some } from "../call.js";
import type { Case, ErrorSample, Sample } from "../case.js";
import { numbers } from "../inputs.js";
import { at, build, indicesOf } from "../plain.js";

const FUNCTIONS: readonly ((x: Tensor, outputSize: number | readonly number[]) => Tensor)[] = [
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
];

/** Part i of an axis is from ⌊i·length/parts⌋ to ⌈(i + 1)·length/parts⌉. */
export function parted(name: string, shape: readonly number[], parts: readonly number[]): Sample {
  const n = parts.length;
  return {
    name,
    inputs: [numbers(shape)],
    run: ([x]) => FUNCTIONS[n - 1](x, parts),
    reference: ([x]) =>
      build([shape[0], ...parts, shape[n + 1]], (index) => {
        const starts = parts.map((count, i) => Math.floor((index[i + 1] * shape[i + 1]) / count));
        const lengths = parts.map((count, i) => Math.ceil(((index[i + 1] + 1) * shape[i + 1]) / count) - starts[i]);
        const places = indicesOf(lengths).map((place) => place.map((p, i) => p + starts[i]));
        const values = places.map((place) => at(x, [index[0], ...place, index[n + 1]]));
        return values.reduce((a, b) => a + b, 0) / values.length;
      }),
  };
}

export function partedErrors(n: number): ErrorSample[] {
  const op = `adaptiveAvgPool${n}d`;
  const x = [2, ...new Array<number>(n).fill(4), 3];
  return [
    {
      name: "an x without channels",
      code: "ERR_SHAPE",
      words: [op, "x", "channels]"],
      call: (env) => FUNCTIONS[n - 1](some(env, x.slice(1)), 2),
    },
    {
      name: "no parts",
      code: "ERR_VALUE",
      words: [op, "outputSize", "0"],
      call: (env) => FUNCTIONS[n - 1](some(env, x), 0),
    },
  ];
}

export const adaptiveAvgPool1dCase: Case = {
  op: "adaptiveAvgPool1d",
  samples: [
    parted("to parts of one length", [2, 6, 2], [3]),
    parted("to parts of two lengths", [1, 7, 2], [3]),
    parted("to more parts than there are elements", [1, 3, 2], [5]),
    parted("of no sequence", [0, 5, 1], [2]),
  ],
  errors: partedErrors(1),
};
