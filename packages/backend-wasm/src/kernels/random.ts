/**
 * Uniform and normal numbers, to the bit those that the host computes. A uniform number takes the host's own steps. A normal one
 * takes others, to 40 bits; where the float32 depends
 * on more of them, which is so in one of some ten thousand, the host decides.
 */
import { type DType, Generator, sizeOf, type View } from "@neurite/core";
import { Doubles, type Pair } from "../doubles.js";
import { f32x4, f64x2, type I32, i32, i32x4, type V128, v128 } from "../emitter/code.js";
import type { FunctionBuilder, Local } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import type { Features } from "../vector-math.js";
import { addressOf, floatsAt } from "../views.js";
import { type Stream, withWords } from "./random-words.js";

/** Vectors of four below which work is not split. */
const GRAIN = 1024;

interface StreamAttrs {
  readonly dtype: DType;
  readonly stream: Stream;
}

const PARAMETERS = { begin: "i32", end: "i32", words: "i32", out: "i32", first: "f64", second: "f64" } as const;

/** Runs a kernel over the numbers of a stream, `each` for an element; it gets two numbers of the distribution. */
function fillFrom(
  engine: Engine,
  [name, define, each]: readonly [string, (module: ModuleBuilder, features: Features) => void, number],
  out: View,
  stream: Stream,
  first: number,
  second: number,
): boolean {
  const kernel = engine.kernel(name, define);
  return withWords(engine, stream, sizeOf(out.shape), each, (words, begin, length) => {
    // whole vectors fit: storages are multiples of 64 bytes
    engine.run(kernel, Math.ceil(length / 4), GRAIN, words, addressOf(out) + 4 * begin, first, second);
  });
}

const UNIFORM = ["uniform", defineUniform, 1] as const;
const NORMAL = ["normal", defineNormal, 2] as const;

/** low + (high − low)·u */
export function makeUniform(engine: Engine) {
  return (
    outs: readonly View[],
    _inputs: readonly View[],
    { dtype, stream, low, high }: StreamAttrs & { readonly low: number; readonly high: number },
  ): undefined | false => {
    if (dtype !== "float32" || !fillFrom(engine, UNIFORM, outs[0]!, stream, low, high - low)) return false;
    return undefined;
  };
}

/** mean + deviation·√(−2 ln(1 − u))·cos 2πv */
export function makeNormal(engine: Engine) {
  return (
    outs: readonly View[],
    _inputs: readonly View[],
    { dtype, stream, mean, deviation }: StreamAttrs & { readonly mean: number; readonly deviation: number },
  ): undefined | false => {
    const [out] = outs as [View];
    if (dtype !== "float32" || !fillFrom(engine, NORMAL, out, stream, mean, deviation)) return false;
    const n = sizeOf(out.shape);
    const find = engine.kernel("find NaN", defineFindNaN);
    const values = floatsAt(engine, addressOf(out), n);
    for (let i = find(0, n, addressOf(out))!; i >= 0; i = find(i + 1, n, addressOf(out))!) {
      const generator = Generator.from({ ...stream, counter: stream.counter + 2 * i });
      values[i] = mean + deviation * generator.normal();
    }
    return undefined;
  };
}

/** Position of the first NaN of elements begin … end, or −1. */
function defineFindNaN(module: ModuleBuilder): void {
  module.define("run", { begin: "i32", end: "i32", x: "i32" }, (f, p) => {
    const i = f.keep(p.begin);
    const at = f.keep(i32.add(p.x, i32.shl(p.begin, 2)));
    // in steps of four past those that have none, then one by one
    f.while(
      () => i32.and(i32.ltU(i32.add(i, 3), p.end), i32.eqz(v128.anyTrue(isNaN(v128.load(at))))),
      () => {
        f.increase(i, 4);
        f.increase(at, 16);
      },
    );
    f.while(
      () => i32.ltU(i, p.end),
      () => {
        f.if(v128.anyTrue(isNaN(v128.load32Splat(at))), () => f.return(i));
        f.increase(i, 1);
        f.increase(at, 4);
      },
    );
    return i32.const(-1);
  });
}

const isNaN = (x: V128): V128 => f32x4.ne(x, x);

/** Visits vectors begin … end of four elements; stores what it gives. */
function forEachVector(
  f: FunctionBuilder,
  p: { readonly begin: I32; readonly end: I32; readonly words: I32; readonly out: I32 },
  each: number,
  make: (words: I32) => V128,
): void {
  const vector = f.keep(p.begin);
  const words = f.keep(i32.add(p.words, i32.mul(p.begin, 16 * each)));
  const target = f.keep(i32.add(p.out, i32.shl(p.begin, 4)));
  f.while(
    () => i32.ltU(vector, p.end),
    () => {
      f.do(v128.store(target, make(words)));
      f.increase(words, 16 * each);
      f.increase(target, 16);
      f.increase(vector, 1);
    },
  );
}

/** 24 bits of each word as integers in float64. */
function integersOf(f: FunctionBuilder, doubles: Doubles, words: V128): Pair {
  const bits = f.keep(i32x4.shrU(words, 8));
  return doubles.both((h) => f64x2.convertLowI32(h === 0 ? bits : v128.shuffle32(bits, bits, [2, 3, 2, 3])));
}

function defineUniform(module: ModuleBuilder, features: Features): void {
  module.define("run", PARAMETERS, (f, p) => {
    const doubles = new Doubles(f, features);
    const [low, range] = [f.keep(f64x2.splat(p.first)), f.keep(f64x2.splat(p.second))];
    forEachVector(f, p, 1, (words) => {
      const integers = integersOf(f, doubles, v128.load(words));
      // rounded after the product and after the sum, as on the host
      const [a, b] = doubles.both((h) => {
        const u = f64x2.mul(integers[h], doubles.const(2 ** -24));
        return f64x2.add(low, f64x2.mul(range, u));
      });
      return doubles.joined(a, b);
    });
  });
}

/** −2·ln((1 + s)/(1 − s))/s by powers of s², |s| ≤ (√2 − 1)/(√2 + 1), within 2⁻⁴³. */
const LOG = [
  -3.9999999999999, -1.3333333335919, -0.79999989775334, -0.57144333198368, -0.44348460190754, -0.39216789976172,
];
/** sin(2πq)/q by powers of q², |q| ≤ ¼, within 2⁻⁴¹. */
const SINE = [
  6.2831853071793, -41.341702239904, 81.605249149016, -76.705847543773, 42.058134871372, -15.081483206893,
  3.665855159564,
];
/** More than the error of a result, relative to the radius; a host's angle is off by 2⁻⁵⁰. */
const DOUBT = 2 ** -40;
/** More than that of a sum with the mean, relative to it. */
const MEAN_DOUBT = 2 ** -50;

function defineNormal(module: ModuleBuilder, features: Features): void {
  module.define("run", PARAMETERS, (f, p) => {
    const doubles = new Doubles(f, features);
    const [mean, deviation] = [f.keep(f64x2.splat(p.first)), f.keep(f64x2.splat(p.second))];
    const doubt = f.keep(f64x2.mul(f64x2.abs(deviation), doubles.const(DOUBT)));
    const meanDoubt = f.keep(f64x2.mul(f64x2.abs(mean), doubles.const(MEAN_DOUBT)));
    forEachVector(f, p, 2, (words) => {
      const [first, second] = [f.keep(v128.load(words)), f.keep(v128.load(words, 16))];
      const radii = radiiOf(doubles, integersOf(f, doubles, v128.shuffle32(first, second, [0, 2, 4, 6])));
      const cosines = cosinesOf(doubles, integersOf(f, doubles, v128.shuffle32(first, second, [1, 3, 5, 7])));
      const errors = doubles.both((h) => doubles.madd(radii[h], doubt, meanDoubt));
      const values = doubles.both((h) => f64x2.add(mean, f64x2.mul(deviation, f64x2.mul(radii[h], cosines[h]))));
      const [least, most] = [f64x2.sub, f64x2.add].map((step) => {
        const [a, b] = doubles.both((h) => step(values[h], errors[h]));
        return f.keep(doubles.joined(a, b));
      }) as [Local<"v128">, Local<"v128">];
      return v128.bitselect(f.vector(Number.NaN), least, f32x4.ne(least, most));
    });
  });
}

/** √(−2 ln(1 − u)) of u·2²⁴. */
function radiiOf(doubles: Doubles, integers: Pair): Pair {
  // (1 − u)·2²⁴, from 1 on
  const rest = doubles.both((h) => f64x2.sub(doubles.const(2 ** 24), integers[h]));
  const { s, e } = doubles.ratios(rest, 24);
  const squares = doubles.both((h) => f64x2.mul(s[h], s[h]));
  const series = doubles.polynomials(squares, LOG);
  return doubles.both((h) => f64x2.sqrt(doubles.madd(e[h], doubles.const(-2 * Math.LN2), f64x2.mul(s[h], series[h]))));
}

/** cos 2πv of v·2²⁴, as sin 2πq with q = |v − ½| − ¼, which is exact. */
function cosinesOf(doubles: Doubles, integers: Pair): Pair {
  const q = doubles.both((h) => {
    const fromHalf = f64x2.abs(f64x2.sub(integers[h], doubles.const(2 ** 23)));
    return f64x2.mul(f64x2.sub(fromHalf, doubles.const(2 ** 22)), doubles.const(2 ** -24));
  });
  const squares = doubles.both((h) => f64x2.mul(q[h], q[h]));
  const series = doubles.polynomials(squares, SINE);
  return doubles.both((h) => f64x2.mul(q[h], series[h]));
}
