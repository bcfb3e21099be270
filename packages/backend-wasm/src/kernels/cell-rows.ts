/** The loop that the cells of recurrent networks share. */
import { type I32, i32, type V128, v128 } from "../emitter/code.js";
import type { FunctionBuilder } from "../emitter/function.js";
import { storeSome } from "../lanes.js";

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
