/** The random numbers of core's generator, Threefry-2x32, four blocks at a time; and how the kernels that use them find theirs. */
import { i32, i32x4, type V128, v128 } from "../emitter/code.js";
import type { FunctionBuilder, ParameterLocals } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { laneNumbers } from "../lanes.js";

/** Groups of eight numbers below which work is not split. */
const GRAIN = 1024;
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const PARITY = 0x1bd11bda;
/** Numbers that are drawn at once: their words, 512 kB, stay in the second-level cache until they are used. */
const MOST_WORDS = 2 ** 17;

/** A place in a stream. */
export interface Stream {
  readonly seed: number;
  readonly counter: number;
}

const KEYS = { k0: "i32", k1: "i32", k2: "i32" } as const;

/** Parameters of a kernel that draws: groups begin … end, the keys, the first block's number (lower and upper word). */
export const DRAW = { begin: "i32", end: "i32", ...KEYS, c0: "i32", c1: "i32" } as const;

/** The keys and the first block as arguments for {@link DRAW}, and how many numbers of it are passed over; null where a block's number would need a carry while it runs. */
export function drawArguments({ seed, counter }: Stream, numbers: number) {
  const first = Math.floor(counter / 2);
  const skipped = counter % 2;
  const groups = Math.ceil((skipped + numbers) / 8);
  if ((first % 2 ** 32) + 4 * groups >= 2 ** 32) return null;
  const [k0, k1] = [seed | 0, Math.floor(seed / 2 ** 32) | 0];
  return { groups, skipped, args: [k0, k1, k0 ^ k1 ^ PARITY, first | 0, Math.floor(first / 2 ** 32) | 0] as const };
}

/** Visits groups begin … end with their eight numbers, in two vectors; two groups side by side, so that neither waits. */
export function forEachGroup(
  f: FunctionBuilder,
  p: ParameterLocals<typeof DRAW>,
  visit: (first: V128, second: V128) => void,
): void {
  const keys = [p.k0, p.k1, p.k2].map((key) => f.keep(i32x4.splat(key)));
  const turns = [1, 2, 3, 4, 5].map((turn) => f.keep(i32x4.add(keys[(turn + 1) % 3]!, i32x4.const(turn))));
  const group = f.keep(p.begin);
  const states = [0, 1].map(() => [f.variable("v128"), f.variable("v128")] as const);
  const draw = (count: number) => {
    const drawn = states.slice(0, count);
    for (const [i, [x0, x1]] of drawn.entries()) {
      const first = i32x4.splat(i32.add(p.c0, i32.shl(i32.add(group, i), 2)));
      f.set(x0, i32x4.add(i32x4.add(first, laneNumbers(f)), keys[0]!));
      f.set(x1, i32x4.splat(i32.add(p.c1, p.k1)));
    }
    for (let turn = 0; turn < 5; turn++) {
      for (let i = 0; i < 4; i++) {
        for (const [x0, x1] of drawn) {
          f.set(x0, i32x4.add(x0, x1));
          f.set(x1, v128.xor(rotated(x1, ROTATIONS[(turn % 2) * 4 + i]!), x0));
        }
      }
      for (const [x0, x1] of drawn) {
        f.set(x0, i32x4.add(x0, keys[(turn + 1) % 3]!));
        f.set(x1, i32x4.add(x1, turns[turn]!));
      }
    }
    for (const [x0, x1] of drawn) visit(v128.shuffle32(x0, x1, [0, 4, 1, 5]), v128.shuffle32(x0, x1, [2, 6, 3, 7]));
    f.increase(group, count);
  };
  f.while(
    () => i32.ltU(i32.add(group, 1), p.end),
    () => draw(2),
  );
  f.if(i32.ltU(group, p.end), () => draw(1));
}

function rotated(x: V128, by: number): V128 {
  return by % 8 === 0 ? v128.rotateBytes(x, by / 8) : v128.or(i32x4.shl(x, by), i32x4.shrU(x, 32 - by));
}

function defineWords(module: ModuleBuilder): void {
  module.define("run", { ...DRAW, out: "i32" }, (f, p) => {
    const target = f.keep(i32.add(p.out, i32.shl(p.begin, 5)));
    forEachGroup(f, p, (first, second) => {
      f.do(v128.store(target, first), v128.store(target, second, 16));
      f.increase(target, 32);
    });
  });
}

/**
 * Draws `each` numbers for each of `count` elements and hands them on: `use` gets the address of those of elements
 * begin … begin + length − 1, 32 random bits a number, and may read on to a whole vector.
 * @returns false where the host has to draw them
 */
export function withWords(
  engine: Engine,
  stream: Stream,
  count: number,
  each: number,
  use: (words: number, begin: number, length: number) => void,
): boolean {
  const most = MOST_WORDS / each;
  if (!drawArguments(stream, each * count)) return false;
  const kernel = engine.kernel("random words", defineWords);
  // one more group than there are elements for, where the first number is passed over
  engine.withScratch(4 * (each * Math.min(count, most) + 16), (at) => {
    for (let begin = 0; begin < count; begin += most) {
      const length = Math.min(most, count - begin);
      const counter = stream.counter + each * begin;
      const { groups, skipped, args } = drawArguments({ ...stream, counter }, each * length)!;
      engine.run(kernel, groups, GRAIN, ...args, at);
      use(at + 4 * skipped, begin, length);
    }
  });
  return true;
}
