/** Symbolic derivatives of elementwise expressions: one rule per intrinsic, and the chain rule. */
import { call, constant, type Expression, type Intrinsic } from "./expression.js";

type Call = Extract<Expression, { readonly kind: "call" }>;

/** Partial derivatives by each argument, from the arguments and the value `y`; null where it is zero everywhere or undefined. */
type Rule = (args: readonly Expression[], y: Expression) => readonly (Expression | null)[];

const zero1: Rule = () => [null];
const zero2: Rule = () => [null, null];

const RULES: Record<Exclude<Intrinsic, "select" | "weigh">, Rule> = {
  add: () => [constant(1), constant(1)],
  sub: () => [constant(1), constant(-1)],
  mul: ([a, b]) => [b!, a!],
  div: ([, b], y) => [call("div", 1, b!), call("neg", call("div", y, b!))],
  // a − b·⌊a/b⌋, where ⌊a/b⌋ is found from the value: a/b alone may round up to an integer
  mod: ([a, b], y) => [constant(1), call("neg", call("round", call("sub", call("div", a!, b!), call("div", y, b!))))],
  neg: () => [constant(-1)],
  abs: ([a]) => [call("sign", a!)],
  sign: zero1,
  // a tie shares the gradient, as in PyTorch
  max: ([a, b]) => [half("lt", a!, b!), half("lt", b!, a!)],
  min: ([a, b]) => [half("gt", a!, b!), half("gt", b!, a!)],
  pow: ([a, b], y) => [
    slopeByBase(a!, b!, y),
    // y·ln a, and 0 where the power vanishes, or the base and the exponent are 0; NaN for a negative base
    call("select", both0(a!, b!), 0, call("weigh", call("log", a!), y)),
  ],
  exp: (_, y) => [y],
  expm1: ([a]) => [call("exp", a!)],
  log: ([a]) => [call("div", 1, a!)],
  log1p: ([a]) => [call("div", 1, call("add", a!, 1))],
  sqrt: (_, y) => [call("div", 0.5, y)],
  sin: ([a]) => [call("cos", a!)],
  cos: ([a]) => [call("neg", call("sin", a!))],
  tanh: (_, y) => [call("sub", 1, call("mul", y, y))],
  sigmoid: (_, y) => [call("mul", y, call("sub", 1, y))],
  // 2/√π · e^(−a²)
  erf: ([a]) => [call("mul", 2 / Math.sqrt(Math.PI), call("exp", call("neg", call("mul", a!, a!))))],
  floor: zero1,
  ceil: zero1,
  round: zero1,
  lt: zero2,
  le: zero2,
  gt: zero2,
  ge: zero2,
  eq: zero2,
  ne: zero2,
  and: zero2,
  or: zero2,
  not: zero1,
  isNaN: zero1,
  isFinite: zero1,
};

/** Of a choice between a and b by a: nothing where a loses, so that a NaN, which neither wins nor loses, still shows. */
function half(loses: "gt" | "lt", a: Expression, b: Expression): Expression {
  return call("select", call("eq", a, b), 0.5, call("select", call(loses, a, b), 0, 1));
}

/**
 * b·aᵇ⁻¹; 0 where b is 0. Small exponents, with which aᵇ⁻¹ may leave the range though aᵇ does not, and those that float32
 * cannot reduce by 1 take b·y/a.
 */
function slopeByBase(a: Expression, b: Expression, y: Expression): Expression {
  const size = call("abs", b);
  const finite = call("isFinite", a);
  const apart = call("ne", a, 0);
  const small = call("and", call("lt", size, 1), call("and", finite, apart));
  const huge = call("and", call("ge", size, 2 ** 24), call("or", apart, call("lt", b, 0)));
  const quotient = call("div", call("mul", b, y), call("select", finite, a, call("sign", a)));
  const power = call("weigh", call("pow", a, call("sub", b, 1)), b);
  const slope = call("select", call("or", small, huge), quotient, power);
  return call("select", call("eq", b, 0), 0, slope);
}

function both0(a: Expression, b: Expression): Expression {
  return call("eq", call("add", call("abs", a), call("abs", b)), 0);
}

/**
 * The derivative of `root` by `variable` (an input or scalar node), or null when it is zero everywhere.
 * @param output stands for the value of `root`, so that rules such as tanh′ = 1 − y² reuse it instead of computing it again
 */
export function differentiate(root: Expression, variable: Expression, output: Expression = root): Expression | null {
  const done = new Map<Expression, Expression | null>();
  const visit = (node: Expression): Expression | null => {
    if (node === variable) return constant(1);
    if (node.kind !== "call") return null;
    let derivative = done.get(node);
    if (derivative === undefined) {
      const inner = node.args.map(visit);
      derivative = inner.every((slope) => slope === null) ? null : chain(node, inner, node === root ? output : node);
      done.set(node, derivative);
    }
    return derivative;
  };
  return visit(root);
}

/** The derivative of a call from those of its arguments. Products are weighed: of two slopes, 0 and ∞, the 0 decides. */
function chain({ fn, args }: Call, inner: readonly (Expression | null)[], y: Expression): Expression | null {
  switch (fn) {
    case "select":
      return call("select", args[0]!, inner[1] ?? 0, inner[2] ?? 0);
    case "weigh":
      // the error stays in front, so that an error of 0 is one in derivatives of any order
      return sum([inner[0] && call("weigh", inner[0], args[1]!), inner[1] && call("weigh", args[0]!, inner[1])]);
    default: {
      const outer = RULES[fn](args, y);
      return sum(inner.map((slope, i) => slope && outer[i] && call("weigh", outer[i], slope)));
    }
  }
}

function sum(terms: readonly (Expression | null | undefined)[]): Expression | null {
  const present = terms.filter((term) => term != null);
  return present.length === 0 ? null : present.reduce((a, b) => call("add", a, b));
}
