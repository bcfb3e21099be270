/** Renders the steps of an elementwise expression as vector instructions. */
import type { DType, Operation, Program, Step } from "@neurite/core";
import { DoubleMath, type ScalarFunctions } from "./double-math.js";
import { f32x4, i32x4, type V128, v128 } from "./emitter/code.js";
import type { FunctionBuilder } from "./emitter/function.js";
import type { ModuleBuilder } from "./emitter/module.js";
import { constantLanes } from "./lanes.js";
import { defineQuarters, defineRemainder } from "./scalar-math.js";
import { type Features, VectorMath } from "./vector-math.js";

/** Defines the functions that a program's steps call. */
export function defineScalarFunctions(module: ModuleBuilder, { steps }: Program): ScalarFunctions {
  const calls = (...names: readonly Step["fn"][]) => steps.some(({ fn }) => names.includes(fn));
  return {
    ...(calls("sin", "cos") && { quarters: defineQuarters(module) }),
    ...(calls("mod") && { remainder: defineRemainder(module) }),
  };
}

/** Where the operands of a program are, and the functions of its module. */
export interface Environment {
  readonly inputs: readonly V128[];
  readonly scalars: readonly V128[];
  readonly functions: ScalarFunctions;
}

/** Code of a program's results for four elements; intermediate values are kept in variables. */
export function renderProgram(
  f: FunctionBuilder,
  features: Features,
  program: Program,
  { inputs, scalars, functions }: Environment,
): V128[] {
  const math = new VectorMath(f, features);
  const doubleMath = new DoubleMath(f, features, functions);
  const values: V128[] = [];
  const uses = countUses(program);
  const operand = (operation: Operation): V128 => {
    switch (operation.kind) {
      case "input":
        return inputs[operation.index]!;
      case "scalar":
        return scalars[operation.index]!;
      case "constant":
        return constantLanes(f, operation.type, operation.value);
      default:
        return values[operation.index]!;
    }
  };
  program.steps.forEach((step, index) => {
    const code =
      fusedMultiplyAdd(program, step, uses, features, operand) ??
      renderStep(f, math, doubleMath, step, step.args.map(operand));
    // a product that is about to be added is not computed on its own
    values[index] = isFusedAway(program, index, uses, features) ? code : f.keep(code);
  });
  return program.results.map(operand);
}

function countUses({ steps, results }: Program): number[] {
  const uses = new Array<number>(steps.length).fill(0);
  const count = (operation: Operation) => {
    if (operation.kind === "step") uses[operation.index]!++;
  };
  for (const step of steps) step.args.forEach(count);
  results.forEach(count);
  return uses;
}

function isProduct({ steps }: Program, operation: Operation, uses: readonly number[]): boolean {
  if (operation.kind !== "step" || uses[operation.index] !== 1) return false;
  const step = steps[operation.index]!;
  return step.fn === "mul" && step.operandType === "float32";
}

function isFusedAway(program: Program, index: number, uses: readonly number[], { relaxed }: Features): boolean {
  const user = program.steps.find(({ args }) => args.some((arg) => arg.kind === "step" && arg.index === index));
  if (!relaxed || user?.fn !== "add") return false;
  const chosen = user.args.find((arg) => isProduct(program, arg, uses));
  return chosen?.kind === "step" && chosen.index === index;
}

/** a·b + c as one instruction where the engine has it and the product is used nowhere else. */
function fusedMultiplyAdd(
  program: Program,
  { fn, args }: Step,
  uses: readonly number[],
  { relaxed }: Features,
  operand: (operation: Operation) => V128,
): V128 | null {
  if (!relaxed || fn !== "add") return null;
  const product = args.find((arg) => isProduct(program, arg, uses));
  if (product?.kind !== "step") return null;
  const other = args[args[0] === product ? 1 : 0]!;
  const [a, b] = program.steps[product.index]!.args.map(operand);
  return f32x4.relaxedMadd(a!, b!, operand(other));
}

function renderStep(
  f: FunctionBuilder,
  math: VectorMath,
  doubleMath: DoubleMath,
  { fn, operandType }: Step,
  [a, b, c]: readonly V128[],
): V128 {
  switch (fn) {
    case "exp":
    case "expm1":
    case "log":
    case "log1p":
    case "tanh":
    case "erf":
    case "sigmoid":
      return math[fn](a!);
    case "pow":
    case "mod":
      return doubleMath[fn](a!, b!);
    case "sin":
    case "cos":
      return doubleMath[fn](a!);
    case "weigh": {
      const zero = f.vector(0);
      const product = f.keep(f32x4.mul(a!, b!));
      // 0 instead of NaN where the error is 0, or the slope is and the error infinite
      const excluded = v128.or(f32x4.eq(a!, zero), v128.and(f32x4.eq(b!, zero), f32x4.eq(a!, a!)));
      return v128.andnot(product, v128.and(excluded, f32x4.ne(product, product)));
    }
    case "select":
      return v128.bitselect(b!, c!, a!);
    case "and":
      return v128.and(a!, b!);
    case "or":
      return v128.or(a!, b!);
    case "not":
      return v128.not(a!);
    case "isNaN":
      return f32x4.ne(a!, a!);
    case "isFinite":
      return f32x4.lt(f32x4.abs(a!), f.vector(Number.POSITIVE_INFINITY));
    case "lt":
    case "le":
    case "gt":
    case "ge":
    case "eq":
    case "ne":
      return compare(fn, operandType, a!, b!);
    default:
      return operandType === "float32" ? floatStep(f, fn, a!, b!) : integerStep(f, fn, a!, b!);
  }
}

function compare(fn: "lt" | "le" | "gt" | "ge" | "eq" | "ne", dtype: DType, a: V128, b: V128): V128 {
  if (dtype === "float32") return f32x4[fn](a, b);
  if (dtype !== "bool") return i32x4[fn](a, b);
  // true is all ones, which is −1: false < true means −1 < 0 the other way round
  const flipped = { lt: "gt", le: "ge", gt: "lt", ge: "le", eq: "eq", ne: "ne" } as const;
  return i32x4[flipped[fn]](a, b);
}

function floatStep(f: FunctionBuilder, fn: Step["fn"], a: V128, b: V128): V128 {
  switch (fn) {
    case "add":
    case "sub":
    case "mul":
    case "div":
    case "max":
    case "min":
      return f32x4[fn](a, b);
    case "neg":
    case "abs":
    case "sqrt":
    case "floor":
    case "ceil":
      return f32x4[fn](a);
    case "round":
      return f32x4.nearest(a);
    case "sign": {
      const one = v128.bitselect(f.vector(1), f.vector(-1), f32x4.gt(a, f.vector(0)));
      // 0, −0 and NaN stay as they are
      return v128.bitselect(one, a, f32x4.gt(f32x4.abs(a), f.vector(0)));
    }
    default:
      throw new Error(`internal: no float32 rendering of ${fn}`);
  }
}

function integerStep(f: FunctionBuilder, fn: Step["fn"], a: V128, b: V128): V128 {
  switch (fn) {
    case "add":
    case "sub":
    case "mul":
    case "max":
    case "min":
      return i32x4[fn](a, b);
    case "neg":
    case "abs":
      return i32x4[fn](a);
    case "sign": {
      const one = f.hoist("i1", i32x4.const(1));
      return i32x4.max(i32x4.min(a, one), i32x4.neg(one));
    }
    default:
      throw new Error(`internal: no int32 rendering of ${fn}`);
  }
}
