/**
 * The text of every intrinsic, over operands that are names or literals. Results equal those of float32 arithmetic in both
 * modes: `%` and `Math.round` are written out, as gpu.js gives them other meanings, and erf is no function of Math.
 */
import type { Intrinsic } from "@neurite/core";

/** An expression, and statements that it needs before it; `name` makes their variables unique. */
export interface Text {
  readonly before?: string;
  readonly value: string;
}

type Render = (name: string, x: string, y: string, z: string) => Text;

const expression =
  (render: (x: string, y: string, z: string) => string): Render =>
  (_name, x, y, z) => ({ value: render(x, y, z) });
const math = (fn: string): Render => expression((x, y) => `Math.${fn}(${y ? `${x}, ${y}` : x})`);
const operator = (sign: string): Render => expression((x, y) => `${x} ${sign} ${y}`);
const test = (condition: (x: string, y: string) => string): Render =>
  expression((x, y) => `${condition(x, y)} ? 1 : 0`);
const compare = (sign: string): Render => test((x, y) => `${x} ${sign} ${y}`);

/**
 * Exact remainder by long division with doubled divisors: each subtraction of t ≤ r < 2t is exact. Then the sign of the
 * divisor, as Python has it. (x − x) / y is the right zero, or NaN where the remainder is undefined.
 */
const mod: Render = (name, x, y) => ({
  before: `let ${name}_t = Math.abs(${y});
  let ${name}_r = Math.abs(${x});
  const ${name}_b = Math.abs(${y});
  for (let ${name}_i = 0; ${name}_i < 300; ${name}_i++) {
    if (!(${name}_t * 2 <= ${name}_r)) break;
    ${name}_t = ${name}_t * 2;
  }
  for (let ${name}_j = 0; ${name}_j < 300; ${name}_j++) {
    if (!(${name}_r >= ${name}_b)) break;
    if (${name}_t <= ${name}_r) ${name}_r = ${name}_r - ${name}_t;
    ${name}_t = ${name}_t / 2;
  }
  const ${name}_z = (${x} - ${x}) / ${y};
  const ${name}_m = ${x} < 0 ? -${name}_r : ${name}_r;
  const ${name}_s = (${name}_m < 0 && ${y} > 0) || (${name}_m > 0 && ${y} < 0) ? ${name}_m + ${y} : ${name}_m;`,
  value: `${name}_z !== ${name}_z || ${name}_m === 0 ? ${name}_z : ${name}_s`,
});

/** A product; 0 instead of NaN where the error x is 0, or the slope y is and the error infinite. */
const weigh: Render = (name, x, y) => ({
  before: `const ${name}_p = ${x} * ${y};
  const ${name}_o = ${x} === 0 ? 1 : ${y} === 0 ? (${x} === ${x} ? 1 : 0) : 0;`,
  value: `${name}_o === 1 ? (${name}_p === ${name}_p ? ${name}_p : 0) : ${name}_p`,
});

/** Halves to even; x · 0 keeps the sign of a zero. */
const round: Render = (name, x) => ({
  before: `const ${name}_f = Math.floor(${x});
  const ${name}_d = ${x} - ${name}_f;
  const ${name}_e = Math.floor(${name}_f / 2) * 2 === ${name}_f ? ${name}_f : ${name}_f + 1;
  const ${name}_r = ${name}_d < 0.5 ? ${name}_f : ${name}_d > 0.5 ? ${name}_f + 1 : ${name}_e;`,
  value: `${name}_r === 0 ? ${x} * 0 : ${name}_r`,
});

/** Terms of 2/√π · Σ (−1)ⁿ x²ⁿ / (n! (2n + 1)): enough for |x| < 1. */
function erfSeries(square: string): string {
  let text = "";
  let factorial = 1;
  const terms: number[] = [];
  for (let n = 0; n < 11; n++) {
    if (n > 0) factorial *= -n;
    terms.push(2 / Math.sqrt(Math.PI) / (factorial * (2 * n + 1)));
  }
  for (const term of terms.reverse()) text = text ? `(${literal(term)} + ${square} * ${text})` : literal(term);
  return text;
}

/**
 * Near 0 the power series, beyond 1 the formula 7.1.26 of Abramowitz and Stegun, Handbook of Mathematical Functions: its
 * error of 1.5e-7 is relative there. Together below 5e-7.
 */
const erf: Render = (name, x) => ({
  before: `const ${name}_z = ${x} * ${x};
  const ${name}_a = Math.abs(${x});
  const ${name}_s = ${x} * ${erfSeries(`${name}_z`)};
  const ${name}_t = 1 / (1 + 0.3275911 * ${name}_a);
  const ${name}_p = ${name}_t * (0.254829592 + ${name}_t * (-0.284496736 + ${name}_t * (1.421413741 + ${name}_t * (-1.453152027 + ${name}_t * 1.061405429))));
  const ${name}_l = 1 - ${name}_p * Math.exp(-${name}_z);`,
  value: `${name}_a < 1 ? ${name}_s : ${x} < 0 ? -${name}_l : ${name}_l`,
});

const INTRINSICS: Record<Intrinsic, Render> = {
  add: operator("+"),
  sub: operator("-"),
  mul: operator("*"),
  weigh,
  div: operator("/"),
  neg: expression((x) => `-${x}`),
  abs: math("abs"),
  sign: math("sign"),
  max: math("max"),
  min: math("min"),
  mod,
  pow: math("pow"),
  exp: math("exp"),
  expm1: math("expm1"),
  log: math("log"),
  log1p: math("log1p"),
  sqrt: math("sqrt"),
  sin: math("sin"),
  cos: math("cos"),
  tanh: math("tanh"),
  sigmoid: expression((x) => `1 / (1 + Math.exp(-${x}))`),
  erf,
  floor: math("floor"),
  ceil: math("ceil"),
  round,
  lt: compare("<"),
  le: compare("<="),
  gt: compare(">"),
  ge: compare(">="),
  eq: compare("==="),
  ne: compare("!=="),
  and: operator("*"),
  or: math("max"),
  not: expression((x) => `1 - ${x}`),
  isNaN: test((x) => `${x} !== ${x}`),
  isFinite: test((x) => `${x} - ${x} === 0`),
  select: expression((x, y, z) => `${x} !== 0 ? ${y} : ${z}`),
};

export function render(fn: Intrinsic, name: string, args: readonly string[]): Text {
  return INTRINSICS[fn](name, args[0], args[1] ?? "", args[2] ?? "");
}

/** A finite float32 number as text; parentheses keep a sign apart from an operator before it. */
export function literal(value: number): string {
  const text = String(Math.fround(value));
  return text.startsWith("-") ? `(${text})` : text;
}
