import { type CrossEntropyOptions, crossEntropy } from "@neurite/core";
import { computedIndices, some, tensorOf } from "../call.js";
import type { Case, Sample } from "../case.js";
import { given, type InputSpec, integers, numbers } from "../inputs.js";
import type { Plain } from "../plain.js";
import { logShares } from "./log-softmax.js";

/** Loss of each row, null where it does not count. */
function losses(
  logits: Plain,
  targets: Plain,
  { ignoreIndex, labelSmoothing = 0 }: CrossEntropyOptions,
): (number | null)[] {
  const classes = logits.shape[logits.shape.length - 1];
  return targets.data.map((target, i) => {
    if (target === ignoreIndex) return null;
    const line = logShares(logits.data.slice(i * classes, (i + 1) * classes));
    return line.reduce((sum, logP, c) => {
      const wanted = (c === target ? 1 - labelSmoothing : 0) + labelSmoothing / classes;
      return sum - wanted * logP;
    }, 0);
  });
}

function reduced(logits: Plain, targets: Plain, options: CrossEntropyOptions): Plain {
  const all = losses(logits, targets, options);
  if (options.reduction === "none") return { shape: targets.shape, data: all.map((loss) => loss ?? 0) };
  const total = all.reduce<number>((sum, loss) => sum + (loss ?? 0), 0);
  const counting = all.filter((loss) => loss !== null).length;
  // an empty mean is NaN, one in which every position is ignored 0
  const divisor = all.length === 0 ? 0 : Math.max(counting, 1);
  return { shape: [], data: [options.reduction === "sum" ? total : total / divisor] };
}

function sample(
  name: string,
  shape: readonly number[],
  targets: InputSpec,
  options: CrossEntropyOptions,
  more: Partial<Sample> = {},
): Sample {
  return {
    name,
    inputs: [numbers(shape, -3, 3), targets],
    run: ([logits, list]) => crossEntropy(logits, list, options),
    reference: ([logits, list]) => reduced(logits, list, options),
    ...more,
  };
}

const padded = given([1, -100, 0, -100, 2], [5], "int32");

export const crossEntropyCase: Case = {
  op: "crossEntropy",
  fused: true,
  samples: [
    sample("averaged", [4, 3], integers([4], 0, 2), {}),
    sample("summed", [4, 3], integers([4], 0, 2), { reduction: "sum" }),
    sample("of each row", [4, 3], integers([4], 0, 2), { reduction: "none" }),
    sample("of one class, 0", [3, 1], given([0, 0, 0], [3], "int32"), { reduction: "none" }),
    sample("of a stack", [2, 3, 4], integers([2, 3], 0, 3), {}),
    sample("of each row of a stack", [2, 3, 4], integers([2, 3], 0, 3), { reduction: "none" }),
    sample("of a vector", [4], given([2], [], "int32"), {}),
    sample("averaged over the positions not ignored", [5, 3], padded, { ignoreIndex: -100 }),
    sample("summed over the positions not ignored", [5, 3], padded, { ignoreIndex: -100, reduction: "sum" }),
    sample("of each row, 0 where ignored", [5, 3], padded, { ignoreIndex: -100, reduction: "none" }),
    sample("with a class ignored", [5, 3], integers([5], 0, 2), { ignoreIndex: 0 }),
    sample("with every position ignored", [2, 3], given([1, 1], [2], "int32"), { ignoreIndex: 1 }),
    sample("with smoothed labels", [4, 3], integers([4], 0, 2), { labelSmoothing: 0.1 }),
    sample("with smoothed labels and ignored positions", [5, 3], padded, { ignoreIndex: -100, labelSmoothing: 0.2 }),
    sample("with labels smoothed flat", [3, 4], integers([3], 0, 3), { labelSmoothing: 1, reduction: "none" }),
    sample("of 33 rows of 45 classes", [33, 45], integers([33], 0, 44), {}, { gradient: false }),
    sample(
      "of logits whose powers overflow",
      [2, 3],
      given([0, 2], [2], "int32"),
      { reduction: "none" },
      {
        inputs: [given([1000, 0, -1000, -1000, 0, 1000], [2, 3]), given([0, 1], [2], "int32")],
        gradient: false,
      },
    ),
    sample("of no rows, summed", [0, 3], { shape: [0], dtype: "int32", values: [] }, { reduction: "sum" }),
  ],
  errors: [
    {
      name: "a class beyond the last, known on the host",
      code: "ERR_INDEX",
      words: ["from 0 to 2", "3"],
      call: (env) => crossEntropy(some(env, [2, 3]), tensorOf(env, [0, 3], "int32")),
    },
    {
      name: "a class beyond the last, found by the kernel",
      code: "ERR_INDEX",
      words: ["out of range"],
      call: (env) => crossEntropy(some(env, [2, 3]), computedIndices(env, [3, 0])),
    },
    {
      name: "a class beyond the last beside ignored ones",
      code: "ERR_INDEX",
      words: ["out of range"],
      call: (env) => crossEntropy(some(env, [2, 3]), tensorOf(env, [-100, 3], "int32"), { ignoreIndex: -100 }),
    },
    {
      name: "targets of another shape",
      code: "ERR_SHAPE",
      words: ["crossEntropy", "targets", "[2]", "[3]"],
      call: (env) => crossEntropy(some(env, [2, 3]), tensorOf(env, [0, 1, 2], "int32")),
    },
    {
      name: "targets that are no int32",
      code: "ERR_DTYPE",
      words: ["crossEntropy", "int32 indices", "float32"],
      call: (env) => crossEntropy(some(env, [2, 3]), some(env, [2])),
    },
    {
      name: "a scalar for logits",
      code: "ERR_SHAPE",
      words: ["crossEntropy", "last axis of classes"],
      call: (env) => crossEntropy(some(env, []), tensorOf(env, [0], "int32", [])),
    },
    {
      name: "an unknown reduction",
      code: "ERR_VALUE",
      words: ["crossEntropy", "reduction", "mean, sum or none", "avg"],
      call: (env) => crossEntropy(some(env, [1, 3]), tensorOf(env, [0], "int32"), { reduction: "avg" as never }),
    },
    {
      name: "a smoothing above 1",
      code: "ERR_VALUE",
      words: ["crossEntropy", "labelSmoothing", "0 to 1", "1.5"],
      call: (env) => crossEntropy(some(env, [1, 3]), tensorOf(env, [0], "int32"), { labelSmoothing: 1.5 }),
    },
  ],
};
