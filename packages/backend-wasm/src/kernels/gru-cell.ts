/** The elementwise half of a GRU step and its gradient, each in one pass over a row's three parts. */
import type { View } from "@neurite/core";
import { f32x4, type I32, i32, type V128, v128 } from "../emitter/code.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { CompiledKernel, Engine } from "../engine.js";
import { type Features, VectorMath } from "../vector-math.js";
import { addressOf } from "../views.js";
import { cellGrain, chooser, forRows } from "./cell-rows.js";

/** Reset gate, update gate, candidate. */
const PARTS = 3;

/** outs h′ [n, hidden], while recording also r, z and the candidate [n, 3·hidden]; inputs shares of x and of h, and h. */
export function makeGruCell(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[]): undefined => {
    const [n, hidden] = outs[0]!.shape as [number, number];
    const kernel = gruCellKernel(engine, { recording: outs.length > 1 });
    engine.run(kernel, n, cellGrain(hidden), hidden, ...[...inputs, ...outs].map(addressOf));
  };
}

interface CellForm {
  /** Keeps the activated parts. */
  readonly recording: boolean;
  /** A step of a sequence: puts h′ into `state` too. */
  readonly sequence?: boolean;
  /** Where a row's mask is false, the state stays h, and h′ is 0. */
  readonly masked?: boolean;
}

/** The kernel over rows; state and h may be one. */
export function gruCellKernel(engine: Engine, form: CellForm): CompiledKernel {
  const { recording, sequence = false, masked = false } = form;
  return engine.kernel(`gruCell ${recording} ${sequence} ${masked}`, (module, features) =>
    defineCell(module, features, form),
  );
}

function defineCell(module: ModuleBuilder, features: Features, { recording, sequence, masked }: CellForm): void {
  // what a form has no use for is left out by its callers, at the end
  const parameters = {
    begin: "i32",
    end: "i32",
    hidden: "i32",
    shares: "i32",
    recurrent: "i32",
    h: "i32",
    next: "i32",
    active: "i32",
    state: "i32",
    mask: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const math = new VectorMath(f, features);
    const width = f.keep(i32.shl(p.hidden, 2));
    forRows(f, p.begin, p.end, p.hidden, (row, offset, store) => {
      const at = f.keep(i32.add(i32.mul(row, width), offset));
      const part = f.keep(i32.add(i32.mul(row, i32.mul(width, PARTS)), offset));
      const place = (base: I32, k: number) => i32.add(i32.add(base, part), i32.mul(width, k));
      const x = (k: number) => v128.load(place(p.shares, k));
      const h = (k: number) => v128.load(place(p.recurrent, k));
      const choose = chooser(f, masked ? p.mask : null, row);
      const reset = f.keep(math.sigmoid(f32x4.add(x(0), h(0))));
      const update = f.keep(math.sigmoid(f32x4.add(x(1), h(1))));
      const candidate = f.keep(math.tanh(math.madd(reset, h(2), x(2))));
      const old = f.keep(v128.load(i32.add(p.h, at)));
      const next = f.keep(math.madd(update, f32x4.sub(old, candidate), candidate));
      store(i32.add(p.next, at), choose(next));
      if (sequence) store(i32.add(p.state, at), choose(next, old));
      if (!recording) return;
      for (const [k, value] of [reset, update, candidate].entries()) store(place(p.active, k), value);
    });
  });
}

/** outs gradients by the shares of x, those of h, and h; inputs the activated parts, the shares of h, h and dh′. */
export function makeGruCellGrad(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[]): undefined => {
    const [n, hidden] = inputs[2]!.shape as [number, number];
    const kernel = gruCellGradKernel(engine, {});
    engine.run(kernel, n, cellGrain(hidden), hidden, ...[...inputs, ...outs].map(addressOf));
  };
}

interface CellGradForm {
  /** A step of a sequence: adds the error of its output to dh′. */
  readonly sequence?: boolean;
  /** Where a row's mask is false, dh′ is handed on. */
  readonly masked?: boolean;
}

/** The kernel over rows; dh and dh′ may be one. */
export function gruCellGradKernel(engine: Engine, form: CellGradForm): CompiledKernel {
  const { sequence = false, masked = false } = form;
  return engine.kernel(`gruCellGrad ${sequence} ${masked}`, (module) => defineCellGrad(module, form));
}

function defineCellGrad(module: ModuleBuilder, { sequence, masked }: CellGradForm): void {
  const parameters = {
    begin: "i32",
    end: "i32",
    hidden: "i32",
    active: "i32",
    recurrent: "i32",
    h: "i32",
    dNext: "i32",
    dShares: "i32",
    dRecurrent: "i32",
    dh: "i32",
    dOutput: "i32",
    mask: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const one = f.vector(1);
    const width = f.keep(i32.shl(p.hidden, 2));
    const logistic = (y: V128) => f32x4.mul(y, f32x4.sub(one, y));
    forRows(f, p.begin, p.end, p.hidden, (row, offset, store) => {
      const at = f.keep(i32.add(i32.mul(row, width), offset));
      const part = f.keep(i32.add(i32.mul(row, i32.mul(width, PARTS)), offset));
      const place = (base: I32, k: number) => i32.add(i32.add(base, part), i32.mul(width, k));
      const choose = chooser(f, masked ? p.mask : null, row);
      const [reset, update, candidate] = [0, 1, 2].map((k) => f.keep(v128.load(place(p.active, k))));
      const dNext = f.keep(v128.load(i32.add(p.dNext, at)));
      const error = sequence ? f.keep(f32x4.add(dNext, v128.load(i32.add(p.dOutput, at)))) : dNext;
      const tangent = f32x4.sub(one, f32x4.mul(candidate!, candidate!));
      const dCandidate = f.keep(f32x4.mul(f32x4.mul(error, f32x4.sub(one, update!)), tangent));
      const throughReset = f32x4.mul(dCandidate, v128.load(place(p.recurrent, 2)));
      const dReset = f.keep(choose(f32x4.mul(throughReset, logistic(reset!))));
      const change = f32x4.sub(v128.load(i32.add(p.h, at)), candidate!);
      const dUpdate = f.keep(choose(f32x4.mul(f32x4.mul(error, change), logistic(update!))));
      for (const base of [p.dShares, p.dRecurrent]) {
        store(place(base, 0), dReset);
        store(place(base, 1), dUpdate);
      }
      store(place(p.dShares, 2), choose(dCandidate));
      store(place(p.dRecurrent, 2), choose(f32x4.mul(dCandidate, reset!)));
      store(i32.add(p.dh, at), choose(f32x4.mul(error, update!), dNext));
    });
  });
}
