/** Many small products in one call, such as those of attention: nothing is packed, and the batch runs inside. */
import { f32, f32x4, type I32, i32, v128 } from "../emitter/code.js";
import type { FunctionBuilder, Local } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import { across, firstLanes, storeSome } from "../lanes.js";
import { sumLanes } from "../long-sum.js";
import { type Features, VectorMath } from "../vector-math.js";

const PARAMETERS = {
  begin: "i32",
  end: "i32",
  m: "i32",
  n: "i32",
  k: "i32",
  a: "i32",
  aBatch: "i32",
  aRow: "i32",
  aStep: "i32",
  b: "i32",
  bBatch: "i32",
  bStep: "i32",
  bColumn: "i32",
  c: "i32",
  /** Address of n numbers added to the first row, or 0, and the step in bytes to those of the next. */
  bias: "i32",
  biasRow: "i32",
} as const;

type Product = Readonly<Record<keyof typeof PARAMETERS, Local<"i32">>>;

/**
 * Batches begin … end of C [m, n] = A [m, k] · B [k, n], C contiguous.
 * @param layout "rows": neighbours in n are neighbours in B; "dot": neighbours in k are neighbours in A and in B
 */
export function defineSmallProduct(module: ModuleBuilder, features: Features, layout: "rows" | "dot"): void {
  module.define("run", PARAMETERS, (f, p) => {
    const math = new VectorMath(f, features);
    const batch = f.keep(p.begin);
    const target = f.keep(i32.add(p.c, i32.shl(i32.mul(i32.mul(batch, p.m), p.n), 2)));
    const left = f.variable("i32");
    const right = f.variable("i32");
    const added = f.variable("i32");
    f.while(
      () => i32.ltU(batch, p.end),
      () => {
        f.set(left, i32.add(p.a, i32.mul(batch, p.aBatch)));
        f.set(added, p.bias);
        f.times(p.m, () => {
          f.set(right, i32.add(p.b, i32.mul(batch, p.bBatch)));
          if (layout === "rows") emitRow(f, math, p, left, right, added, target);
          else emitDots(f, math, p, left, right, added, target);
          f.increase(left, p.aRow);
          f.increase(added, p.biasRow);
        });
        f.increase(batch, 1);
      },
    );
  });
}

/** One row of C, four columns at a time: Σ a·(four of B). */
function emitRow(
  f: FunctionBuilder,
  math: VectorMath,
  p: Product,
  a: I32,
  b: Local<"i32">,
  added: I32,
  c: Local<"i32">,
): void {
  const columns = f.keep(p.n);
  const bias = f.keep(added);
  const sum = f.variable("v128");
  f.while(
    () => columns,
    () => {
      const source = f.keep(b);
      const factor = f.keep(a);
      f.set(sum, f32x4.const(0));
      f.if(bias, () => {
        f.set(sum, v128.load(bias));
        f.increase(bias, 16);
      });
      sumLanes(f, p.k, sum, (steps) =>
        f.times(steps, () => {
          f.set(sum, math.madd(v128.load32Splat(factor), v128.load(source), sum));
          f.increase(factor, p.aStep);
          f.increase(source, p.bStep);
        }),
      );
      f.if(
        i32.gtU(columns, 3),
        () => {
          f.do(v128.store(c, sum));
          f.increase(c, 16);
          f.increase(b, 16);
          f.increase(columns, -4);
        },
        () => {
          storeSome(f, "float32", c, sum, columns);
          f.increase(c, i32.shl(columns, 2));
          f.set(columns, i32.const(0));
        },
      );
    },
  );
}

/** One row of C, an inner product after the other, four of k at a time. */
function emitDots(
  f: FunctionBuilder,
  math: VectorMath,
  p: Product,
  a: I32,
  b: Local<"i32">,
  added: I32,
  c: Local<"i32">,
): void {
  const sum = f.variable("v128");
  const bias = f.keep(added);
  f.times(p.n, () => {
    const x = f.keep(a);
    const y = f.keep(b);
    const rest = f.keep(p.k);
    f.set(sum, f32x4.const(0));
    f.if(bias, () => {
      f.set(sum, v128.load32Zero(bias));
      f.increase(bias, 4);
    });
    const quads = f.keep(i32.shrU(rest, 2));
    sumLanes(f, quads, sum, (steps) =>
      f.times(steps, () => {
        f.set(sum, math.madd(v128.load(x), v128.load(y), sum));
        f.increase(x, 16);
        f.increase(y, 16);
      }),
    );
    f.set(rest, i32.and(rest, 3));
    f.if(rest, () => {
      const zero = f.vector(0);
      // both are masked: what lies behind may be NaN
      const last = f32x4.mul(firstLanes(f, v128.load(x), zero, rest), firstLanes(f, v128.load(y), zero, rest));
      f.set(sum, f32x4.add(sum, last));
    });
    f.do(f32.store(c, f32x4.extract(across(f, sum, f32x4.add), 0)));
    f.increase(c, 4);
    f.increase(b, p.bColumn);
  });
}
