/**
 * Elementwise functions as data: a tree of intrinsics over inputs, scalars and constants, which each backend renders to
 * its own form and which differentiates itself (`differentiate.ts`). Equal trees are one object, so identity is a cache key.
 */
import type { DType } from "./dtype.js";
import { DTypeError } from "./errors.js";
import { badValue } from "./expect.js";

/**
 * How an intrinsic treats dtypes. `float`: floats to floats; `number`: floats or int32, unchanged; `compare`: numbers or
 * bools to bool; `logic`: bools to bool; `test`: a float to bool; `select`: (bool, T, T) to T.
 */
type Kind = "float" | "number" | "compare" | "logic" | "test" | "select";

const INTRINSICS = {
  add: { arity: 2, kind: "number" },
  sub: { arity: 2, kind: "number" },
  mul: { arity: 2, kind: "number" },
  /**
   * The product of an error a and a slope b: a·b, but 0 where a is 0, whatever b is, and where b is 0 and a is infinite. So
   * what is excluded stays excluded, and what vanishes faster than the rest grows is 0; a NaN for an error stays NaN.
   */
  weigh: { arity: 2, kind: "float" },
  neg: { arity: 1, kind: "number" },
  abs: { arity: 1, kind: "number" },
  /** −1, 0 or 1; NaN stays NaN. */
  sign: { arity: 1, kind: "number" },
  /** NaN if either is NaN. */
  max: { arity: 2, kind: "number" },
  min: { arity: 2, kind: "number" },
  div: { arity: 2, kind: "float" },
  /** Remainder with the sign of the divisor (Python's `%`). */
  mod: { arity: 2, kind: "float" },
  pow: { arity: 2, kind: "float" },
  exp: { arity: 1, kind: "float" },
  expm1: { arity: 1, kind: "float" },
  log: { arity: 1, kind: "float" },
  log1p: { arity: 1, kind: "float" },
  sqrt: { arity: 1, kind: "float" },
  sin: { arity: 1, kind: "float" },
  cos: { arity: 1, kind: "float" },
  tanh: { arity: 1, kind: "float" },
  /** 1/(1 + e⁻ˣ). */
  sigmoid: { arity: 1, kind: "float" },
  erf: { arity: 1, kind: "float" },
  floor: { arity: 1, kind: "float" },
  ceil: { arity: 1, kind: "float" },
  /** To the nearest integer, halves to even. */
  round: { arity: 1, kind: "float" },
  lt: { arity: 2, kind: "compare" },
  le: { arity: 2, kind: "compare" },
  gt: { arity: 2, kind: "compare" },
  ge: { arity: 2, kind: "compare" },
  eq: { arity: 2, kind: "compare" },
  ne: { arity: 2, kind: "compare" },
  and: { arity: 2, kind: "logic" },
  or: { arity: 2, kind: "logic" },
  not: { arity: 1, kind: "logic" },
  isNaN: { arity: 1, kind: "test" },
  isFinite: { arity: 1, kind: "test" },
  select: { arity: 3, kind: "select" },
} as const satisfies Record<string, { arity: number; kind: Kind }>;

export type Intrinsic = keyof typeof INTRINSICS;
export const INTRINSIC_NAMES = /* @__PURE__ */ Object.keys(INTRINSICS) as readonly Intrinsic[];

export type Expression =
  | { readonly kind: "input"; readonly index: number }
  /** A number given at call time, such as a learning rate. */
  | { readonly kind: "scalar"; readonly index: number }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "call"; readonly fn: Intrinsic; readonly args: readonly Expression[] };

export type Operand = Expression | number;

const interned = new Map<string, Expression>();
const keys = new WeakMap<Expression, string>();
let calls = 0;

function intern(key: string, make: () => Expression, shortKey = key): Expression {
  let node = interned.get(key);
  if (!node) {
    node = make();
    interned.set(key, node);
    keys.set(node, shortKey);
  }
  return node;
}

export function input(index: number): Expression {
  return intern(`i${index}`, () => ({ kind: "input", index }));
}

export function scalar(index: number): Expression {
  return intern(`s${index}`, () => ({ kind: "scalar", index }));
}

export function constant(value: number): Expression {
  return intern(Object.is(value, -0) ? "c-0" : `c${value}`, () => ({ kind: "constant", value }));
}

export function isExpression(value: unknown): value is Expression {
  return keys.has(value as Expression);
}

/** The call of an intrinsic, after the simplifications that gradients need. */
export function call(fn: Intrinsic, ...operands: Operand[]): Expression {
  const args = operands.map((operand) => (typeof operand === "number" ? constant(operand) : operand));
  const { arity } = INTRINSICS[fn];
  if (args.length !== arity || !args.every(isExpression)) {
    const other = args.find((arg) => !isExpression(arg));
    throw badValue(`e.${fn}`, "operands", `${arity} expressions or numbers`, args.length === arity ? other : args);
  }
  const simple = simplify(fn, args);
  if (simple) return simple;
  return intern(`${fn}(${args.map((arg) => keys.get(arg)).join()})`, () => ({ kind: "call", fn, args }), `#${calls++}`);
}

function isConstant(node: Expression, value: number): boolean {
  return node.kind === "constant" && node.value === value;
}

/** Drops neutral elements, and pulls products into a select, so that a masked-out ∞ contributes 0 and not NaN. */
function simplify(fn: Intrinsic, args: readonly Expression[]): Expression | null {
  const [a, b, c] = args as [Expression, Expression, Expression];
  switch (fn) {
    case "add":
      return isConstant(a, 0) ? b : isConstant(b, 0) ? a : null;
    case "sub":
      return isConstant(b, 0) ? a : isConstant(a, 0) ? call("neg", b) : null;
    case "mul":
      if (isConstant(a, 0) || isConstant(b, 0)) return constant(0);
      if (isConstant(a, 1)) return b;
      if (isConstant(b, 1)) return a;
      if (isConstant(a, -1)) return call("neg", b);
      if (isConstant(b, -1)) return call("neg", a);
      return pulledIn(fn, a, b);
    case "weigh":
      // a product of constants has nothing to guard, unless they are 0 or ∞
      return isFactor(a) || isFactor(b) || isConstant(a, 0) || isConstant(b, 0)
        ? call("mul", a, b)
        : pulledIn(fn, a, b);
    case "div":
      return isConstant(b, 1) ? a : null;
    case "neg":
      if (a.kind === "constant") return constant(-a.value);
      return a.kind === "call" && a.fn === "neg" ? a.args[0]! : null;
    case "select":
      return b === c ? b : null;
    default:
      return null;
  }
}

function isFactor(node: Expression): boolean {
  return node.kind === "constant" && node.value !== 0 && Number.isFinite(node.value);
}

function pulledIn(fn: Intrinsic, a: Expression, b: Expression): Expression | null {
  if (b.kind !== "call" || b.fn !== "select") return null;
  return call("select", b.args[0]!, call(fn, a, b.args[1]!), call(fn, a, b.args[2]!));
}

type Builders = { readonly [F in Intrinsic]: (...operands: Operand[]) => Expression };

/** Builders of expressions, one per intrinsic: `e.mul(x, e.add(y, 1))`. */
export const e: Builders = /* @__PURE__ */ Object.fromEntries(
  /* @__PURE__ */ INTRINSIC_NAMES.map((fn) => [fn, (...operands: Operand[]) => call(fn, ...operands)]),
) as Builders;

/** `expression` with input k replaced by `inputs[k]`. */
export function substitute(expression: Expression, inputs: readonly Expression[]): Expression {
  const done = new Map<Expression, Expression>();
  const visit = (node: Expression): Expression => {
    if (node.kind === "input") return inputs[node.index]!;
    if (node.kind !== "call") return node;
    let result = done.get(node);
    if (!result) {
      result = call(node.fn, ...node.args.map(visit));
      done.set(node, result);
    }
    return result;
  };
  return visit(expression);
}

/** Indices of the inputs that occur in `expression`, ascending. */
export function inputsOf(expression: Expression): number[] {
  const found = new Set<number>();
  const seen = new Set<Expression>();
  const visit = (node: Expression): void => {
    if (seen.has(node)) return;
    seen.add(node);
    if (node.kind === "input") found.add(node.index);
    else if (node.kind === "call") node.args.forEach(visit);
  };
  visit(expression);
  return [...found].sort((a, b) => a - b);
}

/** `tanh(in0) * s0`-like text, for messages and reports. */
export function formatExpression(node: Expression): string {
  switch (node.kind) {
    case "input":
      return `in${node.index}`;
    case "scalar":
      return `s${node.index}`;
    case "constant":
      return String(node.value);
    default:
      return `${node.fn}(${node.args.map(formatExpression).join(", ")})`;
  }
}

/** One step of an expression in evaluation order; operands are inputs, scalars, constants or earlier steps. */
export interface Step {
  readonly fn: Intrinsic;
  readonly args: readonly Operation[];
  /** Dtype the operands share (a select's condition aside). */
  readonly operandType: DType;
  readonly type: DType;
}

export type Operation =
  | { readonly kind: "input" | "scalar" | "step"; readonly index: number; readonly type: DType }
  | { readonly kind: "constant"; readonly value: number; readonly type: DType };

/** Expressions flattened for given input dtypes: each distinct subexpression once, operands before users. */
export interface Program {
  readonly steps: readonly Step[];
  /** One for each expression. */
  readonly results: readonly Operation[];
  /** The dtype that each scalar is used with. */
  readonly scalars: readonly DType[];
}

let functions = 0;
const known = new WeakMap<Expression, Map<string, MapFunction>>();

/** An elementwise function: an expression, how many inputs and scalars it takes, and what it does to dtypes. */
export class MapFunction {
  /** Small and dense: an index into a backend's own table of compiled kernels. */
  readonly uid = functions++;
  #programs = new Map<string, Program>();
  /** What was asked for last: a function is mostly used with one dtype. */
  #last: { readonly dtypes: readonly DType[]; readonly program: Program } | null = null;

  private constructor(
    readonly expression: Expression,
    readonly inputs: number,
    readonly scalars: number,
  ) {}

  static of(expression: Expression, inputs: number, scalars: number): MapFunction {
    let forms = known.get(expression);
    if (!forms) {
      forms = new Map();
      known.set(expression, forms);
    }
    const key = `${inputs},${scalars}`;
    let fn = forms.get(key);
    if (!fn) {
      fn = new MapFunction(expression, inputs, scalars);
      forms.set(key, fn);
    }
    return fn;
  }

  /**
   * The function flattened and typed.
   * @param op named in errors
   * @param operands tensors or views, of which only the dtypes count
   * @throws DTypeError when operands differ in dtype or an intrinsic does not take it
   */
  program(op: string, operands: readonly { readonly dtype: DType }[]): Program {
    const last = this.#last;
    if (last !== null) {
      let same = true;
      for (let i = 0; i < operands.length; i++) if (operands[i]!.dtype !== last.dtypes[i]) same = false;
      if (same) return last.program;
    }
    const dtypes = operands.map(({ dtype }) => dtype);
    const program = this.#programFor(op, dtypes);
    this.#last = { dtypes, program };
    return program;
  }

  #programFor(op: string, dtypes: readonly DType[]): Program {
    const key = dtypes.join();
    let program = this.#programs.get(key);
    if (!program) {
      program = flatten(op, [this.expression], dtypes);
      this.#programs.set(key, program);
    }
    return program;
  }
}

/**
 * Expressions over the same inputs as one program.
 * @param dtypes of the inputs
 * @throws DTypeError when operands differ in dtype or an intrinsic does not take it
 */
export function flatten(op: string, roots: readonly Expression[], dtypes: readonly DType[]): Program {
  const types = typesOf(op, roots, dtypes);
  const steps: Step[] = [];
  const done = new Map<Expression, Operation>();
  const fallback = dtypes.find((dtype) => dtype !== "bool") ?? "float32";
  const visit = (node: Expression, wanted: DType): Operation => {
    if (node.kind === "constant") return { kind: "constant", value: node.value, type: wanted };
    if (node.kind !== "call") return { kind: node.kind, index: node.index, type: types.get(node) ?? wanted };
    let operation = done.get(node);
    if (!operation) {
      const { kind } = INTRINSICS[node.fn];
      const values = kind === "select" ? node.args.slice(1) : node.args;
      // numbers alone that are compared are numbers still, though the comparison's user wants a bool
      const untyped = kind === "compare" || kind === "test" ? fallback : wanted;
      const operandType = values.map((arg) => types.get(arg)).find((type) => type !== undefined) ?? untyped;
      if (kind === "float" || kind === "test") expectFloats(op, operandType);
      const args = node.args.map((arg, i) => visit(arg, kind === "select" && i === 0 ? "bool" : operandType));
      const type = types.get(node) ?? wanted;
      steps.push({ fn: node.fn, args, operandType, type });
      operation = { kind: "step", index: steps.length - 1, type };
      done.set(node, operation);
    }
    return operation;
  };
  const results = roots.map((root) => visit(root, types.get(root) ?? fallback));
  const scalars: DType[] = [];
  for (const operation of [...steps.flatMap((step) => step.args), ...results]) {
    if (operation.kind === "scalar") scalars[operation.index] = operation.type;
  }
  return { steps, results, scalars };
}

/** Dtype of every node; nodes made of scalars and constants alone have none and take their user's. */
function typesOf(
  op: string,
  roots: readonly Expression[],
  dtypes: readonly DType[],
): Map<Expression, DType | undefined> {
  const types = new Map<Expression, DType | undefined>();
  const visit = (node: Expression): DType | undefined => {
    if (node.kind === "input") types.set(node, dtypes[node.index]!);
    if (node.kind !== "call") return types.get(node);
    if (!types.has(node)) types.set(node, typeOfCall(op, node.fn, node.args.map(visit)));
    return types.get(node);
  };
  roots.forEach(visit);
  return types;
}

function refuse(op: string, expected: string, received: string, remedy: string): never {
  throw new DTypeError({ op, argument: "operands", expected, received, remedy });
}

function expectFloats(op: string, dtype: DType): void {
  if (dtype !== "float32" && dtype !== "float64") {
    refuse(op, "float32 or float64", dtype, 'Cast first: cast(x, "float32").');
  }
}

function typeOfCall(op: string, fn: Intrinsic, args: readonly (DType | undefined)[]): DType | undefined {
  const { kind } = INTRINSICS[fn];
  const values = kind === "select" ? args.slice(1) : args;
  const present = values.filter((type) => type !== undefined);
  const common = present[0];
  const other = present.find((type) => type !== common);
  if (other) {
    refuse(op, "one dtype", `${common} and ${other}`, "Tensors are never promoted silently; cast one of them.");
  }
  switch (kind) {
    case "float":
    case "test":
      if (common) expectFloats(op, common);
      return kind === "test" ? "bool" : common;
    case "number":
      if (common === "bool" || common === "uint8") {
        refuse(op, "float32, float64 or int32", common, 'Cast first: cast(x, "int32").');
      }
      return common;
    case "compare":
      return "bool";
    case "logic":
      if (common && common !== "bool") refuse(op, "bool", common, "Compare first, e.g. notEqual(x, 0).");
      return "bool";
    case "select":
      if (args[0] && args[0] !== "bool") refuse(op, "a bool condition", args[0], "Compare first, e.g. notEqual(x, 0).");
      return common;
  }
}
