/** Passes over the rows of matrices, four elements at a time; what is left of a row counts with the rest masked. */
import { f32x4, type I32, i32, type V128, v128 } from "./emitter/code.js";
import type { FunctionBuilder, Local } from "./emitter/function.js";
import { across, firstLanes, loadLanes, storeSome } from "./lanes.js";
import { LongSum, RUN } from "./long-sum.js";

/** What a pass does with four elements at a byte offset from the row's start. */
export interface Lanes {
  /** The elements of a row that starts at `base`, with `neutral` behind its end. */
  load(base: I32, neutral?: V128): V128;
  /** The value, with `neutral` behind the row's end. */
  within(value: V128, neutral: V128): V128;
  /** The elements of a row of bools, as masks; anything behind its end. */
  loadBools(base: I32): V128;
  /** Writes elements of a row; nothing behind its end. */
  store(base: I32, value: V128): void;
}

/** Rows of `n` float32. */
export class RowWalk {
  readonly #offset: Local<"i32">;
  readonly #left: Local<"i32">;

  constructor(
    readonly f: FunctionBuilder,
    readonly n: I32,
  ) {
    this.#offset = f.variable("i32");
    this.#left = f.variable("i32");
  }

  /**
   * Folds all elements of the row into four lanes, as for their largest. Four folds run side by side, so that they need not wait for each other.
   * @param start value of a fold that has met nothing
   */
  fold(start: V128, step: (folded: V128, lanes: Lanes) => V128, join: (a: V128, b: V128) => V128): V128 {
    const { f } = this;
    const folds = Array.from({ length: 4 }, () => f.variable("v128", start));
    const [first, second, third, fourth] = folds as [Local<"v128">, Local<"v128">, Local<"v128">, Local<"v128">];
    this.#start();
    this.#sixteen((lanes, k) => f.set(folds[k]!, step(folds[k]!, lanes)));
    this.#rest((lanes) => f.set(first, step(first, lanes)));
    return f.keep(join(join(first, second), join(third, fourth)));
  }

  /**
   * Sums over all elements of the row, each in all lanes.
   * @param step adds what four elements give to `count` sums
   * @param side sums that run side by side: four where a step is so short that additions would wait for each other
   */
  sums(count: number, step: (sums: readonly V128[], lanes: Lanes) => readonly V128[], side = 1): Local<"v128">[] {
    const { f } = this;
    const zero = f32x4.const(0);
    const each = <T>(make: () => T) => Array.from({ length: count }, make);
    const parts = Array.from({ length: side }, () => each(() => f.variable("v128", zero)));
    const first = parts[0]!;
    const add = (sums: readonly Local<"v128">[], lanes: Lanes) => {
      for (const [i, next] of step(sums, lanes).entries()) f.set(sums[i]!, next);
    };
    const run = 4 * side * RUN;
    const isLong = f.keep(i32.gtU(this.n, run + 15));
    const totals = each(() => new LongSum(f, true));
    const stop = f.variable("i32");
    this.#start();
    f.while(
      () => i32.gtU(this.#left, 15),
      () => {
        f.set(stop, i32.select(i32.sub(this.#left, run), i32.const(15), i32.gtU(this.#left, run + 15)));
        this.#sixteen((lanes, part) => add(parts[part % side]!, lanes), stop);
        f.if(isLong, () => {
          for (const sums of parts) for (const [i, sum] of sums.entries()) totals[i]!.take(sum);
        });
      },
    );
    this.#rest((lanes) => add(first, lanes));
    for (const sums of parts.slice(1)) {
      for (const [i, sum] of sums.entries()) f.set(first[i]!, f32x4.add(first[i]!, sum));
    }
    const results = first.map((sum) => across(f, sum, f32x4.add));
    f.if(isLong, () =>
      totals.forEach((total, i) => {
        total.take(first[i]!);
        f.set(results[i]!, total.total());
      }),
    );
    return results;
  }

  /** One sum, see {@link sums}. */
  sum(step: (sum: V128, lanes: Lanes) => V128, side = 4): Local<"v128"> {
    return this.sums(1, ([sum], lanes) => [step(sum!, lanes)], side)[0]!;
  }

  /** Visits all elements of the row once. @param unrolled for short visits, next to which the loop itself would count */
  pass(visit: (lanes: Lanes) => void, unrolled = false): void {
    this.#start();
    if (unrolled) this.#sixteen(visit);
    this.#rest(visit);
  }

  #start(): void {
    this.f.set(this.#offset, i32.const(0));
    this.f.set(this.#left, this.n);
  }

  /** Visits sixteen elements at a time, in four parts, while there are more than `stop`, at least 15. */
  #sixteen(visit: (lanes: Lanes, part: number) => void, stop: I32 = i32.const(15)): void {
    const { f } = this;
    const at = (base: I32) => i32.add(base, this.#offset);
    f.while(
      () => i32.gtU(this.#left, stop),
      () => {
        for (let part = 0; part < 4; part++) {
          const lanes: Lanes = {
            load: (base) => v128.load(at(base), 16 * part),
            within: (value) => value,
            loadBools: (base) => this.#bools(base, 4 * part),
            store: (base, value) => f.do(v128.store(at(base), value, 16 * part)),
          };
          visit(lanes, part);
        }
        f.increase(this.#offset, 64);
        f.increase(this.#left, -16);
      },
    );
  }

  #bools(base: I32, offset: number): V128 {
    return loadLanes("bool", i32.add(i32.add(base, i32.shrU(this.#offset, 2)), offset));
  }

  /** Visits what is left of the row. */
  #rest(visit: (lanes: Lanes) => void): void {
    const { f } = this;
    const offset = this.#offset;
    const left = this.#left;
    const at = (base: I32) => i32.add(base, offset);
    f.while(
      () => i32.gtU(left, 3),
      () => {
        visit({
          load: (base) => v128.load(at(base)),
          within: (value) => value,
          loadBools: (base) => this.#bools(base, 0),
          store: (base, value) => f.do(v128.store(at(base), value)),
        });
        f.increase(offset, 16);
        f.increase(left, -4);
      },
    );
    const within = (value: V128, neutral: V128) => firstLanes(f, value, neutral, left);
    f.if(left, () =>
      visit({
        load: (base, neutral = f.vector(0)) => within(v128.load(at(base)), neutral),
        within,
        loadBools: (base) => this.#bools(base, 0),
        store: (base, value) => storeSome(f, "float32", at(base), value, left),
      }),
    );
  }
}
