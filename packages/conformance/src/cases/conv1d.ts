import { type ConvolutionOptions, conv1d, conv2d, conv3d, type Tensor } from "@neurite/core";
import { some } from "../call.js";
import type { Case, ErrorSample, Sample } from "../case.js";
import { convolved, type Slide, slide } from "../convolution-reference.js";
import { given, numbers } from "../inputs.js";
import { count } from "../plain.js";

const FUNCTIONS: readonly ((x: Tensor, filters: Tensor, options?: ConvolutionOptions) => Tensor)[] = [
  conv1d,
  conv2d,
  conv3d,
];

/** A sample of the convolution over as many spatial axes as the shapes have. */
export function convolution(
  name: string,
  shapes: readonly (readonly number[])[],
  options: Omit<ConvolutionOptions, "bias"> = {},
  how: Partial<Slide> = {},
  more: Partial<Sample> = {},
): Sample {
  const n = shapes[0].length - 2;
  const { groups = 1 } = options;
  return {
    name,
    inputs: shapes.map((shape) => numbers(shape)),
    run: ([x, filters, bias]) => FUNCTIONS[n - 1](x, filters, { ...options, bias }),
    reference: ([x, filters, bias]) => convolved(x, filters, bias, { ...slide(n), ...how }, groups),
    ...more,
  };
}

/** The sample with an x of small numbers, of which one in the second channel is infinite: that must stay in its group. */
export function withInfinity(sample: Sample): Sample {
  const { shape } = sample.inputs[0];
  const values = Array.from({ length: count(shape) }, (_, i) => (i === 1 ? Number.POSITIVE_INFINITY : (i % 5) + 1));
  const filters = sample.inputs.slice(1).map(({ shape: own }) =>
    given(
      Array.from({ length: count(own) }, (_, i) => (i % 3) + 1),
      own,
    ),
  );
  return {
    ...sample,
    name: `${sample.name}, with an infinity in one`,
    inputs: [given(values, shape), ...filters],
    gradient: false,
  };
}

/** What all three refuse, in the sizes of `n` spatial axes. */
export function convolutionErrors(n: number): ErrorSample[] {
  const op = `conv${n}d`;
  const run = FUNCTIONS[n - 1];
  const square = (length: number) => new Array<number>(n).fill(length);
  const x = [2, ...square(5), 4];
  return [
    {
      name: "filters for another number of channels",
      code: "ERR_SHAPE",
      words: [
        op,
        "filters",
        `4 input channels (axis ${n})`,
        `[${x.join(", ")}]`,
        `[${[...square(3), 3, 2].join(", ")}] with 3`,
      ],
      call: (env) => run(some(env, x), some(env, [...square(3), 3, 2])),
    },
    {
      name: "an x without channels",
      code: "ERR_SHAPE",
      words: [op, "x", "[n, ", "channels]", "unsqueeze"],
      call: (env) => run(some(env, x.slice(1)), some(env, [...square(3), 4, 2])),
    },
    {
      name: "filters of another rank",
      code: "ERR_SHAPE",
      words: [op, "filters", "input channels / groups, output channels"],
      call: (env) => run(some(env, x), some(env, [3, 2])),
    },
    {
      name: "a window longer than x",
      code: "ERR_SHAPE",
      words: [op, "x", "at least 9 elements along axis 1", "5 and padding 1 + 1"],
      call: (env) => run(some(env, x), some(env, [...square(5), 4, 2]), { dilation: 2, padding: 1 }),
    },
    {
      name: "groups that do not divide the channels",
      code: "ERR_VALUE",
      words: [op, "groups", "4 input channels and 6 output channels", "3"],
      call: (env) => run(some(env, x), some(env, [...square(3), 1, 6]), { groups: 3 }),
    },
    {
      name: "a stride of zero",
      code: "ERR_VALUE",
      words: [op, "stride", "from 1 on", "0"],
      call: (env) => run(some(env, x), some(env, [...square(3), 4, 2]), { stride: 0 }),
    },
    {
      name: "padding below zero",
      code: "ERR_VALUE",
      words: [op, "padding", '"same"', "-1"],
      call: (env) => run(some(env, x), some(env, [...square(3), 4, 2]), { padding: -1 }),
    },
    {
      name: "padding for other axes than there are",
      code: "ERR_VALUE",
      words: [op, "padding", `${n} entries`, "[[1, 1]"],
      call: (env) =>
        run(some(env, x), some(env, [...square(3), 4, 2]), { padding: [...square(1), 1].map(() => [1, 1] as const) }),
    },
    {
      name: "a bias of another length",
      code: "ERR_SHAPE",
      words: [op, "bias", "[2]", "[3]"],
      call: (env) => run(some(env, x), some(env, [...square(3), 4, 2]), { bias: some(env, [3]) }),
    },
    {
      name: "integers",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: [op, "x", "float32 or float64", "int32"],
      call: (env) => run(some(env, x), some(env, [...square(3), 4, 2])),
    },
  ];
}

export const CONVOLUTION_TOLERANCE = {
  float32: 1e-5,
  reason: "a float32 accumulator rounds at each of many additions",
};

export const conv1dCase: Case = {
  op: "conv1d",
  fused: true,
  tolerance: CONVOLUTION_TOLERANCE,
  samples: [
    convolution("of a sequence", [[2, 6, 2], [3, 2, 3], [3]]),
    withInfinity(convolution("in two groups", [[1, 5, 4], [2, 2, 4], [4]], { groups: 2 })),
    withInfinity(convolution("in four groups of two filters", [[1, 5, 4], [2, 1, 8]], { groups: 4 })),
    withInfinity(convolution("in two groups of places alone", [[1, 5, 4], [1, 2, 2]], { groups: 2 })),
    convolution("without bias", [[1, 5, 2], [2, 2, 1]]),
    convolution("with a window as long as the sequence", [[2, 3, 2], [3, 2, 2]]),
    convolution("with a stride that leaves a rest", [[1, 8, 2], [3, 2, 2]], { stride: 3 }, { stride: [3] }),
    convolution("with different padding on both sides", [[1, 4, 2], [3, 2, 2]], { padding: [[2, 1]] }, { before: [2], after: [1] }),
    convolution("with stride, dilation and padding", [[1, 9, 1], [3, 1, 2]], { stride: 2, dilation: 2, padding: 2 }, slide(1, { stride: 2, dilation: 2, pad: 2 })),
    convolution("with more padding than the window reaches", [[1, 3, 1], [2, 1, 1]], { padding: 3, stride: 2 }, slide(1, { stride: 2, pad: 3 })),
    convolution("in two groups", [[2, 4, 4], [2, 2, 6], [6]], { groups: 2 }),
    convolution("of each channel by itself", [[2, 5, 3], [3, 1, 3]], { groups: 3, padding: 1 }, slide(1, { pad: 1 })),
    convolution("of each channel by itself to two each", [[1, 5, 2], [2, 1, 4], [4]], { groups: 2, stride: 2 }, slide(1, { stride: 2 })),
    convolution("of 2×37×9 elements and 19 filters", [[2, 37, 9], [5, 9, 19], [19]], { padding: "same" }, slide(1, { pad: 2 }), { gradient: false }),
    convolution("of no sequence", [[0, 5, 2], [3, 2, 2], [2]]),
  ],
  errors: convolutionErrors(1),
}; // biome-ignore format: lists of shapes
