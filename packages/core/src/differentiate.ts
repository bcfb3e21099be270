/** Symbolic derivatives of elementwise expressions: one rule per intrinsic, and the chain rule. */
import { call, constant, type Expression, type Intrinsic } from "./expression.js";

/** Partial derivatives by each argument, from the arguments and the value `y`; null where it is zero everywhere or undefined. */
type Rule = (args: readonly Expression[], y: Expression) => readonly (Expression | null)[];

const zero1: Rule = () => [null];
const zero2: Rule = () => [null, null];

const RULES: Record<Intrinsic, Rule> = {
  add: () => [constant(1), constant(1)],
  sub: () => [constant(1), constant(-1)],
  mul: ([a, b]) => [b!, a!],
  div: ([, b], y) => [call("div", 1, b!), call("neg", call("div", y, b!))],
  // a − b·floor(a / b)
  mod: ([a, b]) => [constant(1), call("neg", call("floor", call("div", a!, b!)))],
  neg: () => [constant(-1)],
  abs: ([a]) => [call("sign", a!)],
  sign: zero1,
  // a tie shares the gradient, as in PyTorch
  max: ([a, b]) => [half("lt", a!, b!), half("lt", b!, a!)],
  min: ([a, b]) => [half("gt", a!, b!), half("gt", b!, a!)],
  pow: ([a, b], y) => [
    // b·a^(b−1), and 0 where b = 0 so that 0·∞ does not arise at a = 0
    call("select", call("eq", b!, 0), 0, call("mul", b!, call("pow", a!, call("sub", b!, 1)))),
    // y·ln a, and 0 where the power is 0, or the base and the exponent are
    call("select", call("eq", y, 0), 0, call("select", both0(a!, b!), 0, call("mul", y, call("log", a!)))),
  ],
  exp: (_, y) => [y],
  expm1: (_, y) => [call("add", y, 1)],
  log: ([a]) => [call("div", 1, a!)],
  log1p: ([a]) => [call("div", 1, call("add", a!, 1))],
  sqrt: (_, y) => [call("div", 0.5, y)],
  sin: ([a]) => [call("cos", a!)],
  cos: ([a]) => [call("neg", call("sin", a!))],
  tanh: (_, y) => [call("sub", 1, call("mul", y, y))],
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
  select: ([condition]) => [null, call("select", condition!, 1, 0), call("select", condition!, 0, 1)],
};

/** Of a choice between a and b by a: nothing where a loses, so that a NaN, which neither wins nor loses, still shows. */
function half(loses: "gt" | "lt", a: Expression, b: Expression): Expression {
  return call("select", call("eq", a, b), 0.5, call("select", call(loses, a, b), 0, 1));
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
    const known = done.get(node);
    if (known !== undefined) return known;
    let sum: Expression | null = null;
    const inner = node.args.map(visit);
    if (inner.some((derivative) => derivative !== null)) {
      const outer = RULES[node.fn](node.args, node === root ? output : node);
      for (let i = 0; i < inner.length; i++) {
        if (inner[i] === null || outer[i] === null) continue;
        const term = call("mul", inner[i]!, outer[i]!);
        sum = sum === null ? term : call("add", sum, term);
      }
    }
    done.set(node, sum);
    return sum;
  };
  return visit(root);
}
