/**
 * Elementary functions on four float32 at a time. The polynomials interpolate at Chebyshev nodes, with
 * as many digits as tell one float32 from the next; the errors stated were
 * measured against float64 over the whole range, in units in the last place (ULP), multiply and add rounded apart.
 */
import { f32x4, i32x4, type V128, v128 } from "./emitter/code.js";
import type { FunctionBuilder, Local } from "./emitter/function.js";

/** What the engine at hand offers. */
export interface Features {
  /** Relaxed SIMD: multiply and add in one instruction. */
  readonly relaxed: boolean;
  /** The engine joins pairs of neighbouring vectors into wider ones. */
  readonly wide: boolean;
  /** Kernels work on one shared memory from several threads. */
  readonly shared: boolean;
}

/** Added to a number of moderate size, leaves no bits for a fraction: the sum is rounded to an integer in its lowest bits. */
const SHIFT = 1.5 * 2 ** 23;

/** Writes elementary functions into one function body. */
export class VectorMath {
  constructor(
    readonly f: FunctionBuilder,
    readonly features: Features,
  ) {}

  /** a·b + c. */
  madd(a: V128, b: V128, c: V128): V128 {
    return this.features.relaxed ? f32x4.relaxedMadd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
  }

  /**
   * c₀ + c₁x + c₂x² + …, in pairs of pairs (Estrin 1960): the processor waits less than for one product after the other
   * (Horner).
   */
  polynomial(x: Local<"v128">, coefficients: readonly number[]): V128 {
    return this.#sumOfPowers(
      x,
      coefficients.map((c) => this.f.vector(c)),
    );
  }

  #sumOfPowers(x: Local<"v128">, terms: readonly V128[]): V128 {
    const { f } = this;
    const pairs: V128[] = [];
    for (let i = 0; i < terms.length; i += 2) {
      const [low, high] = [terms[i]!, terms[i + 1]];
      pairs.push(high ? f.keep(this.madd(high, x, low)) : low);
    }
    return pairs.length === 1 ? pairs[0]! : this.#sumOfPowers(f.keep(f32x4.mul(x, x)), pairs);
  }

  /** eˣ; at most 1.3 ULP, over- and underflow and denormal results as they should be. */
  exp(x: V128): V128 {
    const { n, r } = this.#reduce(x);
    const power = this.f.keep(f32x4.add(this.#expm1Reduced(r), this.f.vector(1)));
    return this.#scale(power, n);
  }

  /** eˣ for x ≤ 0, as fast as it goes: 0 below −126.5 ln 2, where it would leave the normal numbers; else at most 3 ULP, towards −87 5. */
  expNonPositive(x: V128): V128 {
    const { f } = this;
    // for −88 n is −127: the exponent's bits become 0, and with them 2ⁿ
    const { power, r } = this.#splitPower(f.keep(f32x4.pmax(x, f.vector(-88))), true);
    const coefficients = [1, 1, 0.49999229, 0.16667116, 0.04189055, 0.008312478];
    return f32x4.mul(this.polynomial(r, coefficients), power);
  }

  /** 1/(1 + e⁻ˣ), 0 below −87, where it is hardly a normal number; at most 3 ULP. */
  sigmoid(x: V128): V128 {
    const { f } = this;
    const given = f.keep(x);
    const limited = f.keep(f32x4.pmax(f32x4.pmin(f32x4.neg(given), f.vector(87)), f.vector(-87)));
    const { power, r } = this.#splitPower(limited);
    const one = f.vector(1);
    const exp = f32x4.mul(f.keep(f32x4.add(this.#expm1Reduced(r), one)), power);
    return v128.andnot(f32x4.div(one, f32x4.add(one, exp)), f32x4.lt(given, f.vector(-87)));
  }

  /** eˣ − 1; at most 3 ULP, small x included. */
  expm1(x: V128): V128 {
    const { f } = this;
    const kept = f.keep(x);
    // above 1 nothing cancels, and 2ⁿ alone could overflow before 2ⁿ(…) does
    const large = f32x4.sub(this.exp(kept), f.vector(1));
    const { n, r } = this.#reduce(f32x4.pmin(kept, f.vector(1)));
    const power = f.keep(this.#scale(f.vector(1), n));
    const small = this.madd(power, this.#expm1Reduced(r), f32x4.sub(power, f.vector(1)));
    const value = v128.bitselect(large, small, f32x4.gt(kept, f.vector(1)));
    // x itself where it is so small that nothing is added: keeps −0
    return v128.bitselect(kept, value, f32x4.lt(f32x4.abs(kept), f.vector(1e-9)));
  }

  /** x = n·ln 2 + r with |r| ≤ ½ ln 2; n as integers. */
  #reduce(x: V128): { n: V128; r: Local<"v128"> } {
    const { f } = this;
    // beyond these the result is 0 or ∞ anyway; NaN stays
    return this.#split(f.keep(f32x4.pmax(f32x4.pmin(x, f.vector(89)), f.vector(-104))));
  }

  /** The same for an x that is known to be between. */
  #split(x: Local<"v128">): { n: V128; r: Local<"v128"> } {
    const { shifted, r } = this.#round(x, 0);
    return { n: this.f.keep(i32x4.sub(shifted, this.f.vector(SHIFT))), r };
  }

  /** The same with 2ⁿ, for |x| ≤ 87. @param inOneStep whether small n matter most */
  #splitPower(x: Local<"v128">, inOneStep = false): { power: V128; r: Local<"v128"> } {
    // the biased exponent is all of the sum that a shift leaves
    const { shifted, r } = this.#round(x, 127, inOneStep);
    return { power: i32x4.shl(shifted, 23), r };
  }

  /** r, and n + bias in the lowest bits of a float. @param inOneStep where multiply and add round once */
  #round(x: Local<"v128">, bias: number, inOneStep = false): { shifted: V128; r: Local<"v128"> } {
    const { f } = this;
    const shift = f.vector(SHIFT + bias);
    const shifted = f.keep(this.madd(x, f.vector(Math.LOG2E), shift));
    const n = f.keep(f32x4.sub(shifted, shift));
    // with one rounding the error is n times what float32 lacks of ln 2, 2·10⁻⁹
    if (inOneStep && this.features.relaxed) return { shifted, r: f.keep(this.madd(n, f.vector(-Math.LN2), x)) };
    // ln 2 in two parts: n times the first has no rounding error
    const high = 0.693359375;
    const first = this.madd(n, f.vector(-high), x);
    const r = f.keep(this.madd(n, f.vector(high - Math.LN2), first));
    return { shifted, r };
  }

  /** eʳ − 1 for |r| ≤ ½ ln 2. */
  #expm1Reduced(r: Local<"v128">): V128 {
    const { f } = this;
    const coefficients = [0.5, 0.16666577, 0.041666555, 0.008363178, 0.0013926182];
    const tail = f.keep(this.polynomial(r, coefficients));
    return f.keep(this.madd(f32x4.mul(r, r), tail, r));
  }

  /** x·2ⁿ in two steps, so that 2ⁿ itself need not be representable. */
  #scale(x: V128, n: V128): V128 {
    const { f } = this;
    const half = f.keep(i32x4.shrS(n, 1));
    const bias = f.hoist("i127", i32x4.const(127));
    const power = (exponent: V128) => i32x4.shl(i32x4.add(exponent, bias), 23);
    return f32x4.mul(f32x4.mul(x, power(half)), power(i32x4.sub(n, half)));
  }

  /** Natural logarithm; at most 1.1 ULP. −∞ at 0, NaN below. */
  log(x: V128): V128 {
    const { f } = this;
    const given = f.keep(x);
    // denormals are scaled up by 2²³
    const tiny = f.keep(f32x4.lt(given, f.vector(1.1754944e-38)));
    const bits = f.keep(v128.bitselect(f32x4.mul(given, f.vector(2 ** 23)), given, tiny));
    // mantissa in [√½, √2)
    const offset = f.keep(i32x4.sub(bits, f.hoist("i√½", i32x4.const(0x3f3504f3))));
    const exponent = i32x4.sub(i32x4.shrS(offset, 23), v128.and(tiny, f.hoist("i23", i32x4.const(23))));
    const e = f.keep(f32x4.convertI32(exponent));
    const mantissa = i32x4.add(
      v128.and(offset, f.hoist("i7fffff", i32x4.const(0x7fffff))),
      f.hoist("i√½", i32x4.const(0x3f3504f3)),
    );
    const m = f.keep(f32x4.sub(mantissa, f.vector(1)));
    const square = f.keep(f32x4.mul(m, m));
    const coefficients = [
      0.3333333, -0.24999997, 0.20000716, -0.16667802, 0.14249058, -0.12425687, 0.1168542, -0.11479734, 0.06971611,
    ];
    const cubic = f32x4.mul(f32x4.mul(square, m), this.polynomial(m, coefficients));
    // ln 2 in two parts; small terms first
    const low = this.madd(e, f.vector(Math.LN2 - 0.693359375), cubic);
    const sum = f32x4.add(this.madd(square, f.vector(-0.5), low), m);
    const value = f.keep(this.madd(e, f.vector(0.693359375), sum));
    // x + x is ∞ for ∞ and NaN for NaN
    const special = v128.bitselect(
      f32x4.add(given, given),
      v128.bitselect(f.vector(Number.NEGATIVE_INFINITY), f.vector(Number.NaN), f32x4.eq(given, f.vector(0))),
      v128.not(f32x4.le(given, f.vector(0))),
    );
    const ordinary = v128.and(f32x4.gt(given, f.vector(0)), f32x4.lt(given, f.vector(Number.POSITIVE_INFINITY)));
    return v128.bitselect(value, special, ordinary);
  }

  /** ln(1 + x); at most 2 ULP: the rounding error of 1 + x is corrected (Kahan). */
  log1p(x: V128): V128 {
    const { f } = this;
    const given = f.keep(x);
    const u = f.keep(f32x4.add(given, f.vector(1)));
    const logU = f.keep(this.log(u));
    const corrected = f32x4.div(f32x4.mul(logU, given), f32x4.sub(u, f.vector(1)));
    // where 1 + x rounds to 1 the result is x; where it is 0 or ∞ nothing is to be corrected
    // and where 1 + x rounds to x, whose product with a logarithm may overflow, the same
    const usable = v128.and(f32x4.gt(u, f.vector(0)), f32x4.ne(u, given));
    const value = v128.bitselect(corrected, logU, usable);
    return v128.bitselect(given, value, f32x4.eq(u, f.vector(1)));
  }

  /** tanh x = u/(u + 2) with u = e^{2x} − 1; at most 4 ULP. */
  tanh(x: V128): V128 {
    const { f } = this;
    const given = f.keep(x);
    const size = f.keep(f32x4.pmin(f32x4.abs(given), f.vector(10)));
    const u = f.keep(this.#expm1Moderate(f32x4.add(size, size)));
    const ratio = f32x4.div(u, f32x4.add(u, f.vector(2)));
    return this.#withSignOf(given, ratio);
  }

  /** eˣ − 1 for 0 ≤ x ≤ 20. */
  #expm1Moderate(x: V128): V128 {
    const { f } = this;
    const { power: fresh, r } = this.#splitPower(f.keep(x), true);
    const power = f.keep(fresh);
    return this.madd(power, this.#expm1Reduced(r), f32x4.sub(power, f.vector(1)));
  }

  #withSignOf(signed: V128, magnitude: V128): V128 {
    return v128.bitselect(signed, magnitude, this.f.vector(-0));
  }

  /** Gauss error function; at most 3 ULP: a polynomial in x² up to 1, 1 − e^{−q(x)} beyond. */
  erf(x: V128): V128 {
    const { f } = this;
    const given = f.keep(x);
    const size = f.keep(f32x4.pmin(f32x4.abs(given), f.vector(4)));
    const square = f.keep(f32x4.mul(given, given));
    const inner = [1.128379166, -0.37612627, 0.112835947, -0.026854212, 0.0051890874, -0.00080168643, 7.875875e-5];
    const small = f.keep(f32x4.mul(given, this.polynomial(square, inner)));
    const outer = [
      -0.000320138134, 1.1302334, 0.63182605, 0.110080083, -0.0264211363, 0.004759596, -0.00059680565, 4.6058045e-5,
      -1.6371515e-6,
    ];
    const q = f.keep(this.polynomial(size, outer));
    const large = this.#withSignOf(given, f32x4.sub(f.vector(1), this.exp(f32x4.neg(q))));
    // a comparison with NaN is false: NaN takes the first branch only if it is asked for
    const isLarge = f32x4.ge(f32x4.abs(given), f.vector(1));
    return v128.bitselect(large, small, isLarge);
  }
}
