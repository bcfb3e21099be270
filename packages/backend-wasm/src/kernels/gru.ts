/** A GRU over a whole sequence and its gradient: at each step a product with the recurrent weight, and the cell's kernel. */
import type { SequenceAttrs, SequenceGradAttrs, View } from "@neurite/core";
import type { Engine } from "../engine.js";
import { addressOf } from "../views.js";
import { cellGrain } from "./cell-rows.js";
import { gruCellGradKernel, gruCellKernel } from "./gru-cell.js";
import { place } from "./pad.js";
import { makeRecurrentProduct } from "./recurrence.js";

/**
 * outs h of every step [time, n, hidden] and the last h, while recording also the activated parts, the state's shares, and h
 * before each step; inputs shares [time, n, 3·hidden], weight, bias, h, perhaps a mask.
 */
export function makeGru(engine: Engine) {
  const products = makeRecurrentProduct(engine, "state");
  return (outs: readonly View[], inputs: readonly View[], { reverse }: SequenceAttrs): undefined => {
    const [time, n, width] = inputs[0]!.shape as [number, number, number];
    const hidden = width / 3;
    const [shares, , bias, h0, mask = 0] = inputs.map(addressOf) as [number, number, number, number, number?];
    const [output, h, gates = 0, fed, hs] = outs.map(addressOf) as [number, number, number?, number?, number?];
    const recording = fed !== undefined;
    const kernel = gruCellKernel(engine, { recording, sequence: true, masked: mask !== 0 });
    const [stateBytes, gateBytes] = [4 * n * hidden, 4 * n * width];
    const multiply = products(inputs[1]!, n, { bias });
    const first = reverse ? time - 1 : 0;
    const last = time - 1 - first;
    // while recording, the state before each step has a place of its own, else all share that of the last
    const placeOf = (t: number) => (hs === undefined ? h : hs + t * stateBytes);
    place(engine, 1, stateBytes, h0, 0, placeOf(first), 0);
    engine.withScratch(recording ? 0 : gateBytes, (scratch) => {
      for (let i = 0; i < time; i++) {
        const t = reverse ? first - i : i;
        const product = recording ? fed + t * gateBytes : scratch;
        const state = placeOf(t);
        multiply(state, product);
        engine.run(
          kernel,
          n,
          cellGrain(hidden),
          hidden,
          shares + t * gateBytes,
          product,
          state,
          output + t * stateBytes,
          gates + t * gateBytes,
          t === last ? h : placeOf(reverse ? t - 1 : t + 1),
          mask + t * n,
        );
      }
    });
  };
}

/**
 * outs the gradients by the shares of x, by those of h, and perhaps by the first h; inputs the activated parts, the state's
 * shares, h before each step, weight, the errors of the output and of the last h, perhaps a mask.
 */
export function makeGruGrad(engine: Engine) {
  const products = makeRecurrentProduct(engine, "error");
  return (outs: readonly View[], inputs: readonly View[], { reverse, initial }: SequenceGradAttrs): undefined => {
    const [time, n, width] = inputs[0]!.shape as [number, number, number];
    const hidden = width / 3;
    const [gates, fed, hs, , dOutput, lastDh, mask = 0] = inputs.map(addressOf) as number[] as [
      ...[number, number, number, number, number, number],
      number?,
    ];
    const kernel = gruCellGradKernel(engine, { sequence: true, masked: mask !== 0 });
    const [stateBytes, gateBytes] = [4 * n * hidden, 4 * n * width];
    const multiply = products(inputs[3]!, n, { accumulate: true });
    engine.withScratch(initial ? 0 : stateBytes, (scratch) => {
      const [dShares, dRecurrent, dh = scratch] = outs.map(addressOf) as [number, number, number?];
      place(engine, 1, stateBytes, lastDh, 0, dh, 0);
      for (let i = time - 1; i >= 0; i--) {
        const t = reverse ? time - 1 - i : i;
        const errors = dRecurrent + t * gateBytes;
        engine.run(
          kernel,
          n,
          cellGrain(hidden),
          hidden,
          gates + t * gateBytes,
          fed + t * gateBytes,
          hs + t * stateBytes,
          dh,
          dShares + t * gateBytes,
          errors,
          dh,
          dOutput + t * stateBytes,
          mask + t * n,
        );
        if (i > 0 || initial) multiply(errors, dh);
      }
    });
  };
}
