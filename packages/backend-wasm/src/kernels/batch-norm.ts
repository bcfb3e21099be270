/**
 * Batch normalisation of the columns of a matrix [m, channels], and its gradient. Blocks of rows that fit the first-level
 * cache are the items: their sums come one after the other in memory and are added up here, so that the result does not
 * depend on who computed which.
 */
import type { View } from "@neurite/core";
import { f32x4, type I32, i32, type V128, v128 } from "../emitter/code.js";
import type { FunctionBuilder, Local } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { CompiledKernel, Engine } from "../engine.js";
import { storeSome } from "../lanes.js";
import { type Features, VectorMath } from "../vector-math.js";
import { addressOf } from "../views.js";

/** Elements of a block. */
const BLOCK = 4096;
/** Blocks below which work is not split. */
const GRAIN = 4;

const BLOCKS = { begin: "i32", end: "i32", m: "i32", channels: "i32", rows: "i32" } as const;
type Blocks = Readonly<Record<keyof typeof BLOCKS, Local<"i32">>>;

/**
 * A loop over blocks begin … end and, within one, over four channels at a time.
 * @param visit gets the block's number, the byte offsets of the channels and of their first element, the number of rows,
 * and how to store four channels
 */
function forEachChannels(
  f: FunctionBuilder,
  p: Blocks,
  visit: (block: I32, channel: I32, start: I32, rows: I32, store: (at: I32, value: V128) => void) => void,
): void {
  const block = f.keep(p.begin);
  const width = f.keep(i32.shl(p.channels, 2));
  const channel = f.variable("i32");
  const left = f.variable("i32");
  const rows = f.variable("i32");
  f.while(
    () => i32.ltU(block, p.end),
    () => {
      const first = f.keep(i32.mul(block, p.rows));
      f.set(rows, i32.sub(p.m, first));
      f.set(rows, i32.select(p.rows, rows, i32.ltU(p.rows, rows)));
      f.set(channel, i32.const(0));
      f.set(left, p.channels);
      const start = () => i32.add(i32.mul(first, width), channel);
      f.while(
        () => i32.gtU(left, 3),
        () => {
          visit(block, channel, start(), rows, (at, value) => f.do(v128.store(at, value)));
          f.increase(channel, 16);
          f.increase(left, -4);
        },
      );
      f.if(left, () => visit(block, channel, start(), rows, (at, value) => storeSome(f, "float32", at, value, left)));
      f.increase(block, 1);
    },
  );
}

/** Sums over a block's rows, [blocks, sums, channels]: of x, of (x − mean)², or of dy and dy ⊙ (x − mean). */
type Sums = "x" | "squares" | "errors";

function defineSums(module: ModuleBuilder, features: Features, kind: Sums): void {
  const parameters = { ...BLOCKS, x: "i32", mean: "i32", dy: "i32", out: "i32" } as const;
  module.define("run", parameters, (f, p) => {
    const math = new VectorMath(f, features);
    const width = f.keep(i32.shl(p.channels, 2));
    forEachChannels(f, p, (block, channel, start, rows, store) => {
      const at = f.keep(start);
      const mean = kind === "x" ? null : f.keep(v128.load(i32.add(p.mean, channel)));
      const sums = [f.variable("v128", f32x4.const(0)), f.variable("v128", f32x4.const(0))] as const;
      f.times(rows, () => {
        const x = v128.load(i32.add(p.x, at));
        if (mean === null) f.set(sums[0], f32x4.add(sums[0], x));
        else {
          const deviation = f.keep(f32x4.sub(x, mean));
          if (kind === "squares") f.set(sums[0], math.madd(deviation, deviation, sums[0]));
          else {
            const error = f.keep(v128.load(i32.add(p.dy, at)));
            f.set(sums[0], f32x4.add(sums[0], error));
            f.set(sums[1], math.madd(error, deviation, sums[1]));
          }
        }
        f.increase(at, width);
      });
      const parts = kind === "errors" ? 2 : 1;
      const to = f.keep(i32.add(i32.add(p.out, i32.mul(i32.mul(block, width), parts)), channel));
      for (let part = 0; part < parts; part++) store(i32.add(to, i32.mul(width, part)), sums[part]!);
    });
  });
}

/** out = error·dy + deviation·(x − mean) + shift with numbers for each channel; without dy the first term is left out. */
function defineAffine(module: ModuleBuilder, features: Features, withError: boolean): void {
  const parameters = {
    ...BLOCKS,
    x: "i32",
    dy: "i32",
    mean: "i32",
    error: "i32",
    deviation: "i32",
    shift: "i32",
    out: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const math = new VectorMath(f, features);
    const width = f.keep(i32.shl(p.channels, 2));
    forEachChannels(f, p, (_, channel, start, rows, store) => {
      const at = f.keep(start);
      const factor = (base: I32) => f.keep(v128.load(i32.add(base, channel)));
      const [mean, error, deviation, shift] = [p.mean, p.error, p.deviation, p.shift].map(factor);
      f.times(rows, () => {
        const centred = f32x4.sub(v128.load(i32.add(p.x, at)), mean!);
        const value = math.madd(centred, deviation!, shift!);
        const whole = withError ? math.madd(v128.load(i32.add(p.dy, at)), error!, value) : value;
        store(i32.add(p.out, at), f.keep(whole));
        f.increase(at, width);
      });
    });
  });
}

/** Runs kernels over the blocks of a matrix. */
class ColumnWalk {
  readonly #rows: number;
  readonly #blocks: number;

  constructor(
    readonly engine: Engine,
    readonly m: number,
    readonly channels: number,
  ) {
    this.#rows = Math.max(1, Math.floor(BLOCK / channels));
    this.#blocks = Math.ceil(m / this.#rows);
  }

  run(kernel: CompiledKernel, ...addresses: number[]): void {
    this.engine.run(kernel, this.#blocks, GRAIN, this.m, this.channels, this.#rows, ...addresses);
  }

  /** Sums over all rows, in float64. */
  sums(kind: Sums, x: number, mean: number, dy: number): Float64Array {
    const { engine, channels } = this;
    const width = channels * (kind === "errors" ? 2 : 1);
    const kernel = engine.variant("batchNorm sums", kind, "", (module, features) => defineSums(module, features, kind));
    const totals = new Float64Array(width);
    engine.withScratch(4 * width * this.#blocks, (out) => {
      this.run(kernel, x, mean, dy, out);
      const parts = floatsAt(engine, out, width * this.#blocks);
      for (let i = 0; i < parts.length; i++) totals[i % width]! += parts[i]!;
    });
    return totals;
  }

  /** See {@link defineAffine}; the numbers are those of the channels, one after the other. */
  affine(x: number, dy: number | null, numbers: Float32Array, out: number): void {
    const { engine, channels } = this;
    const kernel = engine.variant("batchNorm affine", dy === null ? "" : "error", "", (module, features) =>
      defineAffine(module, features, dy !== null),
    );
    engine.withScratch(4 * numbers.length, (at) => {
      floatsAt(engine, at, numbers.length).set(numbers);
      const [mean, error, deviation, shift] = [0, 1, 2, 3].map((i) => at + 4 * channels * i);
      this.run(kernel, x, dy ?? x, mean!, error!, deviation!, shift!, out);
    });
  }
}

/** The memory's numbers at an address, until it grows. */
function floatsAt(engine: Engine, address: number, length: number): Float32Array {
  return new Float32Array(engine.heap.memory.buffer, address, length);
}

/** outs y [m, channels], mean and variance [channels], while recording also 1/deviation; inputs x, maybe weight and bias. */
export function makeBatchNorm(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[], { eps }: { readonly eps: number }): undefined => {
    const [x, weight, bias] = inputs as [View, View?, View?];
    const [y, mean, variance, rstd] = outs as [View, View, View, View?];
    const [m, channels] = x.shape as [number, number];
    const walk = new ColumnWalk(engine, m, channels);
    const read = (view: View) => floatsAt(engine, addressOf(view), channels);
    // in this order: sums may let the memory grow, which ends every view of it
    const means = walk.sums("x", addressOf(x), 0, 0).map((sum) => sum / m);
    read(mean).set(means);
    const variances = walk.sums("squares", addressOf(x), addressOf(mean), 0).map((sum) => sum / m);
    read(variance).set(variances);
    const numbers = new Float32Array(4 * channels);
    numbers.set(read(mean));
    const deviations = Float32Array.from(read(variance), (value) => 1 / Math.sqrt(value + eps));
    if (rstd) read(rstd).set(deviations);
    for (let c = 0; c < channels; c++) {
      numbers[2 * channels + c] = deviations[c]! * (weight ? read(weight)[c]! : 1);
      numbers[3 * channels + c] = bias ? read(bias)[c]! : 0;
    }
    walk.affine(addressOf(x), null, numbers, addressOf(y));
  };
}

/**
 * outs gradient by x and, if `affine`, by weight and bias; inputs the errors of y, mean and variance, then x, mean,
 * 1/deviation and maybe the weight. With z = (x − mean)·rstd it is rstd·w·(dy − mean(dy) − z·mean(dy ⊙ z)), and
 * (dMean + 2(x − mean)·dVariance)/m on top.
 */
export function makeBatchNormGrad(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[], { affine }: { readonly affine: boolean }): undefined => {
    const [dy, dMean, dVariance, x, mean, rstd, weight] = inputs as [View, View, View, View, View, View, View?];
    const [dx, dWeight, dBias] = outs as [View, View?, View?];
    const [m, channels] = x.shape as [number, number];
    const walk = new ColumnWalk(engine, m, channels);
    const sums = walk.sums("errors", addressOf(x), addressOf(mean), addressOf(dy));
    const read = (view: View) => floatsAt(engine, addressOf(view), channels);
    const [byMean, byVariance, scales] = [read(dMean), read(dVariance), read(rstd)];
    const numbers = new Float32Array(4 * channels);
    numbers.set(read(mean));
    for (let c = 0; c < channels; c++) {
      const scale = scales[c]! * (weight ? read(weight)[c]! : 1);
      const [error, product] = [sums[c]!, sums[channels + c]!];
      numbers[channels + c] = scale;
      numbers[2 * channels + c] = (2 * byVariance[c]! - scale * scales[c]! * scales[c]! * product) / m;
      numbers[3 * channels + c] = (byMean[c]! - scale * error) / m;
      if (affine) {
        read(dWeight!)[c] = scales[c]! * product;
        read(dBias!)[c] = error;
      }
    }
    walk.affine(addressOf(x), addressOf(dy), numbers, addressOf(dx));
  };
}
