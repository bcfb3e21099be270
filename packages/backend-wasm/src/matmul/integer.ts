/** Products of int32 matrices, modulo 2³²: rarely used, so simple. */
import { i32 } from "../emitter/code.js";
import type { ModuleBuilder } from "../emitter/module.js";

/** Rows begin … end of C [m, n] = A [m, k] · B [k, n], both by steps in bytes. */
export function defineIntegerProduct(module: ModuleBuilder): void {
  const parameters = {
    begin: "i32",
    end: "i32",
    n: "i32",
    k: "i32",
    a: "i32",
    aRow: "i32",
    aStep: "i32",
    b: "i32",
    bStep: "i32",
    bColumn: "i32",
    c: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const row = f.keep(p.begin);
    const left = f.variable("i32");
    const right = f.variable("i32");
    const sum = f.variable("i32");
    f.while(
      () => i32.ltU(row, p.end),
      () => {
        f.times(p.n, (column) => {
          f.set(left, i32.add(p.a, i32.mul(row, p.aRow)));
          f.set(right, i32.add(p.b, i32.mul(column, p.bColumn)));
          f.set(sum, i32.const(0));
          f.times(p.k, () => {
            f.set(sum, i32.add(sum, i32.mul(i32.load(left), i32.load(right))));
            f.increase(left, p.aStep);
            f.increase(right, p.bStep);
          });
          f.do(i32.store(i32.add(p.c, i32.shl(i32.add(i32.mul(row, p.n), column), 2)), sum));
        });
        f.increase(row, 1);
      },
    );
  });
}
