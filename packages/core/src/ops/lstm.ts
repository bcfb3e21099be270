/**
 * A recurrent layer of LSTM cells over a whole sequence (Hochreiter & Schmidhuber 1997) as one op, with its gradient as
 * another. A single step is `lstm-cell.ts`.
 */
import { dispatch } from "../dispatch.js";
import { expectOptions, expectRecord } from "../expect.js";
import { defineOp, OuterProduct } from "../op.js";
import type { Tensor } from "../tensor.js";
import { unstack } from "./concat.js";
import { add } from "./elementwise.js";
import { lstmCellGradOp, lstmCellOp } from "./lstm-cell.js";
import { matmul } from "./matmul.js";
import {
  expectSequence,
  held,
  orderOf,
  realSteps,
  rowsOf,
  SEQUENCE,
  type SequenceAttrs,
  type SequenceGradAttrs,
  type SequenceOptions,
  stackSteps,
} from "./recurrence.js";
import { transpose } from "./views.js";

/**
 * Shares [time, n, 4h], weight [4h, h], h and c [n, h], perhaps a mask [time, n] to the outputs [time, n, h] and the last h
 * and c. Hidden results, over time: the activated gates [n, 4h], tanh c′, and h and c before the step, [n, h] each.
 */
const lstmOp = /* @__PURE__ */ defineOp<SequenceAttrs>({
  name: "lstm",
  infer([shares, weight, h, c, mask], _, aux) {
    expectSequence("lstm", 4, { shares: shares!, weight: weight!, h: h!, c: c! }, mask);
    const output = { shape: [shares!.shape[0]!, ...h!.shape], dtype: h!.dtype };
    return aux ? [output, h!, c!, shares!, output, output, output] : [output, h!, c!];
  },
  compose([shares, weight, h0, c0, mask], { reverse }, aux) {
    const steps = unstack(shares!);
    const real = realSteps(mask);
    const recurrent = transpose(weight!);
    const made: Tensor[][] = [];
    let [h, c] = [h0!, c0!];
    for (const t of orderOf(steps.length, reverse)) {
      const gates = add(steps[t]!, matmul(h, recurrent));
      const [nextH, nextC, ...activated] = dispatch(lstmCellOp, [gates, c], {}, aux) as [Tensor, Tensor, ...Tensor[]];
      const output = held(real?.[t], nextH, 0);
      made[t] = aux ? [output, ...activated, h, c] : [output];
      h = held(real?.[t], nextH, h);
      c = held(real?.[t], nextC, c);
    }
    const [output, ...hidden] = stackSteps(made);
    return [output!, h, c, ...hidden];
  },
  vjp({ inputs: [, weight, , , mask], aux: [gates, squashed, hs, cs], dy: [dOutput, dh, dc], attrs, needs }) {
    const known = [gates!, squashed!, cs!, weight!, dOutput!, dh!, dc!];
    const gradAttrs = { ...attrs, initial: needs[2]! || needs[3]! };
    const [dShares, ...initial] = dispatch(lstmGradOp, mask ? [...known, mask] : known, gradAttrs);
    const byWeight = needs[1] ? new OuterProduct(rowsOf(dShares!), rowsOf(hs!)) : null;
    return [dShares!, byWeight, ...initial];
  },
  aux: 4,
  saves: { inputs: [1, 4] },
});

/** Gradients by the shares and, if wanted, by the initial h and c; from hidden results, weight, dOutput, dh, dc, mask. */
const lstmGradOp = /* @__PURE__ */ defineOp<SequenceGradAttrs>({
  name: "lstmGrad",
  infer: ([gates, , , , , dh, dc], { initial }) => (initial ? [gates!, dh!, dc!] : [gates!]),
  compose([gates, squashed, cs, weight, dOutput, dh0, dc0, mask], { reverse, initial }) {
    const steps = [gates!, squashed!, cs!, dOutput!].map((x) => unstack(x));
    const real = realSteps(mask);
    const made: Tensor[][] = [];
    let [dh, dc] = [dh0!, dc0!];
    for (const t of orderOf(gates!.shape[0]!, !reverse)) {
      const [active, tanhC, c, dy] = steps.map((x) => x[t]!) as [Tensor, Tensor, Tensor, Tensor];
      const error = add(dh, held(real?.[t], dy, 0));
      const [dGates, dCell] = dispatch(lstmCellGradOp, [active, tanhC, c, error, dc], {}) as [Tensor, Tensor];
      const step = held(real?.[t], dGates, 0);
      made[t] = [step];
      const through = matmul(step, weight!);
      // padding hands on what it gets
      dh = held(real?.[t], through, dh);
      dc = held(real?.[t], dCell, dc);
    }
    const [dShares] = stackSteps(made);
    return initial ? [dShares!, dh, dc] : [dShares!];
  },
});

/**
 * Every step of a sequence: gates = shares[t] + h·Wᵀ, then h and c as {@link lstmCell} makes them.
 * @param shares [time, n, 4·hidden]: the input's part of the pre-activations and all biases, in PyTorch's order i, f, g, o
 * @param weight [4·hidden, hidden]
 * @param state h and c before the first step, [n, hidden] each
 * @returns h of every step, [time, n, hidden], and h and c after the last
 * @throws ShapeError, DTypeError
 * @example
 * const { output, h, c } = lstm(linear(x, weightIh, bias), weightHh, { h: zero, c: zero });   // x [time, n, inputs]
 */
export function lstm(
  shares: Tensor,
  weight: Tensor,
  state: { readonly h: Tensor; readonly c: Tensor },
  options: SequenceOptions = {},
): { output: Tensor; h: Tensor; c: Tensor } {
  expectRecord("lstm", "state", state, "{ h, c }");
  expectOptions("lstm", options, SEQUENCE);
  const { h, c } = state;
  const { reverse = false, mask } = options;
  const given = [shares, weight, h, c];
  const [output, lastH, lastC] = dispatch(lstmOp, mask ? [...given, mask] : given, { reverse });
  return { output: output!, h: lastH!, c: lastC! };
}
