/** The case of a reduction, from what it makes of one line of numbers. */
import type { DType, ReduceOptions, Tensor } from "@neurite/core";
import { some } from "./call.js";
import type { Case, ErrorSample, Sample } from "./case.js";
import { distinct, type InputSpec, numbers } from "./inputs.js";
import { fold } from "./plain.js";

export interface ReductionOptions {
  readonly op: (x: Tensor, options?: ReduceOptions) => Tensor;
  readonly name: string;
  readonly dtypes: readonly DType[];
  /** One number from all numbers of a line, in float64. */
  readonly reference: (line: readonly number[]) => number;
  readonly result?: DType;
  readonly gradient?: false;
  /** Inputs of which no two are equal, for extremes. */
  readonly distinct?: boolean;
  /** Range of the inputs; default −2 to 2. */
  readonly range?: readonly [number, number];
  /** What an empty axis gives: a number, or an error. */
  readonly empty: number | "refused";
  readonly samples?: readonly Sample[];
  readonly errors?: readonly ErrorSample[];
  readonly checks?: Case["checks"];
  readonly tolerance?: Case["tolerance"];
}

export function reductionCase(options: ReductionOptions): Case {
  const { op, name, reference, empty } = options;
  const spec = (shape: readonly number[]): InputSpec => {
    const [low, high] = options.range ?? [-2, 2];
    return options.distinct ? distinct(shape) : numbers(shape, low, high);
  };
  const sample = (
    title: string,
    shape: readonly number[],
    axes: readonly number[],
    settings: ReduceOptions,
    more: Partial<Sample> = {},
  ): Sample => ({
    name: title,
    inputs: [spec(shape)],
    run: ([x]) => op(x, settings),
    reference: ([x]) => fold(x, axes, settings.keepDims ?? false, reference),
    ...(options.result ? { result: options.result } : {}),
    ...more,
  });
  const samples = [
    sample("over all axes", [3, 4], [0, 1], {}),
    sample("over the first axis", [4, 3], [0], { axis: 0 }),
    sample("over the last axis", [3, 4], [1], { axis: -1 }),
    sample("over the middle axis, kept", [2, 3, 2], [1], { axis: 1, keepDims: true }),
    sample("over the outer axes", [2, 3, 2], [0, 2], { axis: [2, 0] }),
    sample("over the outer axes, kept", [2, 3, 2], [0, 2], { axis: [0, -1], keepDims: true }),
    sample("over all axes, kept", [2, 3], [0, 1], { keepDims: true }),
    sample("over an axis of length 1", [3, 1], [1], { axis: 1 }),
    sample("over no axis", [2, 3], [], { axis: [] }),
    sample("of a scalar", [], [], {}),
    sample("of 67 rows of 45", [67, 45], [1], { axis: 1 }, { gradient: false }),
    sample("of 67 columns of 45", [45, 67], [0], { axis: 0 }, { gradient: false }),
    sample("of no lines", [0, 3], [1], { axis: 1 }, { gradient: false }),
  ];
  if (empty !== "refused") {
    samples.push({
      ...sample("over an empty axis", [2, 0], [1], { axis: 1 }, { gradient: false }),
      reference: () => ({ shape: [2], data: [empty, empty] }),
    });
  }
  const dtype = options.dtypes[0];
  const errors: ErrorSample[] = [
    {
      name: "an axis that is not there",
      dtype,
      code: "ERR_INDEX",
      words: ["axis", "from -2 to 1", "2"],
      call: (env) => op(some(env, [2, 3]), { axis: 2 }),
    },
    {
      name: "an axis named twice",
      dtype,
      code: "ERR_INDEX",
      words: ["each axis once", "[1, -1]"],
      call: (env) => op(some(env, [2, 3]), { axis: [1, -1] }),
    },
    {
      name: "a tensor that was freed",
      dtype,
      code: "ERR_DISPOSED",
      words: ["freed", "[2]"],
      call: (env) => {
        const x = some(env, [2]);
        x.dispose();
        return op(x);
      },
    },
  ];
  if (empty === "refused") {
    errors.push({
      name: "an empty axis",
      dtype,
      code: "ERR_SHAPE",
      words: ["at least one element", "[2, 0]", "axis 1"],
      call: (env) => op(some(env, [2, 0]), { axis: 1 }),
    });
  }
  return {
    op: name,
    dtypes: options.dtypes,
    samples: [...samples, ...(options.samples ?? [])],
    errors: [...errors, ...(options.errors ?? [])],
    ...(options.checks ? { checks: options.checks } : {}),
    ...(options.gradient === false ? { gradient: false as const } : {}),
    ...(options.tolerance ? { tolerance: options.tolerance } : {}),
  };
}
