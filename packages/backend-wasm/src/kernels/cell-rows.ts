/** What the cells of recurrent networks share: their loop, and padding. */
import { type I32, i32, type V128, v128 } from "../emitter/code.js";
import type { FunctionBuilder } from "../emitter/function.js";
import { loadSplat, storeSome } from "../lanes.js";

/** Elements below which work is not split. */
const GRAIN = 4096;

/** Rows below which work is not split. */
export function cellGrain(hidden: number): number {
  return Math.ceil(GRAIN / hidden);
}

/** A loop over rows begin … end, and in each over `hidden` elements, four at a time. */
export function forRows(
  f: FunctionBuilder,
  begin: I32,
  end: I32,
  hidden: I32,
  visit: (row: I32, offset: I32, store: (address: I32, value: V128) => void) => void,
): void {
  const row = f.keep(begin);
  const offset = f.variable("i32");
  const left = f.variable("i32");
  f.while(
    () => i32.ltU(row, end),
    () => {
      f.set(offset, i32.const(0));
      f.set(left, hidden);
      f.while(
        () => i32.gtU(left, 3),
        () => {
          visit(row, offset, (address, value) => f.do(v128.store(address, value)));
          f.increase(offset, 16);
          f.increase(left, -4);
        },
      );
      f.if(left, () => visit(row, offset, (address, value) => storeSome(f, "float32", address, value, left)));
      f.increase(row, 1);
    },
  );
}

/** Chooses by the mask at `mask` + row, if there is one: the value where it is true, else the old one, or 0. */
export function chooser(f: FunctionBuilder, mask: I32 | null, row: I32): (value: V128, old?: V128) => V128 {
  const real = mask && f.keep(loadSplat("bool", i32.add(mask, row)));
  return (value, old) => (!real ? value : old ? v128.bitselect(value, old, real) : v128.and(value, real));
}
