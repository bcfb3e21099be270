import {
  type ConvTransposeOptions,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  type Tensor,
} from "@neurite/core";
import { some } from "../call.js";
import type { Case, ErrorSample, Sample } from "../case.js";
import { convolvedTransposed, type Slide, slide, transposedLengths } from "../convolution-reference.js";
import { numbers } from "../inputs.js";
import { CONVOLUTION_TOLERANCE, withInfinity } from "./conv1d.js";

const FUNCTIONS: readonly ((x: Tensor, filters: Tensor, options?: ConvTransposeOptions) => Tensor)[] = [
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
];

/** A sample over as many spatial axes as the shapes have; `lengths` are those of the result where no formula gives them. */
export function transposed(
  name: string,
  shapes: readonly (readonly number[])[],
  options: Omit<ConvTransposeOptions, "bias"> = {},
  how: Partial<Slide> = {},
  lengths?: readonly number[],
): Sample {
  const n = shapes[0].length - 2;
  const { groups = 1, outputPadding = 0 } = options;
  const full = { ...slide(n), ...how };
  const spatial =
    lengths ?? transposedLengths(shapes[0].slice(1, -1), shapes[1].slice(0, n), full, outputPadding as number);
  return {
    name,
    inputs: shapes.map((shape) => numbers(shape)),
    run: ([x, filters, bias]) => FUNCTIONS[n - 1](x, filters, { ...options, bias }),
    reference: ([x, filters, bias]) => convolvedTransposed(x, filters, bias, spatial, full, groups),
  };
}

/** What all three refuse, in the sizes of `n` spatial axes. */
export function transposedErrors(n: number): ErrorSample[] {
  const op = `convTranspose${n}d`;
  const run = FUNCTIONS[n - 1];
  const square = (length: number) => new Array<number>(n).fill(length);
  const x = [2, ...square(3), 4];
  return [
    {
      name: "filters for another number of channels",
      code: "ERR_SHAPE",
      words: [op, "filters", `4 input channels (axis ${n + 1})`, "with 3", "output channels / groups, input channels"],
      call: (env) => run(some(env, x), some(env, [...square(3), 2, 3])),
    },
    {
      name: "an output padding as large as the stride",
      code: "ERR_VALUE",
      words: [op, "outputPadding", "less than the stride", "2"],
      call: (env) => run(some(env, x), some(env, [...square(3), 2, 4]), { stride: 2, outputPadding: 2 }),
    },
    {
      name: "padding that leaves nothing",
      code: "ERR_SHAPE",
      words: [op, "padding", "axis 1", "-1 elements"],
      call: (env) => run(some(env, x), some(env, [...square(1), 2, 4]), { padding: 2 }),
    },
    {
      name: "groups that do not divide the channels",
      code: "ERR_VALUE",
      words: [op, "groups", "4 input channels", "3"],
      call: (env) => run(some(env, x), some(env, [...square(3), 2, 4]), { groups: 3 }),
    },
    {
      name: "a bias of another length",
      code: "ERR_SHAPE",
      words: [op, "bias", "[4]", "[2]"],
      call: (env) => run(some(env, x), some(env, [...square(3), 2, 4]), { groups: 2, bias: some(env, [2]) }),
    },
    {
      name: "an x without channels",
      code: "ERR_SHAPE",
      words: [op, "x", "[n, ", "unsqueeze"],
      call: (env) => run(some(env, x.slice(1)), some(env, [...square(3), 2, 4])),
    },
  ];
}

export const convTranspose1dCase: Case = {
  op: "convTranspose1d",
  fused: true,
  tolerance: CONVOLUTION_TOLERANCE,
  samples: [
    withInfinity(transposed("in two groups", [[1, 4, 4], [2, 2, 4]], { groups: 2 })),
    withInfinity(transposed("in four groups with a stride", [[1, 4, 4], [3, 1, 4]], { groups: 4, stride: 2 }, { stride: [2] })),
    transposed("of a sequence", [[2, 3, 2], [3, 3, 2], [3]]),
    transposed("with stride and padding", [[1, 4, 2], [3, 2, 2]], { stride: 2, padding: 1 }, slide(1, { stride: 2, pad: 1 })),
    transposed("with output padding", [[1, 3, 1], [3, 2, 1]], { stride: 3, outputPadding: 2 }, slide(1, { stride: 3 })),
    transposed("with dilation, in groups", [[1, 3, 4], [2, 1, 4], [2]], { dilation: 2, groups: 2 }, slide(1, { dilation: 2 })),
    transposed("with same padding and a stride beyond the window", [[1, 3, 1], [2, 1, 1]], { stride: 3, padding: "same" }, slide(1, { stride: 3 }), [9]),
    transposed("of no sequence", [[0, 3, 2], [2, 1, 2]]),
  ],
  errors: transposedErrors(1),
}; // biome-ignore format: lists of shapes
