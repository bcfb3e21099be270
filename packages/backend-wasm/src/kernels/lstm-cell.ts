/** The elementwise half of an LSTM step and its gradient, each in one pass over a row's four gates. */
import type { View } from "@neurite/core";
import { f32x4, type I32, i32, type V128, v128 } from "../emitter/code.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { type Features, VectorMath } from "../vector-math.js";
import { addressOf } from "../views.js";
import { forRows } from "./cell-rows.js";

const GRAIN = 4096;
/** Bytes of a row of the four gates, for h = `hidden`. */
const gateRow = (hidden: I32) => i32.shl(hidden, 4);

/** outs h′ and c′ [n, hidden], while recording also the activated gates [n, 4·hidden] and tanh c′; inputs gates and c. */
export function makeLstmCell(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[]): undefined => {
    const [gates, c] = inputs as [View, View];
    const [n, hidden] = c.shape as [number, number];
    const recording = outs.length > 2;
    const kernel = engine.kernel(`lstmCell ${recording}`, (module, features) =>
      defineCell(module, features, recording),
    );
    const [h, next, active = h!, squashed = h!] = outs;
    const addresses = [gates, c, h!, next!, active, squashed].map(addressOf);
    engine.run(kernel, n, Math.ceil(GRAIN / hidden), hidden, ...addresses);
  };
}

function defineCell(module: ModuleBuilder, features: Features, recording: boolean): void {
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
  } as const;
  module.define("run", parameters, (f, p) => {
    const math = new VectorMath(f, features);
    const width = f.keep(i32.shl(p.hidden, 2));
    forRows(f, p.begin, p.end, p.hidden, (row, offset, store) => {
      const at = f.keep(i32.add(i32.mul(row, width), offset));
      const gate = f.keep(i32.add(i32.mul(row, gateRow(p.hidden)), offset));
      const load = (k: number) => v128.load(i32.add(i32.add(p.gates, gate), i32.mul(width, k)));
      const i = f.keep(math.sigmoid(load(0)));
      const forget = f.keep(math.sigmoid(load(1)));
      const g = f.keep(math.tanh(load(2)));
      const o = f.keep(math.sigmoid(load(3)));
      const next = f.keep(math.madd(forget, v128.load(i32.add(p.c, at)), f32x4.mul(i, g)));
      const squashed = f.keep(math.tanh(next));
      store(i32.add(p.next, at), next);
      store(i32.add(p.h, at), f32x4.mul(o, squashed));
      if (!recording) return;
      store(i32.add(p.squashed, at), squashed);
      for (const [k, value] of [i, forget, g, o].entries()) {
        store(i32.add(i32.add(p.active, gate), i32.mul(width, k)), value);
      }
    });
  });
}

/** outs gradients by gates and c; inputs activated gates, tanh c′, c, dh, dc′. */
export function makeLstmCellGrad(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[]): undefined => {
    const [n, hidden] = inputs[2]!.shape as [number, number];
    const kernel = engine.kernel("lstmCellGrad", defineCellGrad);
    engine.run(kernel, n, Math.ceil(GRAIN / hidden), hidden, ...[...inputs, ...outs].map(addressOf));
  };
}

function defineCellGrad(module: ModuleBuilder): void {
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
      const [i, forget, g, o] = [0, 1, 2, 3].map((k) => f.keep(v128.load(place(p.gates, k))));
      const dh = f.keep(v128.load(i32.add(p.dh, at)));
      const squashed = f.keep(v128.load(i32.add(p.squashed, at)));
      const through = f32x4.mul(f32x4.mul(dh, o!), tangent(squashed));
      const d = f.keep(f32x4.add(v128.load(i32.add(p.dNext, at)), through));
      const c = v128.load(i32.add(p.c, at));
      store(place(p.dGates, 0), f32x4.mul(f32x4.mul(d, g!), logistic(i!)));
      store(place(p.dGates, 1), f32x4.mul(f32x4.mul(d, c), logistic(forget!)));
      store(place(p.dGates, 2), f32x4.mul(f32x4.mul(d, i!), tangent(g!)));
      store(place(p.dGates, 3), f32x4.mul(f32x4.mul(dh, squashed), logistic(o!)));
      store(i32.add(p.dc, at), f32x4.mul(d, forget!));
    });
  });
}
