/** Elementwise ops: broadcasting, scalar operands, every dtype, the whole range of floats. */

import type { DType, Tensor } from "@neurite/core";
import * as core from "@neurite/core";
import * as fc from "fast-check";
import { type Accuracy, type Call, callsOf, EXACT, near, ulps } from "../call.js";
import { dtypes, numbersOf, type Oddity, oddities, shapes, type TensorSpec, tensors } from "../tensors.js";

/** Gradients of elementwise ops are products of a few roundings. */
const SLOPE = near(1e-4);

/** One argument. Only floats have the ops of analysis; the rest decides by dtype. */
const UNARY: Readonly<Record<string, Accuracy>> = {
  neg: EXACT,
  abs: EXACT,
  sign: EXACT,
  square: EXACT,
  reciprocal: EXACT,
  sqrt: EXACT,
  rsqrt: ulps(2),
  exp: ulps(2),
  expm1: ulps(4),
  log: ulps(4),
  log1p: ulps(4),
  erf: ulps(8),
  sin: ulps(4),
  cos: ulps(4),
  tan: ulps(8),
  floor: EXACT,
  ceil: EXACT,
  round: EXACT,
  tanh: ulps(8),
  sigmoid: ulps(8),
  relu: EXACT,
  selu: near(1e-6),
  gelu: near(1e-6),
  geluTanh: near(1e-6),
  silu: near(1e-6),
  softplus: near(1e-6),
  mish: near(1e-6),
  softsign: ulps(4),
  logSigmoid: near(1e-6),
  hardSigmoid: near(1e-6),
  hardSwish: near(1e-6),
  isNaN: EXACT,
  isFinite: EXACT,
  logicalNot: EXACT,
};

const BINARY: Readonly<Record<string, Accuracy>> = {
  add: EXACT,
  sub: EXACT,
  mul: EXACT,
  div: EXACT,
  mod: EXACT,
  pow: ulps(4),
  maximum: EXACT,
  minimum: EXACT,
  leakyRelu: EXACT,
  elu: near(1e-6),
  equal: EXACT,
  notEqual: EXACT,
  less: EXACT,
  lessEqual: EXACT,
  greater: EXACT,
  greaterEqual: EXACT,
  logicalAnd: EXACT,
  logicalOr: EXACT,
};

const TERNARY: Readonly<Record<string, Accuracy>> = { where: EXACT, clamp: EXACT };

/** A shape that broadcasts to `shape`: some axes of length 1, some leading ones left out. */
const spread = (shape: readonly number[]): fc.Arbitrary<number[]> =>
  fc
    .tuple(
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: shape.length, maxLength: shape.length }),
      fc.integer({ min: 0, max: 3 }),
    )
    .map(([ones, less]) => {
      const spread = shape.map((length, axis) => (ones[axis] === 3 ? 1 : length));
      return less === 3 ? spread.slice(Math.min(1, spread.length)) : spread;
    });

/** An operand: its place among the tensors, or a number. */
type Operand = { readonly tensor: number } | { readonly number: number };

interface Operands {
  readonly operands: readonly Operand[];
}

type ElementwiseFunction = (...operands: readonly (Tensor | number)[]) => Tensor;

function elementwise(op: string, count: number, accuracy: Accuracy): fc.Arbitrary<Call> {
  const drawOperands = ([shape, dtype, oddity]: readonly [number[], DType, Oddity]) => {
    const one = (i: number): fc.Arbitrary<TensorSpec | number> => {
      const own: DType = op === "where" && i === 0 ? "bool" : dtype;
      // a gradient that is a sum over a stretched axis may leave the range on the way
      const part = oddity === "any" ? fc.constant(shape) : spread(shape);
      const tensor = part.chain((drawn) => tensors(drawn, own, oddity));
      // one operand at least is a tensor, and of one dtype in most calls
      if (i === 0) return tensor;
      const other = dtypes.chain((strange) => tensors(shape, strange, oddity));
      return fc.oneof(
        { weight: 8, arbitrary: tensor },
        { weight: 4, arbitrary: numbersOf("float32", oddity) },
        { weight: 1, arbitrary: other },
      );
    };
    return fc.tuple(...Array.from({ length: count }, (_, i) => one(i)));
  };
  return callsOf<Operands>({
    op,
    draw: fc
      .tuple(shapes(0, 3), dtypes, fc.oneof(oddities("any"), oddities("endless")))
      .chain(drawOperands)
      .chain((drawn) => fc.tuple(fc.constant(drawn), fc.boolean()))
      .map(([drawn, swap]) => {
        const inputs = drawn.filter((operand): operand is TensorSpec => typeof operand !== "number");
        const operands = drawn.map(
          (operand): Operand =>
            typeof operand === "number" ? { number: operand } : { tensor: inputs.indexOf(operand) },
        );
        return { inputs, options: { operands: swap && op !== "where" ? operands.toReversed() : operands } };
      }),
    run: (inputs, { operands }) =>
      (core as unknown as Record<string, ElementwiseFunction>)[op]!(
        ...operands.map((operand) => ("tensor" in operand ? inputs[operand.tensor]! : operand.number)),
      ),
    accuracy,
    gradient: SLOPE,
  }).map((call) => (op === "elu" && call.inputs.some(isEndless) ? { ...call, gradient: null } : call));
}

/** An infinite α times a power that is 0 in float32 and not in float64: either slope is as good. */
const isEndless = ({ values }: TensorSpec): boolean => values.some((x) => Math.abs(x) === Number.POSITIVE_INFINITY);

export const ELEMENTWISE: Readonly<Record<string, fc.Arbitrary<Call>>> = Object.fromEntries(
  [UNARY, BINARY, TERNARY].flatMap((table, i) =>
    Object.entries(table).map(([op, accuracy]) => [op, elementwise(op, i + 1, accuracy)] as const),
  ),
);
