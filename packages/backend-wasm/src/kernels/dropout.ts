/** Masks of dropout, from the numbers that core's generator would draw. */
import { type DType, sizeOf, type View } from "@neurite/core";
import { f32x4, i32, i32x4, type V128, v128 } from "../emitter/code.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { addressOf } from "../views.js";
import { DRAW, drawArguments, forEachGroup, type Stream } from "./random-words.js";

/** Groups of eight numbers below which work is not split. */
const GRAIN = 1024;

interface DropoutMaskAttrs {
  readonly dtype: DType;
  readonly p: number;
  readonly stream: Stream;
}

/** out 0 where a uniform number is below p, else 1/(1 − p). */
export function makeDropoutMask(engine: Engine) {
  return (outs: readonly View[], _inputs: readonly View[], attrs: DropoutMaskAttrs): undefined | false => {
    const [out] = outs as [View];
    const { p, stream } = attrs;
    const n = sizeOf(out.shape);
    const draws = attrs.dtype === "float32" ? drawArguments(stream, n) : null;
    if (!draws) return false;
    const { groups, skipped, args } = draws;
    const kernel = engine.kernel("dropout mask", defineDropoutMask);
    const draw = (at: number) => engine.run(kernel, groups, GRAIN, ...args, Math.ceil(p * 2 ** 24), 1 / (1 - p), at);
    const target = addressOf(out);
    // whole groups fit: storages are multiples of 64 bytes
    if (skipped === 0) draw(target);
    else {
      engine.withScratch(32 * groups, (at) => {
        draw(at);
        const bytes = new Uint8Array(engine.heap.memory.buffer);
        bytes.copyWithin(target, at + 4, at + 4 + 4 * n);
      });
    }
    return undefined;
  };
}

/** Groups begin … end of eight numbers, from four blocks each. */
function defineDropoutMask(module: ModuleBuilder): void {
  // the threshold is p·2²⁴
  module.define("run", { ...DRAW, threshold: "i32", scale: "f32", out: "i32" }, (f, p) => {
    const threshold = f.keep(i32x4.splat(p.threshold));
    const scale = f.keep(f32x4.splat(p.scale));
    const target = f.keep(i32.add(p.out, i32.shl(p.begin, 5)));
    const kept = (word: V128) => v128.andnot(scale, i32x4.lt(i32x4.shrU(word, 8), threshold));
    forEachGroup(f, p, (first, second) => {
      f.do(v128.store(target, kept(first)), v128.store(target, kept(second), 16));
      f.increase(target, 32);
    });
  });
}
