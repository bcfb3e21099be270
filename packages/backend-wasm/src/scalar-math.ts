/** What vectors of `double-math.ts` leave to a loop or a table: sines of very large numbers, remainders of very large quotients. */

import { SHIFT } from "./doubles.js";
import { f32, f64, type I32, i32 } from "./emitter/code.js";
import type { FunctionBuilder } from "./emitter/function.js";
import type { ModuleBuilder } from "./emitter/module.js";

/** Bits of 2/π behind the point, after one word of zeros. */
const TWO_OVER_PI = [
  0, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561,
] as const;
/** Bits taken from there at once: their product with a float32 is exact. */
const CHUNK = 27;
const CHUNKS = 4;

/**
 * Defines (x, part): x = n·π/2 + r with |r| ≤ π/4, for 10⁶ ≤ |x| < ∞; part 0 is n, in the lowest bits of SHIFT + n, modulo 4,
 * and part 1 is r. Of 2/π only those bits are multiplied that make less than four quarters (Payne and Hanek, 1983).
 */
export function defineQuarters(module: ModuleBuilder): number {
  return module.define(null, { x: "f32", part: "i32" }, (f, p) => {
    const bits = f.keep(i32.reinterpretF32(p.x));
    const mantissa = f64.convertU32(f.keep(i32.or(i32.and(bits, 0x7fffff), 0x800000)));
    // |x| is the mantissa times 2ᵉ, and the first bit that counts has the weight 2 after multiplication by 2ᵉ
    const e = i32.sub(i32.and(i32.shrU(bits, 23), 255), 150);
    const first = f.keep(i32.add(e, 30));
    const parts = Array.from({ length: CHUNKS }, (_, i) => {
      const chunk = f.keep(i32.shrU(bitsFrom(f, i32.add(first, CHUNK * i)), 32 - CHUNK));
      return f.keep(f64.mul(f64.mul(mantissa, f64.convertU32(chunk)), f64.const(2 ** (2 - CHUNK * (i + 1)))));
    });
    const [most, second, third, fourth] = parts as [(typeof parts)[0], ...(typeof parts)[0][]];
    const turned = f.keep(f64.sub(most, f64.mul(f64.floor(f64.mul(most, f64.const(0.25))), f64.const(4))));
    const n = f.keep(f64.nearest(f64.add(turned, second!)));
    const rest = f64.add(f64.add(f64.sub(turned, n), second!), f64.add(third!, fourth!));
    const sign = f.keep(f64.select(f64.const(-1), f64.const(1), i32.shrU(bits, 31)));
    const r = f.keep(f64.mul(f64.mul(rest, f64.const(Math.PI / 2)), sign));
    return f64.select(r, f64.add(f64.mul(n, sign), f64.const(SHIFT)), p.part);
  });
}

/** 32 bits of the table from bit number `at` on. */
function bitsFrom(f: FunctionBuilder, at: I32): I32 {
  const position = f.keep(at);
  const word = f.keep(i32.shrU(position, 5));
  const shift = f.keep(i32.and(position, 31));
  const wordAt = (index: I32) =>
    TWO_OVER_PI.reduce((found: I32, value, i) => i32.select(i32.const(value), found, i32.eq(index, i)), i32.const(0));
  const [high, low] = [f.keep(wordAt(word)), f.keep(wordAt(i32.add(word, 1)))];
  // in two steps: a shift by 32 would be one by 0
  return f.keep(i32.or(i32.shl(high, shift), i32.shrU(i32.shrU(low, 1), i32.sub(i32.const(31), shift))));
}

/** Defines (a, b): a − b·trunc(a/b), exact, for finite a and b ≠ 0; a zero has any sign. */
export function defineRemainder(module: ModuleBuilder): number {
  return module.define(null, { a: "f32", b: "f32" }, (f, p) => {
    const rest = f.keep(f64.promote(p.a));
    const divisor = f.keep(f64.abs(f64.promote(p.b)));
    const q = f.variable("f64");
    const split = f.variable("f64");
    // each time, 24 bits of the quotient: their product with the divisor is exact (Veltkamp's splitting)
    f.while(
      () => f64.ge(f64.abs(rest), divisor),
      () => {
        f.set(q, f64.trunc(f64.div(rest, divisor)));
        f.set(split, f64.mul(q, f64.const(2 ** 29 + 1)));
        f.set(q, f64.sub(split, f64.sub(split, q)));
        f.set(rest, f64.sub(rest, f64.mul(q, divisor)));
      },
    );
    // a quotient that was rounded up leaves a rest of the other sign
    const back = f64.select(f64.neg(divisor), divisor, f32.lt(p.a, f32.const(0)));
    const isBeyond = f64.lt(f64.mul(rest, f64.promote(p.a)), f64.const(0));
    return f64.select(f64.add(rest, back), rest, isBeyond);
  });
}
