/** The elementwise half of an LSTM step and its gradient, each in one pass over a row's four gates. */
import type { View } from "@neurite/core";
import { f32x4, type I32, i32, type V128, v128 } from "../emitter/code.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { CompiledKernel, Engine } from "../engine.js";
import { type Features, VectorMath } from "../vector-math.js";
import { addressOf } from "../views.js";
import { cellGrain, chooser, forRows } from "./cell-rows.js";

/** Bytes of a row of the four gates, for h = `hidden`. */
const gateRow = (hidden: I32) => i32.shl(hidden, 4);

/** outs h′ and c′ [n, hidden], while recording also the activated gates [n, 4·hidden] and tanh c′; inputs gates and c. */
export function makeLstmCell(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[]): undefined => {
    const [n, hidden] = inputs[1]!.shape as [number, number];
    const kernel = lstmCellKernel(engine, { recording: outs.length > 2 });
    engine.run(kernel, n, cellGrain(hidden), hidden, ...[...inputs, ...outs].map(addressOf));
  };
}

interface CellForm {
  /** Keeps the activated gates and tanh c′. */
  readonly recording: boolean;
  /** A step of a sequence: adds `shares` to the gates, and puts h′ into `state` too. */
  readonly sequence?: boolean;
  /** Where a row's mask is false, the state stays as it was before, and h′ is 0. */
  readonly masked?: boolean;
}

/** The kernel over rows; gates and active may be one, and so may a state and the one before. */
export function lstmCellKernel(engine: Engine, form: CellForm): CompiledKernel {
  const { recording, sequence = false, masked = false } = form;
  return engine.kernel(`lstmCell ${recording} ${sequence} ${masked}`, (module, features) =>
    defineCell(module, features, form),
  );
}

function defineCell(module: ModuleBuilder, features: Features, { recording, sequence, masked }: CellForm): void {
  // what a form has no use for is left out by its callers, at the end
  const parameters = {
    begin: "i32",
    end: "i32",
    hidden: "i32",
    gates: "i32",
    c: "i32",
    h: "i32",
    next: "i32",
    active: "i32",
    squashed: "i32",
    shares: "i32",
    before: "i32",
    state: "i32",
    mask: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const math = new VectorMath(f, features);
    const width = f.keep(i32.shl(p.hidden, 2));
    forRows(f, p.begin, p.end, p.hidden, (row, offset, store) => {
      const at = f.keep(i32.add(i32.mul(row, width), offset));
      const gate = f.keep(i32.add(i32.mul(row, gateRow(p.hidden)), offset));
      const place = (base: I32, k: number) => i32.add(i32.add(base, gate), i32.mul(width, k));
      const load = (k: number) => {
        const value = v128.load(place(p.gates, k));
        return sequence ? f32x4.add(v128.load(place(p.shares, k)), value) : value;
      };
      const choose = chooser(f, masked ? p.mask : null, row);
      const i = f.keep(math.sigmoid(load(0)));
      const forget = f.keep(math.sigmoid(load(1)));
      const g = f.keep(math.tanh(load(2)));
      const o = f.keep(math.sigmoid(load(3)));
      const c = f.keep(v128.load(i32.add(p.c, at)));
      const next = f.keep(math.madd(forget, c, f32x4.mul(i, g)));
      const squashed = f.keep(math.tanh(next));
      const h = f.keep(f32x4.mul(o, squashed));
      store(i32.add(p.next, at), choose(next, c));
      store(i32.add(p.h, at), choose(h));
      if (sequence) store(i32.add(p.state, at), choose(h, v128.load(i32.add(p.before, at))));
      if (!recording) return;
      store(i32.add(p.squashed, at), squashed);
      for (const [k, value] of [i, forget, g, o].entries()) store(place(p.active, k), value);
    });
  });
}

/** outs gradients by gates and c; inputs activated gates, tanh c′, c, dh, dc′. */
export function makeLstmCellGrad(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[]): undefined => {
    const [n, hidden] = inputs[2]!.shape as [number, number];
    const kernel = lstmCellGradKernel(engine, {});
    engine.run(kernel, n, cellGrain(hidden), hidden, ...[...inputs, ...outs].map(addressOf));
  };
}

interface CellGradForm {
  /** A step of a sequence: adds the error of its output to dh. */
  readonly sequence?: boolean;
  /** Where a row's mask is false, dc′ is handed on, and dh too: it stays, while it becomes 0 elsewhere. */
  readonly masked?: boolean;
}

/** The kernel over rows; dc and dc′ may be one. */
export function lstmCellGradKernel(engine: Engine, form: CellGradForm): CompiledKernel {
  const { sequence = false, masked = false } = form;
  return engine.kernel(`lstmCellGrad ${sequence} ${masked}`, (module) => defineCellGrad(module, form));
}

function defineCellGrad(module: ModuleBuilder, { sequence, masked }: CellGradForm): void {
  const parameters = {
    begin: "i32",
    end: "i32",
    hidden: "i32",
    gates: "i32",
    squashed: "i32",
    c: "i32",
    dh: "i32",
    dNext: "i32",
    dGates: "i32",
    dc: "i32",
    dOutput: "i32",
    mask: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const one = f.vector(1);
    const width = f.keep(i32.shl(p.hidden, 2));
    /** y(1 − y) and 1 − y². */
    const logistic = (y: V128) => f32x4.mul(y, f32x4.sub(one, y));
    const tangent = (y: V128) => f32x4.sub(one, f32x4.mul(y, y));
    forRows(f, p.begin, p.end, p.hidden, (row, offset, store) => {
      const at = f.keep(i32.add(i32.mul(row, width), offset));
      const gate = f.keep(i32.add(i32.mul(row, gateRow(p.hidden)), offset));
      const place = (base: I32, k: number) => i32.add(i32.add(base, gate), i32.mul(width, k));
      const choose = chooser(f, masked ? p.mask : null, row);
      const [i, forget, g, o] = [0, 1, 2, 3].map((k) => f.keep(v128.load(place(p.gates, k))));
      const carried = f.keep(v128.load(i32.add(p.dh, at)));
      const dh = sequence ? f.keep(f32x4.add(carried, v128.load(i32.add(p.dOutput, at)))) : carried;
      const squashed = f.keep(v128.load(i32.add(p.squashed, at)));
      const through = f32x4.mul(f32x4.mul(dh, o!), tangent(squashed));
      const dNext = f.keep(v128.load(i32.add(p.dNext, at)));
      const d = f.keep(f32x4.add(dNext, through));
      const c = v128.load(i32.add(p.c, at));
      store(place(p.dGates, 0), choose(f32x4.mul(f32x4.mul(d, g!), logistic(i!))));
      store(place(p.dGates, 1), choose(f32x4.mul(f32x4.mul(d, c), logistic(forget!))));
      store(place(p.dGates, 2), choose(f32x4.mul(f32x4.mul(d, i!), tangent(g!))));
      store(place(p.dGates, 3), choose(f32x4.mul(f32x4.mul(dh, squashed), logistic(o!))));
      store(i32.add(p.dc, at), choose(f32x4.mul(d, forget!), dNext));
      if (masked) store(i32.add(p.dh, at), choose(f32x4.const(0), carried));
    });
  });
}
