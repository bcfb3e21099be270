/**
 * sin, cos, pow and mod of four float32 at a time by way of float64, two at a time: what is rounded in between does not show.
 * The polynomials are best ones in the sense of Chebyshev. What few arguments need is left to the functions of
 * `scalar-math.ts`, one lane after the other.
 */

import { Doubles, type Pair, SHIFT } from "./doubles.js";
import { type F64, f32x4, f64x2, i32, i32x4, i64x2, type V128, v128 } from "./emitter/code.js";
import type { FunctionBuilder, Local } from "./emitter/function.js";
import { callFunction } from "./emitter/module.js";
import type { Features } from "./vector-math.js";

/** Numbers of the functions in the module that take the lanes which the vectors cannot. */
export interface ScalarFunctions {
  /** See `defineQuarters`. */
  readonly quarters?: number;
  /** See `defineRemainder`. */
  readonly remainder?: number;
}

/** Sines of larger numbers take a longer way: n·PI_2[0] is exact below. */
const MOST_TURNS = 1e6;
/** π/2 in two parts, the first of 33 bits. */
const PI_2 = [1.5707963267341256, 6.077100506506192e-11] as const;
/** (sin r / r − 1)/r² and (cos r − 1 + r²/2)/r⁴ by powers of r², |r| ≤ π/4, within 2⁻³⁵. */
const SIN = [-0.166666666639, 0.00833333187384, -0.000198400862638, 2.724986465515e-6];
const COS = [0.0416666666643, -0.00138888876713, 2.480059998351e-5, -2.73009081687e-7];
/** log₂((1 + s)/(1 − s))/s by powers of s², for results of |s| up to (√2 − 1)/(√2 + 1), within 2⁻³⁷. */
const LOG2 = [2.88539008179, 0.961796673435, 0.577083569403, 0.411673550541, 0.340716231969];
/** 2ʳ for |r| ≤ ½, within 2⁻²⁹. */
const EXP2 = [
  1, 0.693147206719, 0.240226509224, 0.0555032719316, 0.00961805664952, 0.00134004415802, 0.000154614563013,
];
/** Quotients from here on do not leave room for an exact product in 53 bits. */
const MOST_QUOTIENT = 2 ** 29;

/** x = n·π/2 + r with |r| ≤ π/4. */
interface Turn {
  /** n in the lowest bits. */
  readonly shifted: Pair;
  /** sin r */
  readonly sines: Pair;
  /** cos r */
  readonly cosines: Pair;
}

/** Writes these functions into one function body. */
export class DoubleMath extends Doubles {
  /** Of numbers whose sine or cosine was asked for: a tangent needs both. */
  readonly #turns = new Map<V128, Turn>();

  constructor(
    f: FunctionBuilder,
    features: Features,
    readonly scalar: ScalarFunctions,
  ) {
    super(f, features);
  }

  /** Sets the lanes that `where` names, of each of the pairs, to what a function makes of the lane's number. */
  #replaceLanes(where: Local<"v128">, pairs: readonly Pair[], make: (lane: number, pair: number) => F64): void {
    const { f } = this;
    f.if(v128.anyTrue(where), () => {
      for (let lane = 0; lane < 4; lane++) {
        f.if(i32x4.extract(where, lane), () => {
          for (const [i, pair] of pairs.entries()) {
            const half = pair[lane < 2 ? 0 : 1];
            f.set(half, f64x2.replace(half, lane & 1, make(lane, i)));
          }
        });
      }
    });
  }

  sin(x: V128): V128 {
    return this.#sine(x, 0);
  }

  cos(x: V128): V128 {
    return this.#sine(x, 1);
  }

  /** sin(x + quarters·π/2); at most 0.51 ULP, however large x is. NaN for ±∞, −0 for the sine of −0. */
  #sine(x: V128, quarters: 0 | 1): V128 {
    const turn = this.#turns.get(x) ?? this.#turn(x);
    this.#turns.set(x, turn);
    const { shifted, sines, cosines } = turn;
    const [low, high] = this.both((h) => {
      const count = quarters === 0 ? shifted[h] : this.f.keep(i64x2.add(shifted[h], this.bits(1n)));
      const isOdd = i64x2.sub(this.bits(0n), v128.and(count, this.bits(1n)));
      const sign = v128.and(i64x2.shl(count, 62), this.const(-0));
      return v128.xor(v128.bitselect(cosines[h], sines[h], isOdd), sign);
    });
    return this.joined(low, high);
  }

  #turn(given: V128): Turn {
    const { f } = this;
    const x = f.keep(given);
    const wide = [this.half(x, 0), this.half(x, 1)] as const;
    const shifted = this.both((h) => this.madd(wide[h], this.const(2 / Math.PI), this.const(SHIFT)));
    const n = this.both((h) => f64x2.sub(shifted[h], this.const(SHIFT)));
    const first = this.both((h) => this.madd(n[h], this.const(-PI_2[0]), wide[h]));
    const r = this.both((h) => this.madd(n[h], this.const(-PI_2[1]), first[h]));
    const size = f.keep(f32x4.abs(x));
    const isFinite = f32x4.lt(size, f.vector(Number.POSITIVE_INFINITY));
    const isLarge = f.keep(v128.and(f32x4.gt(size, f.vector(MOST_TURNS)), isFinite));
    this.#replaceLanes(isLarge, [shifted, r], (lane, part) =>
      callFunction("f64", this.scalar.quarters!, f32x4.extract(x, lane), i32.const(part)),
    );
    const square = this.both((h) => f64x2.mul(r[h], r[h]));
    const [sine, cosine] = [SIN, COS].map((series) => this.polynomials(square, series)) as [Pair, Pair];
    // as factors of r, so that −0 stays
    const sines = this.both((h) => f64x2.mul(r[h], this.madd(sine[h], square[h], this.const(1))));
    const cosines = this.both((h) => {
      const tail = this.madd(cosine[h], square[h], this.const(-0.5));
      return this.madd(tail, square[h], this.const(1));
    });
    return { shifted, sines, cosines };
  }

  /** a − b·⌊a/b⌋, exact; its sign, that of a zero too, is the divisor's. NaN for a divisor of 0 or an infinite dividend. */
  mod(dividend: V128, divisor: V128): V128 {
    const { f } = this;
    const [a, b] = [f.keep(dividend), f.keep(divisor)];
    const halves = [0, 1].map((half) => ({ a: this.half(a, half), b: this.half(b, half), rest: f.variable("v128") }));
    const large: V128[] = [];
    for (const { a: x, b: y, rest } of halves) {
      const quotient = f.keep(f64x2.div(x, y));
      const q = f.keep(f64x2.trunc(quotient));
      // not fused: an infinite product of 0 must stay NaN, and both steps are exact
      f.set(rest, f64x2.sub(x, f64x2.mul(q, y)));
      // a quotient just below an integer was rounded up to it
      const isBeyond = f64x2.lt(f64x2.mul(rest, x), this.const(0));
      const back = v128.bitselect(x, f64x2.abs(y), this.const(-0));
      f.set(rest, f64x2.add(rest, v128.and(back, isBeyond)));
      f.set(rest, v128.bitselect(x, rest, f64x2.lt(f64x2.abs(x), f64x2.abs(y))));
      const size = f.keep(f64x2.abs(q));
      const isFinite = f64x2.lt(size, this.const(Number.POSITIVE_INFINITY));
      large.push(v128.and(f64x2.ge(size, this.const(MOST_QUOTIENT)), isFinite));
    }
    const isLarge = f.keep(v128.shuffle32(large[0]!, large[1]!, [0, 2, 4, 6]));
    this.#replaceLanes(isLarge, [[halves[0]!.rest, halves[1]!.rest]], (lane) =>
      callFunction("f64", this.scalar.remainder!, f32x4.extract(a, lane), f32x4.extract(b, lane)),
    );
    const [low, high] = halves.map(({ b: y, rest }) => {
      const zero = this.const(0);
      const differs = v128.xor(f64x2.lt(rest, zero), f64x2.lt(y, zero));
      const signed = f64x2.add(rest, v128.and(y, differs));
      return f.keep(v128.bitselect(v128.and(y, this.const(-0)), signed, f64x2.eq(rest, zero)));
    });
    return this.joined(low!, high!);
  }

  /** a to the power b, with the special values of JavaScript's `**`; at most 0.54 ULP. */
  pow(base: V128, exponent: V128): V128 {
    const { f } = this;
    const [a, b] = [f.keep(base), f.keep(exponent)];
    const infinity = f.vector(Number.POSITIVE_INFINITY);
    const power = f.keep(this.#powerOfSize(f32x4.abs(a), b));
    const isOrdinary = v128.and(f32x4.gt(a, f.vector(0)), f32x4.lt(a, infinity));
    f.if(v128.anyTrue(v128.not(isOrdinary)), () => f.set(power, this.#withSpecials(a, b, power)));
    return power;
  }

  /** The power of a from that of |a|, where a may be 0, negative, infinite or NaN. */
  #withSpecials(a: Local<"v128">, b: Local<"v128">, power: V128): V128 {
    const { f } = this;
    const zero = f.vector(0);
    const infinity = f.vector(Number.POSITIVE_INFINITY);
    const size = f.keep(f32x4.abs(a));
    // 0 and ∞ have no logarithm: to a power they are one of the two
    const isZero = f.keep(f32x4.eq(size, zero));
    const isEnd = v128.and(v128.or(isZero, f32x4.eq(size, infinity)), f32x4.eq(b, b));
    const end = v128.and(infinity, v128.xor(isZero, f32x4.gt(b, zero)));
    const magnitude = v128.bitselect(end, power, isEnd);
    const isInteger = f.keep(f32x4.eq(f32x4.trunc(b), b));
    const half = f.keep(f32x4.mul(b, f.vector(0.5)));
    const isOdd = v128.andnot(isInteger, f32x4.eq(f32x4.trunc(half), half));
    const sign = v128.and(v128.and(a, f.vector(-0)), isOdd);
    const isNegative = v128.and(f32x4.lt(a, zero), f32x4.lt(size, infinity));
    // the bits of a NaN make a number of its logarithm
    const hasNone = v128.or(v128.andnot(isNegative, isInteger), f32x4.ne(a, a));
    const signed = v128.bitselect(f.vector(Number.NaN), v128.or(magnitude, sign), hasNone);
    return v128.bitselect(f.vector(1), signed, f32x4.eq(b, zero));
  }

  /** 2^(b·log₂ a) for 0 < a < ∞, halves side by side: so they share the loads of constants. */
  #powerOfSize(size: V128, b: Local<"v128">): V128 {
    const x = this.f.keep(size);
    const a = [this.half(x, 0), this.half(x, 1)] as const;
    const exponents = [this.half(b, 0), this.half(b, 1)] as const;
    const log = this.#log2(a);
    // beyond ±200 it is 0 or ∞ anyway; NaN stays
    const t = this.both((h) =>
      f64x2.pmax(f64x2.pmin(f64x2.mul(exponents[h], log[h]), this.const(200)), this.const(-200)),
    );
    const shifted = this.both((h) => f64x2.add(t[h], this.const(SHIFT)));
    const r = this.both((h) => f64x2.sub(t[h], f64x2.sub(shifted[h], this.const(SHIFT))));
    const root = this.polynomials(r, EXP2);
    // NaN stays: its lowest bits are 0, since it was a float32
    const [low, high] = this.both((h) => i64x2.add(root[h], i64x2.shl(shifted[h], 52)));
    return this.joined(low, high);
  }

  #log2(a: Pair): Pair {
    const { s, e } = this.ratios(a);
    const squares = this.both((h) => f64x2.mul(s[h], s[h]));
    const series = this.polynomials(squares, LOG2);
    return this.both((h) => this.madd(s[h], series[h], e[h]));
  }
}
