/** sin, cos, tan, pow and mod over the whole range of float32, beside float64. */
import { type BinaryOp, cos, fromHost, mod, pow, sin, tan, type UnaryOp } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { hasRelaxedSimd, wasm } from "../src/index.js";

const { NaN: NONE, POSITIVE_INFINITY: INFINITE } = Number;
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** Numbers from 0 to below 1, the same on every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Float32 of every magnitude from 2ˡᵒʷ to 2ʰⁱᵍʰ and of both signs. */
function spread(count: number, low: number, high: number, seed: number): Float32Array {
  const random = numbers(seed);
  return Float32Array.from({ length: count }, () => (random() < 0.5 ? -1 : 1) * 2 ** (low + (high - low) * random()));
}

/** Distance between neighbouring float32 at |x|. */
function spacing(x: number): number {
  return 2 ** (Math.floor(Math.log2(Math.max(Math.abs(x), 2 ** -126))) - 23);
}

/** Largest error in units in the last place; results beyond float32 must be infinite. */
function worst(actual: ArrayLike<number>, expected: readonly number[]): number {
  return expected.reduce((most, wanted, i) => {
    const got = actual[i]!;
    if (Object.is(Math.fround(wanted), got)) return most;
    const error = Math.abs(got - wanted) / spacing(wanted);
    return Math.max(error, most);
  }, 0.5);
}

/** `a % b` with the sign of b, that of a zero too. */
function floored(a: number, b: number): number {
  const rest = a % b;
  if (rest === 0) return b < 0 ? -0 : 0;
  return rest < 0 !== b < 0 ? rest + b : rest;
}

const ANGLES: Readonly<Record<string, Float32Array>> = {
  "from −10 to 10": Float32Array.from({ length: 100_001 }, (_, i) => -10 + (20 * i) / 100_000),
  "around multiples of π/2": Float32Array.from({ length: 100_000 }, (_, i) => (i * Math.PI) / 2),
  "around 10⁶": Float32Array.from({ length: 10_000 }, (_, i) => 999_000 + i / 4),
  "of every magnitude": spread(200_000, -149, 127.99, 1),
  // the float32 that come closest to a multiple of π/2, and the largest
  "of the worst kind": Float32Array.of(16367173 * 2 ** 72, 10_053_478 * 2 ** 103, LARGEST, -LARGEST, 2 ** 127),
};

const SPECIAL = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  2,
  -2,
  3,
  -3,
  2.5,
  -2.5,
  1e-45,
  -1e-45,
  1e-38,
  2 ** 24 - 1,
  1 - 2 ** 24,
  2 ** 24,
]
  .concat([1 - 2 ** -24, 1 + 2 ** -23, 1e10, -1e10, 127, -126, 149, -149, 1e30, -1e30, LARGEST, -LARGEST])
  .concat([INFINITE, -INFINITE, NONE])
  .map(Math.fround);
const PAIRS = SPECIAL.flatMap((a) => SPECIAL.map((b) => [a, b] as const));

describe.each(hasRelaxedSimd() ? [false, true] : [false])("relaxed: %s", (relaxed) => {
  const device = wasm({ relaxed });
  const vector = (data: Float32Array) => fromHost(data, "float32", [data.length], device);
  const apply = (op: BinaryOp, a: Float32Array, b: Float32Array) => op(vector(a), vector(b)).dataSync();

  describe.each([
    [sin, Math.sin, 0.51],
    [cos, Math.cos, 0.51],
    // a quotient of two rounded numbers
    [tan, Math.tan, 2],
  ] as const satisfies readonly (readonly [UnaryOp, (x: number) => number, number])[])("%#", (op, exact, limit) => {
    it.each(Object.keys(ANGLES))(`${op.row.name} is within ${limit} ULP on angles %s`, (name) => {
      const xs = ANGLES[name]!;
      expect(worst(op(vector(xs)).dataSync(), Array.from(xs, exact))).toBeLessThanOrEqual(limit);
    });
    it(`${op.row.name} of 0, −0, ±∞ and NaN`, () => {
      const xs = Float32Array.of(0, -0, INFINITE, -INFINITE, NONE);
      expect(Array.from(op(vector(xs)).dataSync())).toEqual(Array.from(xs, exact));
    });
  });

  it.each([
    ["pow", pow, (a: number, b: number) => a ** b],
    ["mod", mod, floored],
  ] as const)("%s of special values is JavaScript's", (_, op, exact) => {
    const [a, b] = [0, 1].map((i) => Float32Array.from(PAIRS, (pair) => pair[i]!));
    const actual = apply(op, a!, b!);
    for (const [i, [x, y]] of PAIRS.entries()) {
      const wanted = exact(x, y);
      if (!(worst([actual[i]!], [wanted]) <= 0.54)) expect(actual[i], `of ${x} and ${y}`).toBe(Math.fround(wanted));
    }
  });

  it.each([
    ["moderate", spread(100_000, -4, 4, 2), spread(100_000, -3, 4, 3)],
    ["any", spread(100_000, -149, 127.9, 4), spread(100_000, -9, 3, 5)],
    ["near 1", spread(100_000, -1e-4, 1e-4, 6), spread(100_000, 5, 22, 7)],
  ])("pow of %s numbers is within 0.54 ULP, denormal results too", (_, bases, exponents) => {
    const positive = bases.map(Math.abs);
    const expected = Array.from(positive, (a, i) => a ** exponents[i]!);
    expect(worst(apply(pow, positive, exponents), expected)).toBeLessThanOrEqual(0.54);
    const whole = exponents.map(Math.round);
    const signed = Array.from(bases, (a, i) => a ** whole[i]!);
    expect(worst(apply(pow, bases, whole), signed)).toBeLessThanOrEqual(0.54);
  });

  it.each([2, 3, -1, 0.5, 2.5])("pow to the scalar %f is within 0.54 ULP", (exponent) => {
    const xs = spread(50_000, -20, 20, 8).map(Math.abs);
    const expected = Array.from(xs, (x) => x ** exponent);
    expect(worst(pow(vector(xs), exponent).dataSync(), expected)).toBeLessThanOrEqual(0.54);
  });

  it.each([
    ["moderate", spread(100_000, -4, 6, 9), spread(100_000, -4, 6, 10)],
    ["any", spread(100_000, -149, 127.9, 11), spread(100_000, -149, 127.9, 12)],
    [
      "nearly divisible",
      spread(100_000, 20, 24, 13).map((x) => Math.round(x) * 3),
      spread(100_000, 0, 9, 14).map(Math.round),
    ],
  ])("mod of %s numbers is exact", (_, a, b) => {
    const actual = apply(mod, a, b);
    const wrong = Array.from(a, (x, i) => Object.is(actual[i], Math.fround(floored(x, b[i]!)))).indexOf(false);
    expect(wrong < 0 ? "none" : `${a[wrong]} mod ${b[wrong]} = ${actual[wrong]}`).toBe("none");
  });
});
