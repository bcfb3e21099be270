/**
 * One loop per intrinsic: `o[p…] = f(a[i…], b[j…], c[k…])` for `n` elements, each operand with its own step, so that
 * scalars (step 0) and strided views need no copy. They stay separate functions because V8 then sees one operation per
 * loop; several array kinds passing through cost it little (add: 2.2 ns an element mixed, 2.0 with float32 only).
 * Unrolling by four gains 10 to 25 % on the shortest of them, not worth four times the text.
 * The array stored into does the rounding (float32) and the wrapping (int32).
 */
import type { DType, Intrinsic, TypedArray } from "@neurite/core";
import { erf } from "./erf.js";
import { exp32, POWERS } from "./exp.js";

export type Loop = (
  o: TypedArray,
  p: number,
  n: number,
  a: TypedArray,
  i: number,
  s: number,
  b: TypedArray,
  j: number,
  t: number,
  c: TypedArray,
  k: number,
  u: number,
) => void;

const add: Loop = (o, p, n, a, i, s, b, j, t) => {
  for (const end = p + n; p < end; p++, i += s, j += t) o[p] = a[i] + b[j];
};
const sub: Loop = (o, p, n, a, i, s, b, j, t) => {
  for (const end = p + n; p < end; p++, i += s, j += t) o[p] = a[i] - b[j];
};
const mul: Loop = (o, p, n, a, i, s, b, j, t) => {
  for (const end = p + n; p < end; p++, i += s, j += t) o[p] = a[i] * b[j];
};
/** A product; 0 instead of NaN where the error is 0, or the slope is and the error infinite. */
const weigh: Loop = (o, p, n, a, i, s, b, j, t) => {
  for (const end = p + n; p < end; p++, i += s, j += t) {
    const error = a[i];
    const slope = b[j];
    const product = error * slope;
    o[p] = product !== product && (error === 0 || (slope === 0 && error === error)) ? 0 : product;
  }
};
/** A product of two int32 can pass 2⁵³, where a double would lose the low bits that wrapping keeps. */
const intMul: Loop = (o, p, n, a, i, s, b, j, t) => {
  for (const end = p + n; p < end; p++, i += s, j += t) o[p] = Math.imul(a[i], b[j]);
};
const div: Loop = (o, p, n, a, i, s, b, j, t) => {
  for (const end = p + n; p < end; p++, i += s, j += t) o[p] = a[i] / b[j];
};
/** As Python defines it: the result has the sign of the divisor, a zero too. */
const mod: Loop = (o, p, n, a, i, s, b, j, t) => {
  for (const end = p + n; p < end; p++, i += s, j += t) {
    const divisor = b[j];
    const rest = a[i] % divisor;
    o[p] = rest === 0 ? (divisor < 0 ? -0 : 0) : rest < 0 !== divisor < 0 ? rest + divisor : rest;
  }
};
const pow: Loop = (o, p, n, a, i, s, b, j, t) => {
  for (const end = p + n; p < end; p++, i += s, j += t) o[p] = a[i] ** b[j];
};
/**
 * Choices between numbers go through memory: V8 turns a conditional value into a jump, which data of random sign
 * mispredict (relu: 8.0 → 2.5 ns an element). `pick[Number(test)]` is no jump; zeros of either sign and NaN, which are
 * rare, are left to Math.
 */
const PAIR = new Float64Array(2);
const max: Loop = (o, p, n, a, i, s, b, j, t) => {
  const pick = PAIR;
  for (const end = p + n; p < end; p++, i += s, j += t) {
    const x = a[i];
    const y = b[j];
    pick[0] = y;
    pick[1] = x;
    o[p] = x !== y && y === y ? pick[Number(!(x <= y))] : Math.max(x, y);
  }
};
const min: Loop = (o, p, n, a, i, s, b, j, t) => {
  const pick = PAIR;
  for (const end = p + n; p < end; p++, i += s, j += t) {
    const x = a[i];
    const y = b[j];
    pick[0] = y;
    pick[1] = x;
    o[p] = x !== y && y === y ? pick[Number(!(x >= y))] : Math.min(x, y);
  }
};

const neg: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) o[p] = -a[i];
};
const abs: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) o[p] = Math.abs(a[i]);
};
const sign: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) o[p] = Math.sign(a[i]);
};
const exp: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) o[p] = Math.exp(a[i]);
};
const exp32Loop: Loop = (o, p, n, a, i, s) => {
  const powers = POWERS;
  for (const end = p + n; p < end; p++, i += s) o[p] = exp32(a[i], powers);
};
const expm1: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) o[p] = Math.expm1(a[i]);
};
const log: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) o[p] = Math.log(a[i]);
};
const log1p: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) o[p] = Math.log1p(a[i]);
};
const sqrt: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) o[p] = Math.sqrt(a[i]);
};
const sin: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) o[p] = Math.sin(a[i]);
};
const cos: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) o[p] = Math.cos(a[i]);
};
const tanh: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) o[p] = Math.tanh(a[i]);
};
/** Near 0 the difference cancels, but there x itself is right to x²/3. */
const tanh32: Loop = (o, p, n, a, i, s) => {
  const powers = POWERS;
  for (const end = p + n; p < end; p++, i += s) {
    const x = a[i];
    o[p] = x * x < 1e-8 ? x : 1 - 2 / (exp32(2 * x, powers) + 1);
  }
};
const sigmoid: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) o[p] = 1 / (1 + Math.exp(-a[i]));
};
const sigmoid32: Loop = (o, p, n, a, i, s) => {
  const powers = POWERS;
  for (const end = p + n; p < end; p++, i += s) o[p] = 1 / (1 + exp32(-a[i], powers));
};
const erfLoop: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) o[p] = erf(a[i]);
};
const floor: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) o[p] = Math.floor(a[i]);
};
const ceil: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) o[p] = Math.ceil(a[i]);
};
/** Adding 2⁵² leaves no room for a fraction, and the addition itself rounds halves to even. `x · 0` keeps the sign of zero. */
const round: Loop = (o, p, n, a, i, s) => {
  const rounder = 4503599627370496;
  for (const end = p + n; p < end; p++, i += s) {
    const x = a[i];
    if (Math.abs(x) < rounder) {
      const r = x < 0 ? x - rounder + rounder : x + rounder - rounder;
      o[p] = r === 0 ? x * 0 : r;
    } else o[p] = x;
  }
};

const lt: Loop = (o, p, n, a, i, s, b, j, t) => {
  for (const end = p + n; p < end; p++, i += s, j += t) o[p] = Number(a[i] < b[j]);
};
const le: Loop = (o, p, n, a, i, s, b, j, t) => {
  for (const end = p + n; p < end; p++, i += s, j += t) o[p] = Number(a[i] <= b[j]);
};
const gt: Loop = (o, p, n, a, i, s, b, j, t) => {
  for (const end = p + n; p < end; p++, i += s, j += t) o[p] = Number(a[i] > b[j]);
};
const ge: Loop = (o, p, n, a, i, s, b, j, t) => {
  for (const end = p + n; p < end; p++, i += s, j += t) o[p] = Number(a[i] >= b[j]);
};
const eq: Loop = (o, p, n, a, i, s, b, j, t) => {
  for (const end = p + n; p < end; p++, i += s, j += t) o[p] = Number(a[i] === b[j]);
};
const ne: Loop = (o, p, n, a, i, s, b, j, t) => {
  for (const end = p + n; p < end; p++, i += s, j += t) o[p] = Number(a[i] !== b[j]);
};
const and: Loop = (o, p, n, a, i, s, b, j, t) => {
  for (const end = p + n; p < end; p++, i += s, j += t) o[p] = a[i] & b[j];
};
const or: Loop = (o, p, n, a, i, s, b, j, t) => {
  for (const end = p + n; p < end; p++, i += s, j += t) o[p] = a[i] | b[j];
};
const not: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) o[p] = a[i] ^ 1;
};
const isNaN: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) {
    const x = a[i];
    o[p] = x !== x ? 1 : 0;
  }
};
/** ∞ − ∞ and NaN − NaN are NaN. */
const isFinite: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) {
    const x = a[i];
    o[p] = x - x === 0 ? 1 : 0;
  }
};
const select: Loop = (o, p, n, a, i, s, b, j, t, c, k, u) => {
  const pick = PAIR;
  for (const end = p + n; p < end; p++, i += s, j += t, k += u) {
    pick[0] = c[k];
    pick[1] = b[j];
    o[p] = pick[Number(a[i] !== 0)];
  }
};

/** For programs whose result is an input or a scalar. */
export const same: Loop = (o, p, n, a, i, s) => {
  for (const end = p + n; p < end; p++, i += s) o[p] = a[i];
};

// biome-ignore format: a table
const LOOPS: Record<Intrinsic, Loop> = {
  add, sub, mul, weigh, neg, abs, sign, max, min, div, mod, pow, exp, expm1, log, log1p, sqrt, sin, cos, tanh, sigmoid,
  erf: erfLoop,
  floor, ceil, round, lt, le, gt, ge, eq, ne, and, or, not, isNaN, isFinite, select,
};

/** Loops that know the dtype of their operands. */
const SPECIAL: Partial<Record<DType, Partial<Record<Intrinsic, Loop>>>> = {
  float32: { exp: exp32Loop, tanh: tanh32, sigmoid: sigmoid32 },
  int32: { mul: intMul },
};

/** The loop of an intrinsic for operands of a dtype. */
export function loopFor(fn: Intrinsic, dtype: DType): Loop {
  return SPECIAL[dtype]?.[fn] ?? LOOPS[fn];
}
