/** Positions of extremes along the middle axis of [outer, n, inner]. */
import type { ArgReduceKind, DType, View } from "@neurite/core";
import { f32, type I32, i32 } from "../emitter/code.js";
import type { FunctionBuilder } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { elementBytes } from "../lanes.js";
import { addressOf } from "../views.js";

const GRAIN = 8192;

export function makeArgReduce(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[], { kind }: { readonly kind: ArgReduceKind }): undefined => {
    const [x] = inputs as [View];
    const [outer, n, inner] = x.shape as [number, number, number];
    const kernel = engine.variant("argReduce", kind, x.dtype, (module) => defineArgReduce(module, kind, x.dtype));
    engine.run(kernel, outer * inner, Math.ceil(GRAIN / n), n, inner, addressOf(x), addressOf(outs[0]!));
  };
}

/** Items begin … end of outer · inner: the first position of the extreme, or of a NaN. */
function defineArgReduce(module: ModuleBuilder, kind: ArgReduceKind, dtype: DType): void {
  const parameters = { begin: "i32", end: "i32", n: "i32", inner: "i32", x: "i32", out: "i32" } as const;
  const bytes = elementBytes(dtype);
  const isFloat = dtype === "float32";
  module.define("run", parameters, (f, p) => {
    const item = f.keep(p.begin);
    const at = f.variable("i32");
    const position = f.variable("i32");
    const tournament = isFloat ? floatTournament(f, kind, at) : integerTournament(f, kind, at, bytes);
    f.while(
      () => i32.ltU(item, p.end),
      () => {
        const outer = f.keep(i32.divU(item, p.inner));
        const column = f.keep(i32.sub(item, i32.mul(outer, p.inner)));
        f.set(at, i32.add(p.x, i32.mul(i32.add(i32.mul(i32.mul(outer, p.n), p.inner), column), bytes)));
        tournament.start();
        f.set(position, i32.const(0));
        f.times(p.n, (i) => {
          f.if(tournament.challenge(), () => {
            tournament.take();
            f.set(position, i);
          });
          f.increase(at, i32.mul(p.inner, bytes));
        });
        f.do(i32.store(i32.add(p.out, i32.shl(item, 2)), position));
        f.increase(item, 1);
      },
    );
  });
}

/** The best value so far, and whether the one at an address beats it. */
interface Tournament {
  start(): void;
  challenge(): I32;
  take(): void;
}

function floatTournament(f: FunctionBuilder, kind: ArgReduceKind, at: I32): Tournament {
  const best = f.variable("f32");
  const value = f.variable("f32");
  return {
    start: () => f.set(best, f32.load(at)),
    challenge() {
      f.set(value, f32.load(at));
      const wins = kind === "argMax" ? f32.gt(value, best) : f32.lt(value, best);
      // NaN beats all, and nothing beats NaN
      return i32.and(i32.or(wins, f32.ne(value, value)), f32.eq(best, best));
    },
    take: () => f.set(best, value),
  };
}

function integerTournament(f: FunctionBuilder, kind: ArgReduceKind, at: I32, bytes: number): Tournament {
  const best = f.variable("i32");
  const value = f.variable("i32");
  const load = () => (bytes === 1 ? i32.load8u(at) : i32.load(at));
  return {
    start: () => f.set(best, load()),
    challenge() {
      f.set(value, load());
      return kind === "argMax" ? i32.gtS(value, best) : i32.ltS(value, best);
    },
    take: () => f.set(best, value),
  };
}
