/**
 * Sums of any number of float32. One after the other in float32, their error would grow with their number; so runs of
 * them are summed in float32, and the runs' sums in float64.
 */
import { f32x4, f64x2, type I32, i32, type V128, v128 } from "./emitter/code.js";
import type { FunctionBuilder, Local } from "./emitter/function.js";

/** Additions to one lane before its sum goes to float64: that then takes 3 % of a pass over the first-level cache. */
export const RUN = 64;

/** Four sums, one for each lane, or one of all lanes. */
export class LongSum {
  readonly #low: Local<"v128">;
  readonly #high: Local<"v128">;

  /** Starts at 0 wherever this code runs. @param joined whether only the total is wanted: that takes one register less */
  constructor(
    readonly f: FunctionBuilder,
    joined = false,
  ) {
    const zero = f32x4.const(0);
    this.#low = f.keep(zero);
    this.#high = joined ? this.#low : f.keep(zero);
  }

  /** Adds the sums of a run, and sets them to 0. */
  take(sums: Local<"v128">): void {
    const { f } = this;
    const add = (half: Local<"v128">, two: V128) => f.set(half, f64x2.add(half, f64x2.promoteLow(two)));
    add(this.#low, sums);
    add(this.#high, v128.shuffle32(sums, sums, [2, 3, 2, 3]));
    f.set(sums, f32x4.const(0));
  }

  /** The four sums. */
  lanes(): V128 {
    return v128.shuffle32(f64x2.demoteZero(this.#low), f64x2.demoteZero(this.#high), [0, 1, 4, 5]);
  }

  /** Of a joined sum, the total in all lanes. */
  total(): V128 {
    const pair = this.#low;
    const sum = this.f.keep(f64x2.demoteZero(f64x2.add(pair, v128.shuffle32(pair, pair, [2, 3, 0, 1]))));
    return v128.shuffle32(sum, sum, [0, 0, 0, 0]);
  }
}

/** Emits a loop of n steps that add to the lanes of `sum`, which may hold something already. @param fold does some of them */
export function sumLanes(f: FunctionBuilder, n: Local<"i32">, sum: Local<"v128">, fold: (steps: I32) => void): void {
  f.if(
    i32.gtU(n, RUN),
    () => {
      const total = new LongSum(f);
      const left = f.keep(n);
      const steps = f.variable("i32");
      f.while(
        () => left,
        () => {
          f.set(steps, i32.minU(left, i32.const(RUN)));
          fold(steps);
          total.take(sum);
          f.set(left, i32.sub(left, steps));
        },
      );
      f.set(sum, total.lanes());
    },
    () => fold(n),
  );
}
