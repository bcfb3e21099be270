/** An LSTM over a whole sequence and its gradient: at each step a product with the recurrent weight, and the cell's kernel. */
import type { SequenceAttrs, SequenceGradAttrs, View } from "@neurite/core";
import type { Engine } from "../engine.js";
import { addressOf } from "../views.js";
import { cellGrain } from "./cell-rows.js";
import { lstmCellGradKernel, lstmCellKernel } from "./lstm-cell.js";
import { place } from "./pad.js";
import { makeRecurrentProduct } from "./recurrence.js";

/**
 * outs h of every step [time, n, hidden] and the last h and c, while recording also the activated gates, tanh c′, and h and c
 * before each step; inputs shares [time, n, 4·hidden], weight, h, c, perhaps a mask.
 */
export function makeLstm(engine: Engine) {
  const products = makeRecurrentProduct(engine, "state");
  return (outs: readonly View[], inputs: readonly View[], { reverse }: SequenceAttrs): undefined => {
    const [time, n, width] = inputs[0]!.shape as [number, number, number];
    const hidden = width / 4;
    const [shares, , h0, c0, mask = 0] = inputs.map(addressOf) as [number, number, number, number, number?];
    const [output, h, c, gates, squashed = 0, hs, cs] = outs.map(addressOf) as [number, number, number, ...number[]];
    const recording = gates !== undefined;
    const kernel = lstmCellKernel(engine, { recording, sequence: true, masked: mask !== 0 });
    const [stateBytes, gateBytes] = [4 * n * hidden, 4 * n * width];
    const multiply = products(inputs[1]!, n);
    const first = reverse ? time - 1 : 0;
    const last = time - 1 - first;
    // while recording, the state before each step has a place of its own, else all share that of the last
    const placeOf = (states: number | undefined, end: number, t: number) =>
      states === undefined ? end : states + t * stateBytes;
    place(engine, 1, stateBytes, h0, 0, placeOf(hs, h, first), 0);
    place(engine, 1, stateBytes, c0, 0, placeOf(cs, c, first), 0);
    engine.withScratch(recording ? 0 : gateBytes, (scratch) => {
      for (let i = 0; i < time; i++) {
        const t = reverse ? first - i : i;
        const next = t === last ? null : reverse ? t - 1 : t + 1;
        const state = placeOf(hs, h, t);
        const before = placeOf(cs, c, t);
        const active = recording ? gates + t * gateBytes : scratch;
        multiply(state, active);
        engine.run(
          kernel,
          n,
          cellGrain(hidden),
          hidden,
          active,
          before,
          output + t * stateBytes,
          next === null ? c : placeOf(cs, c, next),
          active,
          squashed + t * stateBytes,
          shares + t * gateBytes,
          state,
          next === null ? h : placeOf(hs, h, next),
          mask + t * n,
        );
      }
    });
  };
}

/**
 * outs the gradients by the shares and perhaps by the first h and c; inputs the activated gates, tanh c′, c before each step,
 * weight, the errors of the output, of the last h and of the last c, perhaps a mask.
 */
export function makeLstmGrad(engine: Engine) {
  const products = makeRecurrentProduct(engine, "error");
  return (outs: readonly View[], inputs: readonly View[], { reverse, initial }: SequenceGradAttrs): undefined => {
    const [time, n, width] = inputs[0]!.shape as [number, number, number];
    const hidden = width / 4;
    const [gates, squashed, cs, , dOutput, lastDh, lastDc, mask = 0] = inputs.map(addressOf) as number[] as [
      ...[number, number, number, number, number, number, number],
      number?,
    ];
    const masked = mask !== 0;
    const kernel = lstmCellGradKernel(engine, { sequence: true, masked });
    const [stateBytes, gateBytes] = [4 * n * hidden, 4 * n * width];
    const multiply = products(inputs[3]!, n, { accumulate: masked });
    engine.withScratch(initial ? 0 : 2 * stateBytes, (scratch) => {
      const [dShares, dh = scratch, dc = scratch + stateBytes] = outs.map(addressOf) as [number, number?, number?];
      place(engine, 1, stateBytes, lastDh, 0, dh, 0);
      place(engine, 1, stateBytes, lastDc, 0, dc, 0);
      for (let i = time - 1; i >= 0; i--) {
        const t = reverse ? time - 1 - i : i;
        const errors = dShares + t * gateBytes;
        engine.run(
          kernel,
          n,
          cellGrain(hidden),
          hidden,
          gates + t * gateBytes,
          squashed + t * stateBytes,
          cs + t * stateBytes,
          dh,
          dc,
          errors,
          dc,
          dOutput + t * stateBytes,
          mask + t * n,
        );
        if (i > 0 || initial) multiply(errors, dh);
      }
    });
  };
}
