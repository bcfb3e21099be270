/** Arithmetic in float64 on the four lanes of a float32 vector: two halves, side by side. */
import { f64x2, i64x2, type V128, v128 } from "./emitter/code.js";
import type { FunctionBuilder, Local } from "./emitter/function.js";
import type { Features } from "./vector-math.js";

/** The two halves of four numbers, as float64. */
export type Pair = readonly [Local<"v128">, Local<"v128">];

/** Added to a number below 2⁵¹, rounds it to an integer in its lowest bits. */
export const SHIFT = 1.5 * 2 ** 52;

/** Bits of √½. */
const ROOT_HALF = 0x3fe6a09e667f3bcdn;

/** Writes such arithmetic into one function body. */
export class Doubles {
  constructor(
    readonly f: FunctionBuilder,
    readonly features: Features,
  ) {}

  const(value: number): V128 {
    return this.f.hoist(`d${Object.is(value, -0) ? "-0" : value}`, f64x2.const(value));
  }

  bits(value: bigint): V128 {
    return this.f.hoist(`l${value}`, i64x2.const(value));
  }

  madd(a: V128, b: V128, c: V128): V128 {
    return this.features.relaxed ? f64x2.relaxedMadd(a, b, c) : f64x2.add(f64x2.mul(a, b), c);
  }

  /** What `make` gives for each half. */
  both(make: (half: 0 | 1) => V128): Pair {
    const { f } = this;
    return [f.keep(make(0)), f.keep(make(1))];
  }

  /** c₀ + c₁x + c₂x² + … of both halves, in pairs of pairs as in `vector-math.ts`: to wait is what takes the time. */
  polynomials(x: Pair, coefficients: readonly number[]): Pair {
    const constants = coefficients.map((c) => this.const(c));
    return this.#sumOfPowers(
      x,
      constants.map((c) => [c, c]),
    );
  }

  #sumOfPowers(x: Pair, terms: readonly (readonly [V128, V128])[]): Pair {
    const pairs: (readonly [V128, V128])[] = [];
    for (let i = 0; i < terms.length; i += 2) {
      const [low, high] = [terms[i]!, terms[i + 1]];
      pairs.push(high ? this.both((h) => this.madd(high[h], x[h], low[h])) : low);
    }
    if (pairs.length === 1) return pairs[0] as Pair;
    return this.#sumOfPowers(
      this.both((h) => f64x2.mul(x[h], x[h])),
      pairs,
    );
  }

  /** Two float32 of four, lanes 2·half and 2·half + 1, as float64. */
  half(x: Local<"v128">, half: number): Local<"v128"> {
    return this.f.keep(f64x2.promoteLow(half === 0 ? x : v128.shuffle32(x, x, [2, 3, 2, 3])));
  }

  /** The float32 of two halves. */
  joined(low: V128, high: V128): V128 {
    return v128.shuffle32(f64x2.demoteZero(low), f64x2.demoteZero(high), [0, 1, 4, 5]);
  }

  /**
   * a = 2^(e + scale)·(1 + s)/(1 − s) with (1 + s)/(1 − s) from √½ to √2, for normal a > 0: the beginning of a logarithm.
   */
  ratios(a: Pair, scale = 0): { readonly s: Pair; readonly e: Pair } {
    // bits of a, moved so that the exponent changes at √2, and by 1024 to stay positive
    const moved = this.both((h) => i64x2.add(a[h], this.bits(0x4000000000000000n - ROOT_HALF)));
    const m = this.both((h) => i64x2.add(v128.and(moved[h], this.bits(0xfffffffffffffn)), this.bits(ROOT_HALF)));
    const one = this.const(1);
    return {
      s: this.both((h) => f64x2.div(f64x2.sub(m[h], one), f64x2.add(m[h], one))),
      // an integer in the lowest bits of 2⁵²
      e: this.both((h) => {
        const shifted = v128.or(i64x2.shrU(moved[h], 52), this.const(2 ** 52));
        return f64x2.sub(shifted, this.const(2 ** 52 + 1024 + scale));
      }),
    };
  }
}
