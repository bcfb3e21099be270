/**
 * Makes ops of elementwise expressions: a row of the table (`ops/elementwise.ts`) becomes a function with gradients of
 * any order, for every backend. Operands may be numbers: they become scalar parameters of the kernel.
 */
import { coalesceFor } from "./coalesce.js";
import { type Comparison, comparisonWith, MIRRORED } from "./comparison.js";
import { differentiate } from "./differentiate.js";
import { dispatch } from "./dispatch.js";
import { expectFits } from "./dtype.js";
import { ValueError } from "./errors.js";
import { badValue, expectFunction, expectInteger, expectList, expectText } from "./expect.js";
import { call, type Expression, input, inputsOf, isExpression, MapFunction, scalar, substitute } from "./expression.js";
import { defineOp, type OpRecord, type Saves, type VjpContext } from "./op.js";
import { sumTo } from "./ops/reduce.js";
import { broadcastShapes } from "./shape.js";
import { expectTensor, expectTensors, type Tensor } from "./tensor.js";

interface ElementwiseAttrs {
  /** Values of the function's scalar parameters. */
  readonly scalars: readonly number[];
}

/** How the gradient by one operand is computed: not at all, as `dy` itself, or by another elementwise op. */
type GradientRule = "dy" | { readonly op: OpRecord<ElementwiseAttrs>; readonly uses: readonly number[] } | null;

interface Form {
  readonly name: string;
  /** Inputs are 0 … arity − 1. */
  readonly expression: Expression;
  readonly arity: number;
  readonly scalars: number;
  /** Partial derivatives by each input; in them input `arity` stands for the output. Made when first needed. */
  readonly partials: () => readonly (Expression | null)[];
}

/** The op of one expression. */
function elementwiseOp(form: Form): OpRecord<ElementwiseAttrs> {
  const { name, arity, expression } = form;
  const fn = MapFunction.of(expression, arity, form.scalars);
  let rules: readonly GradientRule[] | null = null;
  const gradientRules = () => {
    rules ??= form.partials().map((partial, i) => gradientRule(form, partial, i));
    return rules;
  };
  return defineOp<ElementwiseAttrs>({
    name,
    infer(inputs, { scalars }) {
      let { shape } = inputs[0]!;
      for (let i = 1; i < inputs.length; i++) shape = broadcastShapes(name, shape, inputs[i]!.shape);
      const program = fn.program(name, inputs);
      for (let i = 0; i < scalars.length; i++) {
        const dtype = program.scalars[i];
        if (dtype !== undefined) expectFits(name, "operand", scalars[i]!, dtype);
      }
      return [{ shape, dtype: program.results[0]!.type }];
    },
    lower(device, outs, inputs, { scalars }) {
      const out = outs[0]!;
      if (out.size === 0) return;
      const plan = coalesceFor(out, inputs);
      device.backend.kernels.map([plan.out], plan.inputs, { fn, scalars });
    },
    vjp(context) {
      return gradientRules().map((rule, i) => (context.needs[i] ? applyRule(rule, context, i, arity) : null));
    },
    saves: (_, needs) => savedBy(gradientRules(), arity, needs),
  });
}

function gradientRule(form: Form, partial: Expression | null, index: number): GradientRule {
  if (partial === null) return null;
  const { arity } = form;
  if (partial.kind === "constant" && partial.value === 1) return "dy";
  if (partial.kind === "constant" && partial.value === 0) return null;
  // inputs of the gradient op: dy first, then what the partial derivative uses
  const uses = inputsOf(partial);
  const renamed: Expression[] = [];
  uses.forEach((use, position) => {
    renamed[use] = input(position + 1);
  });
  const expression = call("weigh", input(0), substitute(partial, renamed));
  const op = elementwiseOp({
    name: `${form.name}Grad${arity > 1 ? index : ""}`,
    expression,
    arity: uses.length + 1,
    scalars: form.scalars,
    partials: () => symbolicPartials(expression, uses.length + 1),
  });
  return { op, uses };
}

function applyRule(
  rule: GradientRule,
  { attrs, inputs, outputs, dy }: VjpContext<ElementwiseAttrs>,
  index: number,
  arity: number,
): Tensor | null {
  if (rule === null) return null;
  const { shape } = inputs[index]!;
  if (rule === "dy") return sumTo(dy[0]!, shape);
  const operands = rule.uses.map((use) => (use === arity ? outputs[0]! : inputs[use]!));
  return sumTo(dispatch(rule.op, [dy[0]!, ...operands], attrs)[0]!, shape);
}

function savedBy(rules: readonly GradientRule[], arity: number, needs: readonly boolean[]): Saves {
  const used = new Set<number>();
  rules.forEach((rule, i) => {
    if (needs[i] && rule !== null && rule !== "dy") for (const use of rule.uses) used.add(use);
  });
  const outputs = used.delete(arity) ? [0] : [];
  return { inputs: [...used], outputs };
}

function symbolicPartials(expression: Expression, arity: number): (Expression | null)[] {
  return Array.from({ length: arity }, (_, i) => differentiate(expression, input(i), input(arity)));
}

/** One row of the table of elementwise ops. */
export interface Row {
  readonly name: string;
  readonly arity: number;
  /** The function, of inputs 0 … arity − 1. */
  readonly expression: Expression;
  /** The record that runs when the operands whose bits are set in `mask` are numbers. */
  variant(mask: number): OpRecord<ElementwiseAttrs>;
}

/** Partial derivatives by each operand, from the operands and the output; null is a derivative of zero. */
export type Partials = (...operandsAndOutput: Expression[]) => readonly (Expression | null)[];

function makeRow(name: string, arity: number, expression: Expression, partials: Partials | undefined): Row {
  const variants: OpRecord<ElementwiseAttrs>[] = [];
  const generic = () =>
    partials ? partials(...Array.from({ length: arity + 1 }, (_, i) => input(i))) : symbolicPartials(expression, arity);
  const variant = (mask: number) => {
    const existing = variants[mask];
    if (existing) return existing;
    const operands: Expression[] = [];
    const tensors: number[] = [];
    for (let i = 0, scalars = 0; i < arity; i++) {
      if (mask & (1 << i)) operands.push(scalar(scalars++));
      else operands.push(input(tensors.push(i) - 1));
    }
    operands.push(input(tensors.length));
    const made = elementwiseOp({
      name,
      expression: substitute(expression, operands),
      arity: tensors.length,
      scalars: arity - tensors.length,
      partials: () => {
        const all = generic();
        return tensors.map((i) => (all[i] ? substitute(all[i], operands) : null));
      },
    });
    variants[mask] = made;
    return made;
  };
  return { name, arity, expression, variant };
}

const NO_SCALARS: ElementwiseAttrs = { scalars: [] };

export type UnaryOp = ((x: Tensor) => Tensor) & { readonly row: Row };
export type BinaryOp = ((a: Tensor | number, b: Tensor | number) => Tensor) & { readonly row: Row };
export type TernaryOp = ((a: Tensor | number, b: Tensor | number, c: Tensor | number) => Tensor) & {
  readonly row: Row;
};

/** A row with one operand. */
export function unary(name: string, build: (x: Expression) => Expression, partials?: Partials): UnaryOp {
  const row = makeRow(name, 1, build(input(0)), partials);
  let op: OpRecord<ElementwiseAttrs> | null = null;
  const run = (x: Tensor) => {
    op ??= row.variant(0);
    return dispatch(op, [x], NO_SCALARS)[0]!;
  };
  return Object.assign(run, { row });
}

/** A row with two operands; either may be a number. */
export function binary(
  name: string,
  build: (a: Expression, b: Expression) => Expression,
  partials?: Partials,
): BinaryOp {
  const row = makeRow(name, 2, build(input(0), input(1)), partials);
  const run = (a: Tensor | number, b: Tensor | number) => {
    if (typeof b === "number") {
      if (typeof a === "number") throw allNumbers(name);
      return dispatch(row.variant(2), [a], { scalars: [b] })[0]!;
    }
    if (typeof a === "number") return dispatch(row.variant(1), [b], { scalars: [a] })[0]!;
    return dispatch(row.variant(0), [a, b], NO_SCALARS)[0]!;
  };
  return Object.assign(run, { row });
}

const COMPARISONS = {
  eq: "equal",
  ne: "notEqual",
  lt: "less",
  le: "lessEqual",
  gt: "greater",
  ge: "greaterEqual",
} as const;

/** The rows of comparisons, each made when it is first needed: one may answer for another. */
const rowsOfComparisons = /* @__PURE__ */ new Map<Comparison, Row>();

function comparisonRow(fn: Comparison): Row {
  let row = rowsOfComparisons.get(fn);
  if (!row) {
    row = makeRow(COMPARISONS[fn], 2, call(fn, input(0), input(1)), undefined);
    rowsOfComparisons.set(fn, row);
  }
  return row;
}

/**
 * A row that compares two operands, either of which may be any number: where the tensor's dtype does not hold it, another
 * comparison answers the same.
 */
export function comparison(fn: Comparison): BinaryOp {
  const row = comparisonRow(fn);
  const { name } = row;
  const withNumber = (x: Tensor, own: Comparison, value: number) => {
    expectTensor(name, "operand", x);
    const [chosen, held] = comparisonWith(own, value, x.dtype);
    return dispatch(comparisonRow(chosen).variant(2), [x], { scalars: [held] })[0]!;
  };
  const run = (a: Tensor | number, b: Tensor | number) => {
    if (typeof b === "number") {
      if (typeof a === "number") throw allNumbers(name);
      return withNumber(a, fn, b);
    }
    if (typeof a === "number") return withNumber(b, MIRRORED[fn], a);
    return dispatch(row.variant(0), [a, b], NO_SCALARS)[0]!;
  };
  return Object.assign(run, { row });
}

/** A row with three operands; each may be a number. */
export function ternary(
  name: string,
  build: (a: Expression, b: Expression, c: Expression) => Expression,
  partials?: Partials,
): TernaryOp {
  const row = makeRow(name, 3, build(input(0), input(1), input(2)), partials);
  const run = (...operands: (Tensor | number)[]) => {
    let mask = 0;
    const tensors: Tensor[] = [];
    const scalars: number[] = [];
    operands.forEach((operand, i) => {
      if (typeof operand !== "number") tensors.push(operand);
      else {
        mask |= 1 << i;
        scalars.push(operand);
      }
    });
    if (tensors.length === 0) throw allNumbers(name);
    return dispatch(row.variant(mask), tensors, { scalars })[0]!;
  };
  return Object.assign(run, { row });
}

function allNumbers(op: string): ValueError {
  return new ValueError({
    op,
    argument: "operands",
    expected: "at least one tensor",
    received: "numbers only",
    remedy: "Use JavaScript's own arithmetic, or tensor(number).",
  });
}

/** Most inputs, and most scalars, of one kernel. */
const MOST_OPERANDS = 64;

/**
 * One fused elementwise kernel of your own, differentiable like any other op.
 *
 * @param build the expression of the inputs and then the scalars, from the builders in `e`
 * @param partials its derivatives by each input, where there are shorter or safer ones than those that follow from `build`
 * @example
 * const fma = elementwise("fma", 3, 0, (a, b, c) => e.add(e.mul(a, b), c));
 * const y = fma([a, b, c]);                          // shapes broadcast
 */
export function elementwise(
  name: string,
  inputs: number,
  scalars: number,
  build: (...operands: Expression[]) => Expression,
  partials?: Partials,
): (inputs: readonly Tensor[], scalars?: readonly number[]) => Tensor {
  expectText("elementwise", "name", name);
  expectInteger("elementwise", "inputs", inputs, 1, MOST_OPERANDS);
  expectInteger("elementwise", "scalars", scalars, 0, MOST_OPERANDS);
  expectFunction("elementwise", "build", build);
  const tensorOperands = Array.from({ length: inputs }, (_, i) => input(i));
  const scalarOperands = Array.from({ length: scalars }, (_, i) => scalar(i));
  const expression = build(...tensorOperands, ...scalarOperands);
  if (!isExpression(expression)) {
    throw badValue("elementwise", "build", "a function that returns an expression", expression, "Build it with e.");
  }
  const op = elementwiseOp({
    name,
    expression,
    arity: inputs,
    scalars,
    partials: () =>
      partials?.(...tensorOperands, ...scalarOperands, input(inputs)) ?? symbolicPartials(expression, inputs),
  });
  return (tensors, values = []) => {
    expectTensors(name, "inputs", tensors);
    expectList(name, "scalars", values, "numbers");
    for (const value of values) if (typeof value !== "number") throw badValue(name, "scalars", "numbers", value);
    if (tensors.length !== inputs || values.length !== scalars) {
      throw new ValueError({
        op: name,
        argument: "operands",
        expected: `${inputs} tensors and ${scalars} numbers`,
        received: `${tensors.length} and ${values.length}`,
        remedy: "Give one for each parameter of the expression.",
      });
    }
    return dispatch(op, tensors, { scalars: values })[0]!;
  };
}
