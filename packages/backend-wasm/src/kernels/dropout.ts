/** Masks of dropout: the numbers that core's generator would draw, Threefry-2x32, four blocks at a time. */
import { type DType, sizeOf, type View } from "@neurite/core";
import { f32x4, type I32, i32, i32x4, type V128, v128 } from "../emitter/code.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { laneNumbers } from "../lanes.js";
import { addressOf } from "../views.js";

/** Groups of eight numbers below which work is not split. */
const GRAIN = 1024;
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const PARITY = 0x1bd11bda;

interface DropoutMaskAttrs {
  readonly dtype: DType;
  readonly p: number;
  readonly stream: { readonly seed: number; readonly counter: number };
}

/** out 0 where a uniform number is below p, else 1/(1 − p). */
export function makeDropoutMask(engine: Engine) {
  return (outs: readonly View[], _inputs: readonly View[], attrs: DropoutMaskAttrs): undefined | false => {
    const [out] = outs as [View];
    const { p, stream } = attrs;
    const n = sizeOf(out.shape);
    const first = Math.floor(stream.counter / 2);
    const skipped = stream.counter % 2;
    const groups = Math.ceil((skipped + n) / 8);
    // a counter that needs a carry while it runs is left to the host
    if (attrs.dtype !== "float32" || (first % 2 ** 32) + 4 * groups >= 2 ** 32) return false;
    const [k0, k1] = [stream.seed | 0, Math.floor(stream.seed / 2 ** 32) | 0];
    const kernel = engine.kernel("dropout mask", defineDropoutMask);
    const counter = [first | 0, Math.floor(first / 2 ** 32) | 0] as const;
    const draw = (at: number) =>
      engine.run(kernel, groups, GRAIN, k0, k1, k0 ^ k1 ^ PARITY, ...counter, Math.ceil(p * 2 ** 24), 1 / (1 - p), at);
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
  const parameters = {
    begin: "i32",
    end: "i32",
    k0: "i32",
    k1: "i32",
    k2: "i32",
    /** The first block's number, lower and upper word. */
    c0: "i32",
    c1: "i32",
    /** p·2²⁴ */
    threshold: "i32",
    scale: "f32",
    out: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const keys = [p.k0, p.k1, p.k2].map((key) => f.keep(i32x4.splat(key)));
    const threshold = f.keep(i32x4.splat(p.threshold));
    const scale = f.keep(f32x4.splat(p.scale));
    const group = f.keep(p.begin);
    const target = f.keep(i32.add(p.out, i32.shl(p.begin, 5)));
    const [x0, x1] = [f.variable("v128"), f.variable("v128")];
    const plus = (a: I32, b: I32) => i32x4.splat(i32.add(a, b));
    const rotated = (x: V128, by: number) => v128.or(i32x4.shl(x, by), i32x4.shrU(x, 32 - by));
    const kept = (word: V128) => v128.andnot(scale, i32x4.lt(i32x4.shrU(word, 8), threshold));
    f.while(
      () => i32.ltU(group, p.end),
      () => {
        f.set(x0, i32x4.add(i32x4.add(plus(p.c0, i32.shl(group, 2)), laneNumbers(f)), keys[0]!));
        f.set(x1, plus(p.c1, p.k1));
        for (let turn = 0; turn < 5; turn++) {
          for (let i = 0; i < 4; i++) {
            f.set(x0, i32x4.add(x0, x1));
            f.set(x1, v128.xor(rotated(x1, ROTATIONS[(turn % 2) * 4 + i]!), x0));
          }
          f.set(x0, i32x4.add(x0, keys[(turn + 1) % 3]!));
          f.set(x1, i32x4.add(x1, i32x4.add(keys[(turn + 2) % 3]!, i32x4.const(turn + 1))));
        }
        f.do(v128.store(target, kept(v128.shuffle32(x0, x1, [0, 4, 1, 5]))));
        f.do(v128.store(target, kept(v128.shuffle32(x0, x1, [2, 6, 3, 7])), 16));
        f.increase(target, 32);
        f.increase(group, 1);
      },
    );
  });
}
