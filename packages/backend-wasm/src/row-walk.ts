/** Passes over the rows of matrices, four elements at a time; what is left of a row counts with the rest masked. */
import { type I32, i32, type V128, v128 } from "./emitter/code.js";
import type { FunctionBuilder, Local } from "./emitter/function.js";
import { firstLanes, storeSome } from "./lanes.js";

/** What a pass does with four elements at a byte offset from the row's start. */
export interface Lanes {
  /** The elements of a row that starts at `base`, with `neutral` behind its end. */
  load(base: I32, neutral?: V128): V128;
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

  /** Visits all elements of the row once. */
  pass(visit: (lanes: Lanes) => void): void {
    const { f } = this;
    const offset = this.#offset;
    const left = this.#left;
    const at = (base: I32) => i32.add(base, offset);
    f.set(offset, i32.const(0));
    f.set(left, this.n);
    f.while(
      () => i32.gtU(left, 3),
      () => {
        visit({
          load: (base) => v128.load(at(base)),
          store: (base, value) => f.do(v128.store(at(base), value)),
        });
        f.increase(offset, 16);
        f.increase(left, -4);
      },
    );
    f.if(left, () =>
      visit({
        load: (base, neutral = f.vector(0)) => firstLanes(f, v128.load(at(base)), neutral, left),
        store: (base, value) => storeSome(f, "float32", at(base), value, left),
      }),
    );
  }
}
