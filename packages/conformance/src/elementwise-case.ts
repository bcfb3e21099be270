/**
 * The case of one row of the elementwise table, from a function of numbers: shapes, broadcasting, numbers for operands,
 * empty tensors, special values and the usual mistakes follow by themselves.
 */
import type { DType, Row, Shape, Tensor } from "@neurite/core";
import { slopeOf, some, tensorOf, valuesOf } from "./call.js";
import {
  type Case,
  type Env,
  type ErrorSample,
  FLOATS,
  type FreeCheck,
  NUMBERS,
  type Sample,
  type Tolerance,
} from "./case.js";
import { expectEqual } from "./compare.js";
import { given, type InputSpec, numbers, type Range, rounded, seeded } from "./inputs.js";
import { count, type Plain, zip } from "./plain.js";

// biome-ignore lint/suspicious/noExplicitAny: unary, binary and ternary ops alike
type ElementwiseOp = ((...operands: any[]) => Tensor) & { readonly row: Row };

/** What dtypes an op takes and gives: see `Kind` in core's `expression.ts`. */
type Kind = "float" | "number" | "compare" | "logic" | "test" | "select";

const DTYPES_OF: Readonly<Record<Kind, readonly DType[]>> = {
  float: FLOATS,
  number: NUMBERS,
  compare: ["float32", "float64", "int32", "bool"],
  logic: ["bool"],
  test: FLOATS,
  select: ["float32", "float64", "int32", "bool"],
};

/** A dtype each kind refuses, and what the message says about it. */
const REFUSED: Readonly<Record<Kind, readonly [DType, readonly string[]] | null>> = {
  float: ["int32", ["float32 or float64", "int32", "cast"]],
  number: ["bool", ["bool", "cast"]],
  compare: null,
  logic: ["float32", ["bool", "float32", "notEqual"]],
  test: ["int32", ["float32 or float64", "int32", "cast"]],
  select: null,
};

interface GradientExample {
  readonly at: readonly number[];
  /** Slope by each operand there. */
  readonly slopes: readonly number[];
  /** Ends a sentence: "shared at a tie". */
  readonly name: string;
}

export interface ElementwiseOptions {
  readonly kind: Kind;
  /** The function, in float64. */
  readonly reference: (...operands: number[]) => number;
  /** The function on int32 where it differs, such as a product that wraps. */
  readonly integers?: (...operands: number[]) => number;
  /** Where each operand is drawn from; default −2 to 2. */
  readonly operands?: readonly Range[];
  /** Operands that are bool whatever the dtype under test. */
  readonly conditions?: readonly number[];
  /** Default true for kinds with float results. */
  readonly gradient?: false;
  /** Gradients where no difference can tell them: at kinks and ties. */
  readonly slopes?: readonly GradientExample[];
  /** Numbers for the test of special values; default {@link SPECIAL}. */
  readonly specials?: readonly number[];
  /** The sign of a zero result is defined (default true). */
  readonly signedZeros?: false;
  /** The op of a tensor and itself: false where that has no gradient. */
  readonly itself?: false;
  readonly tolerance?: Tolerance;
  readonly more?: readonly Sample[];
}

/** What arithmetic may stumble over: beyond eˣ's range, below the smallest difference from 1, zeros of both signs. */
export const SPECIAL: readonly number[] = [
  Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1, -1, 0.5, -2.5, 1e-6, 88, -88, 120, -120,
  1e6, -1e30,
]; // biome-ignore format: a list of numbers

/** The ends of int32, and products that pass them. */
const INT_SPECIAL: readonly number[] = [0, 1, -1, 7, -2147483648, 2147483647, 65536, -40000];

const SHAPES: Readonly<Record<number, readonly (readonly [string, readonly Shape[]])[]>> = {
  1: [
    ["of a matrix", [[3, 4]]],
    ["of a scalar", [[]]],
    ["of 133 elements", [[7, 19]]],
    ["of a tensor of four axes", [[2, 1, 3, 2]]],
    ["of an empty tensor", [[2, 0, 3]]],
  ],
  2: [
    ["of two matrices", [[3, 4], [3, 4]]],
    ["of a matrix and a row", [[3, 4], [4]]],
    ["of a column and a row", [[3, 1], [1, 4]]],
    ["of a row and a stack", [[1, 3], [2, 2, 3]]],
    ["of a matrix and a scalar", [[2, 3], []]],
    ["of two tensors of 133 elements", [[7, 19], [7, 19]]],
    ["of an empty tensor and one that broadcasts", [[2, 0], [1, 1]]],
  ],
  3: [
    ["of three matrices", [[3, 4], [3, 4], [3, 4]]],
    ["of a matrix, a row and a column", [[3, 4], [4], [3, 1]]],
    ["of a row, a scalar and a stack", [[3], [], [2, 2, 3]]],
    ["of an empty tensor and two that broadcast", [[2, 0], [1, 1], []]],
  ],
}; // biome-ignore format: a table

export function elementwiseCase(op: ElementwiseOp, options: ElementwiseOptions): Case {
  const { row } = op;
  const { kind, conditions = [], tolerance } = options;
  const dtypes = DTYPES_OF[kind];
  const carries = kind === "float" || kind === "number" || kind === "select";
  const result = carries ? {} : { result: "bool" as const };
  const positions = Array.from({ length: row.arity }, (_, i) => i);

  const spec = (i: number, shape: Shape): InputSpec => {
    const { low, high, ...more } = options.operands?.[i] ?? { low: -2, high: 2 };
    const drawn = numbers(shape, low, high, more);
    return conditions.includes(i) ? { ...drawn, dtype: "bool" } : drawn;
  };
  const apply = (dtype: DType, operands: readonly Plain[]): Plain =>
    zip(operands, (dtype === "int32" && options.integers) || options.reference);

  /** The sample where operand i is tensor number `tensors[i]`, or a number where that is null. */
  const sample = (
    name: string,
    inputs: readonly InputSpec[],
    tensors: readonly (number | null)[],
    more: object = {},
  ): Sample => {
    // numbers from both ends of their range: one alone may lie where the slope is 0
    const ends = tensors.includes(null) ? [0.1, 0.9] : [0.5];
    const numberFor = (i: number, dtype: DType, end: number) =>
      numberOperand(spec(i, []), conditions.includes(i) ? "bool" : dtype, end);
    return {
      name,
      inputs,
      run: (xs, { dtype }) =>
        ends.map((end) => op(...tensors.map((t, i) => (t === null ? numberFor(i, dtype, end) : xs[t])))),
      reference: (xs, { dtype }) =>
        ends.map((end) =>
          apply(
            dtype,
            tensors.map((t, i) => (t === null ? { shape: [], data: [numberFor(i, dtype, end)] } : xs[t])),
          ),
        ),
      ...result,
      ...more,
    };
  };

  const samples = SHAPES[row.arity].map(([name, shapes]) =>
    sample(
      name,
      shapes.map((shape, i) => spec(i, shape)),
      positions,
      // enough slopes are checked on the small ones
      Math.max(...shapes.map(count)) > 100 ? { gradient: false } : {},
    ),
  );
  for (let mask = 1; mask < 2 ** row.arity - 1; mask++) {
    const tensors = positions.filter((i) => !(mask & (1 << i)));
    const words = positions.map((i) => (mask & (1 << i) ? "a number" : "a matrix")).join(", ");
    // a choice between two numbers is float32 whatever the dtype under test
    const untyped = kind === "select" && tensors.every((i) => conditions.includes(i));
    samples.push(
      sample(
        `of ${words}`,
        tensors.map((i) => spec(i, [3, 4])),
        positions.map((i) => (mask & (1 << i) ? null : tensors.indexOf(i))),
        untyped ? { dtypes: ["float32"] } : {},
      ),
    );
  }
  if (row.arity === 2 && options.itself !== false) {
    samples.push(sample("of a tensor and itself", [spec(0, [2, 3])], [0, 0]));
  }
  if (kind !== "logic") {
    samples.push(
      sample(
        "of NaN, infinities, zeros and large numbers",
        specialInputs(options.specials ?? SPECIAL, row.arity, conditions),
        positions,
        {
          dtypes: FLOATS,
          gradient: false,
          layouts: false,
          signedZeros: options.signedZeros !== false,
        },
      ),
    );
    if (dtypes.includes("int32")) {
      samples.push(
        sample("of integers at the ends of int32", specialInputs(INT_SPECIAL, row.arity, conditions), positions, {
          dtypes: ["int32"],
          layouts: false,
        }),
      );
    }
  }
  return {
    op: row.name,
    dtypes,
    samples: [...samples, ...(options.more ?? [])],
    errors: errorsOf(op, options),
    checks: [
      ...(options.slopes ?? []).map((example) => slopeCheck(op, example)),
      ...(kind === "compare" ? [foreignCheck(op, options.reference)] : []),
    ],
    ...(carries && options.gradient !== false ? {} : { gradient: false as const }),
    ...(tolerance ? { tolerance } : {}),
  };
}

/** A fixed number that suits an operand, from about the given part of its range. */
function numberOperand({ values }: InputSpec, dtype: DType, part: number): number {
  if (typeof values !== "function") return values[0];
  const random = seeded("number");
  let first = true;
  const partFirst = () => {
    const value = first ? part : random();
    first = false;
    return value;
  };
  return rounded(values(partFirst, dtype), dtype);
}

/** One operand: the list. Two: all pairs. Three: a mixture in which each number meets many others. */
function specialInputs(list: readonly number[], arity: number, conditions: readonly number[]): InputSpec[] {
  const n = list.length;
  const steps = [
    (i: number) => (arity === 2 ? Math.floor(i / n) : i),
    (i: number) => (arity === 2 ? i % n : i * 5 + 1),
    (i: number) => i * 7 + 3,
  ];
  const length = arity === 2 ? n * n : n;
  return Array.from({ length: arity }, (_, operand) => {
    const values = Array.from({ length }, (_, i) => list[steps[operand](i) % n]);
    return conditions.includes(operand)
      ? given(
          values.map((_, i) => i % 2),
          [length],
          "bool",
        )
      : given(values);
  });
}

function errorsOf(op: ElementwiseOp, { kind, conditions = [] }: ElementwiseOptions): ErrorSample[] {
  const { arity } = op.row;
  const dtype = kind === "logic" ? "bool" : "float32";
  const operands = (env: Env, shape: Shape, type: DType) =>
    Array.from({ length: arity }, (_, i) => some(env, shape, conditions.includes(i) ? "bool" : type));
  const errors: ErrorSample[] = [
    {
      name: "a tensor that was freed",
      dtype,
      code: "ERR_DISPOSED",
      words: ["freed", "[2, 3]", "keep()"],
      call: (env) => {
        const xs = operands(env, [2, 3], dtype);
        xs[0].dispose();
        return op(...xs);
      },
    },
  ];
  const refused = REFUSED[kind];
  if (refused) {
    const [wrong, words] = refused;
    errors.push({
      name: `${wrong} operands`,
      dtype: wrong,
      code: "ERR_DTYPE",
      words: [op.row.name, ...words],
      call: (env) => op(...operands(env, [2], wrong)),
    });
  }
  if (arity === 1) return errors;
  errors.push(
    {
      name: "shapes that do not broadcast",
      dtype,
      code: "ERR_SHAPE",
      words: [op.row.name, "[2, 3]", "[2, 4]", "axis -1"],
      call: (env) => {
        const xs = operands(env, [2, 3], dtype);
        return op(...xs.slice(0, -1), ...operands(env, [2, 4], dtype).slice(-1));
      },
    },
    {
      name: "numbers alone",
      dtype,
      code: "ERR_VALUE",
      words: [op.row.name, "at least one tensor"],
      call: () => op(...new Array<number>(arity).fill(1)),
    },
  );
  if (kind === "logic") {
    errors.push({
      name: "a number that is neither 0 nor 1",
      dtype,
      code: "ERR_VALUE",
      words: [op.row.name, "0 or 1", "0.5"],
      call: (env) => op(...operands(env, [2], dtype).slice(0, -1), 0.5),
    });
    return errors;
  }
  errors.push({
    name: "operands of two dtypes",
    dtype: "int32",
    code: "ERR_DTYPE",
    words: [op.row.name, "int32", "float32", "cast"],
    call: (env) => {
      const xs = operands(env, [2], "float32");
      return op(...xs.slice(0, -1), ...operands(env, [2], "int32").slice(-1));
    },
  });
  if (kind !== "number" && kind !== "select") return errors;
  for (const [name, value] of [
    ["a fraction", 0.5],
    ["a number beyond its range", 3e9],
  ] as const) {
    errors.push({
      name: `${name} beside an int32 tensor`,
      dtype: "int32",
      code: "ERR_VALUE",
      words: [op.row.name, "int32", String(value), "cast"],
      call: (env) => op(...operands(env, [2], "int32").slice(0, -1), value),
    });
  }
  return errors;
}

/** Numbers that one dtype or another does not hold. */
const FOREIGN = [
  3e9,
  -3e9,
  0.5,
  -0.5,
  1.5,
  1e39,
  -1e39,
  2 ** 53,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];

/** A comparison with a number that the tensor's dtype does not hold answers for the number itself. */
function foreignCheck(op: ElementwiseOp, reference: (a: number, b: number) => number): FreeCheck {
  return {
    name: "answers exactly for numbers that the dtype does not hold",
    dtypes: ["float32", "float64", "int32", "bool"],
    async run(env) {
      const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
      const values = {
        bool: [0, 1],
        int32: [-16777216, -2, -1, 0, 1, 2, 16777216],
        float: [-inf, -3e38, -1, 0, 0.5, 1, 3e38, inf, nan],
      };
      const list = env.dtype === "bool" || env.dtype === "int32" ? values[env.dtype] : values.float.map(Math.fround);
      const x = tensorOf(env, list);
      for (const number of FOREIGN) {
        const [right, left] = await valuesOf(op(x, number), op(number, x));
        expectEqual(
          `compared with ${number}`,
          right,
          list.map((value) => reference(value, number)),
        );
        expectEqual(
          `${number} compared`,
          left,
          list.map((value) => reference(number, value)),
        );
      }
      x.dispose();
    },
  };
}

function slopeCheck(op: ElementwiseOp, { at, slopes, name }: GradientExample): FreeCheck {
  return {
    name: `at ${at.join(", ")} has the gradient ${slopes.join(", ")}, ${name}`,
    dtypes: FLOATS,
    async run(env) {
      const xs = at.map((value) => tensorOf(env, [value]));
      for (const [i, x] of xs.entries()) {
        const slope = await slopeOf((y) => op(...xs.with(i, y)), x);
        expectEqual(
          `the gradient by operand ${i}`,
          slope.map((value) => value + 0),
          [slopes[i]],
        );
      }
      for (const x of xs) x.dispose();
    },
  };
}
