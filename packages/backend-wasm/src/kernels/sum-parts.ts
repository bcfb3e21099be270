/** Long sums of whole arrays, such as products of matrices: as sums of sums, so that their error grows as a logarithm. */
import { f32x4, i32 } from "../emitter/code.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { RowWalk } from "../row-walk.js";

/** Parts of a sum: more would add more error, fewer would need more memory at once. */
const PARTS = 16;
const GRAIN = 16_384;

/**
 * The sum of `n` arrays of `size` float32, at the address `to`.
 * @param most of them that are summed at once
 * @param sum puts the sum of those start … start + count − 1 to an address
 */
export function sumParts(
  engine: Engine,
  size: number,
  n: number,
  most: number,
  to: number,
  sum: (start: number, count: number, to: number) => void,
): void {
  if (n <= most) {
    sum(0, n, to);
    return;
  }
  let part = most;
  while (part * PARTS < n) part *= PARTS;
  const sumFrom = (start: number, target: number) =>
    sumParts(engine, size, Math.min(part, n - start), most, target, (within, count, at) =>
      sum(start + within, count, at),
    );
  sumFrom(0, to);
  const add = engine.kernel("add", defineAdd);
  engine.withScratch(4 * size, (next) => {
    for (let start = part; start < n; start += part) {
      sumFrom(start, next);
      engine.run(add, size, GRAIN, to, next);
    }
  });
}

/** Elements begin … end of `part`, added to those of `sum`. */
function defineAdd(module: ModuleBuilder): void {
  module.define("run", { begin: "i32", end: "i32", sum: "i32", part: "i32" }, (f, p) => {
    const [sum, part] = [p.sum, p.part].map((base) => f.keep(i32.add(base, i32.shl(p.begin, 2))));
    new RowWalk(f, i32.sub(p.end, p.begin)).pass(({ load, store }) => store(sum!, f32x4.add(load(sum!), load(part!))));
  });
}
