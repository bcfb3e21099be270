/**
 * The table of elementwise ops. A row is a name and an expression; the derivative follows from the expression, unless
 * the row gives a shorter or safer one. Adding a row here and a case file in `conformance` adds the op to every backend.
 */
import { binary, comparison, ternary, unary } from "../elementwise.js";
import { e } from "../expression.js";

// ---- arithmetic

/** a + b. */
export const add = /* @__PURE__ */ binary("add", e.add);
/** a − b. */
export const sub = /* @__PURE__ */ binary("sub", e.sub);
/** a ⊙ b. */
export const mul = /* @__PURE__ */ binary("mul", e.mul);
/** a / b, for floats. */
export const div = /* @__PURE__ */ binary("div", e.div);
/** Remainder with the sign of the divisor. */
export const mod = /* @__PURE__ */ binary("mod", e.mod);
/** a to the power b. */
export const pow = /* @__PURE__ */ binary("pow", e.pow);
/** The larger of a and b; NaN if either is NaN. A tie shares the gradient. */
export const maximum = /* @__PURE__ */ binary("maximum", e.max);
/** The smaller of a and b; NaN if either is NaN. A tie shares the gradient. */
export const minimum = /* @__PURE__ */ binary("minimum", e.min);
/** −x. */
export const neg = /* @__PURE__ */ unary("neg", e.neg);
/** |x|; gradient 0 at 0. */
export const abs = /* @__PURE__ */ unary("abs", e.abs);
/** −1, 0 or 1. */
export const sign = /* @__PURE__ */ unary("sign", e.sign);
/** x². */
export const square = /* @__PURE__ */ unary("square", (x) => e.mul(x, x));
/** 1 / x. */
export const reciprocal = /* @__PURE__ */ unary("reciprocal", (x) => e.div(1, x));

// ---- powers, exponentials, logarithms

/** √x. */
export const sqrt = /* @__PURE__ */ unary("sqrt", e.sqrt);
/** 1 / √x. */
export const rsqrt = /* @__PURE__ */ unary("rsqrt", (x) => e.div(1, e.sqrt(x)));
/** eˣ. */
export const exp = /* @__PURE__ */ unary("exp", e.exp);
/** eˣ − 1, exact near 0. */
export const expm1 = /* @__PURE__ */ unary("expm1", e.expm1);
/** Natural logarithm. */
export const log = /* @__PURE__ */ unary("log", e.log);
/** ln(1 + x), exact near 0. */
export const log1p = /* @__PURE__ */ unary("log1p", e.log1p);
/** Gauss error function. */
export const erf = /* @__PURE__ */ unary("erf", e.erf);

// ---- trigonometry and rounding

export const sin = /* @__PURE__ */ unary("sin", e.sin);
export const cos = /* @__PURE__ */ unary("cos", e.cos);
export const tan = /* @__PURE__ */ unary(
  "tan",
  (x) => e.div(e.sin(x), e.cos(x)),
  (_, y) => [e.add(1, e.mul(y!, y!))],
);
/** Largest integer ≤ x; gradient 0. */
export const floor = /* @__PURE__ */ unary("floor", e.floor);
/** Smallest integer ≥ x; gradient 0. */
export const ceil = /* @__PURE__ */ unary("ceil", e.ceil);
/** Nearest integer, halves to even; gradient 0. */
export const round = /* @__PURE__ */ unary("round", e.round);

// ---- activations

/** (eˣ − e⁻ˣ)/(eˣ + e⁻ˣ). */
export const tanh = /* @__PURE__ */ unary("tanh", e.tanh);
/** 1/(1 + e⁻ˣ). */
export const sigmoid = /* @__PURE__ */ unary("sigmoid", e.sigmoid);
/** max(0, x); gradient 0 at 0. NaN stays NaN, and lets the error through, as in PyTorch. */
export const relu = /* @__PURE__ */ unary(
  "relu",
  (x) => e.max(x, 0),
  (_, y) => [e.select(e.le(y!, 0), 0, 1)],
);
/** x for x > 0, else slope·x; use slope 0.01 for PyTorch's default. */
export const leakyRelu = /* @__PURE__ */ binary("leakyRelu", (x, slope) => e.select(e.gt(x, 0), x, e.mul(x, slope)));
/** x for x > 0, else α(eˣ − 1) (Clevert et al. 2015). */
export const elu = /* @__PURE__ */ binary("elu", (x, alpha) => e.select(e.gt(x, 0), x, e.mul(alpha, e.expm1(x))));
const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;
/** Scaled ELU whose fixed point has mean 0 and variance 1 (Klambauer et al. 2017). */
export const selu = /* @__PURE__ */ unary("selu", (x) =>
  e.select(e.gt(x, 0), e.mul(SELU_SCALE, x), e.mul(SELU_SCALE * SELU_ALPHA, e.expm1(x))),
);
// A share of x is a `weigh`: it is 0 where the share is, even of −∞.

/** x·Φ(x) with the exact normal distribution function (Hendrycks & Gimpel 2016); 0 at −∞. */
export const gelu = /* @__PURE__ */ unary("gelu", (x) =>
  e.weigh(e.mul(0.5, e.add(1, e.erf(e.mul(x, Math.SQRT1_2)))), x),
);
/** GELU by the paper's tanh approximation. */
export const geluTanh = /* @__PURE__ */ unary("geluTanh", (x) => {
  const reach = e.mul(Math.sqrt(2 / Math.PI), e.add(x, e.mul(0.044715, e.mul(x, e.mul(x, x)))));
  return e.weigh(e.mul(0.5, e.add(1, e.tanh(reach))), x);
});
/** x·σ(x), also called swish; 0 at −∞. */
export const silu = /* @__PURE__ */ unary("silu", (x) => e.weigh(e.sigmoid(x), x));
/** ln(1 + eˣ), without overflow. */
export const softplus = /* @__PURE__ */ unary(
  "softplus",
  (x) => e.add(e.max(x, 0), e.log1p(e.exp(e.neg(e.abs(x))))),
  (x) => [e.sigmoid(x!)],
);

// ---- comparison and logic (results are bool and carry no gradient)

export const equal = /* @__PURE__ */ comparison("eq");
export const notEqual = /* @__PURE__ */ comparison("ne");
export const less = /* @__PURE__ */ comparison("lt");
export const lessEqual = /* @__PURE__ */ comparison("le");
export const greater = /* @__PURE__ */ comparison("gt");
export const greaterEqual = /* @__PURE__ */ comparison("ge");
export const logicalAnd = /* @__PURE__ */ binary("logicalAnd", e.and);
export const logicalOr = /* @__PURE__ */ binary("logicalOr", e.or);
export const logicalNot = /* @__PURE__ */ unary("logicalNot", e.not);
export const isNaN = /* @__PURE__ */ unary("isNaN", e.isNaN);
export const isFinite = /* @__PURE__ */ unary("isFinite", e.isFinite);

// ---- choice

/** `a` where `condition` (bool) holds, else `b`. The branch not taken gets gradient 0, even where it is ∞ or NaN. */
export const where = /* @__PURE__ */ ternary("where", (condition, a, b) => e.select(condition, a, b));
/** x kept within [low, high], high where these cross; gradient 1 within and at the ends, else 0. */
export const clamp = /* @__PURE__ */ ternary(
  "clamp",
  (x, low, high) => e.min(e.max(x, low), high),
  (x, low, high) => [
    e.select(e.and(e.ge(x!, low!), e.le(x!, high!)), 1, 0),
    e.select(e.and(e.lt(x!, low!), e.lt(low!, high!)), 1, 0),
    e.select(e.or(e.gt(x!, high!), e.lt(high!, low!)), 1, 0),
  ],
);
