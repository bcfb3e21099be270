/**
 * A recurrent layer of GRU cells over a whole sequence (Cho et al. 2014) as one op, with its gradient as another. A single
 * step is `gru-cell.ts`.
 */
import { dispatch } from "../dispatch.js";
import { expectSameDType } from "../dtype.js";
import { expectOptions, type OptionKinds } from "../expect.js";
import { defineOp, OuterProduct } from "../op.js";
import { composite } from "../scope.js";
import { expectSameShape } from "../shape.js";
import { expectTensor, type Tensor } from "../tensor.js";
import { unstack } from "./concat.js";
import { zeros } from "./create.js";
import { add } from "./elementwise.js";
import { gruCellGradOp, gruCellOp } from "./gru-cell.js";
import { linear } from "./linear.js";
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
import { sum } from "./reduce.js";

/**
 * Shares [time, n, 3h], weight [3h, h], bias [3h], h [n, h], perhaps a mask [time, n] to the outputs [time, n, h] and the
 * last h. Hidden results, over time: the activated gates and the state's shares, [n, 3h] each, and h before the step [n, h].
 */
const gruOp = /* @__PURE__ */ defineOp<SequenceAttrs>({
  name: "gru",
  infer([shares, weight, bias, h, mask], _, aux) {
    expectSequence("gru", 3, { shares: shares!, weight: weight!, h: h! }, mask);
    expectSameDType("gru", "bias", shares!.dtype, bias!.dtype);
    expectSameShape("gru", "bias", [weight!.shape[0]!], bias!.shape);
    const output = { shape: [shares!.shape[0]!, ...h!.shape], dtype: h!.dtype };
    return aux ? [output, h!, shares!, shares!, output] : [output, h!];
  },
  compose([shares, weight, bias, h0, mask], { reverse }, aux) {
    const steps = unstack(shares!);
    const real = realSteps(mask);
    const made: Tensor[][] = [];
    let h = h0!;
    for (const t of orderOf(steps.length, reverse)) {
      const recurrent = linear(h, weight!, bias!);
      const [next, ...activated] = dispatch(gruCellOp, [steps[t]!, recurrent, h], {}, aux) as [Tensor, ...Tensor[]];
      const output = held(real?.[t], next, 0);
      made[t] = aux ? [output, ...activated, recurrent, h] : [output];
      h = held(real?.[t], next, h);
    }
    const [output, ...hidden] = stackSteps(made);
    return [output!, h, ...hidden];
  },
  vjp({ inputs: [, weight, , , mask], aux: [gates, recurrent, hs], dy: [dOutput, dh], attrs, needs }) {
    const known = [gates!, recurrent!, hs!, weight!, dOutput!, dh!];
    const gradAttrs = { ...attrs, initial: needs[3]! };
    const [dShares, dRecurrent, initial] = dispatch(gruGradOp, mask ? [...known, mask] : known, gradAttrs);
    const rows = rowsOf(dRecurrent!);
    const byWeight = needs[1] ? new OuterProduct(rows, rowsOf(hs!)) : null;
    return [dShares!, byWeight, needs[2] ? sum(rows, { axis: 0 }) : null, initial ?? null];
  },
  aux: 3,
  saves: { inputs: [1, 4] },
});

/** Gradients by the shares of x, those of h and, if wanted, by the initial h; from hidden results, weight, dOutput, dh, mask. */
const gruGradOp = /* @__PURE__ */ defineOp<SequenceGradAttrs>({
  name: "gruGrad",
  infer: ([gates, recurrent, , , , dh], { initial }) => (initial ? [gates!, recurrent!, dh!] : [gates!, recurrent!]),
  compose([gates, recurrent, hs, weight, dOutput, dh0, mask], { reverse, initial }) {
    const steps = [gates!, recurrent!, hs!, dOutput!].map((x) => unstack(x));
    const real = realSteps(mask);
    const made: Tensor[][] = [];
    let dh = dh0!;
    for (const t of orderOf(gates!.shape[0]!, !reverse)) {
      const [active, fed, h, dy] = steps.map((x) => x[t]!) as [Tensor, Tensor, Tensor, Tensor];
      const error = add(dh, held(real?.[t], dy, 0));
      const results = dispatch(gruCellGradOp, [active, fed, h, error], {}) as [Tensor, Tensor, Tensor];
      const [dShares, dRecurrent] = results.slice(0, 2).map((x) => held(real?.[t], x, 0)) as [Tensor, Tensor];
      made[t] = [dShares, dRecurrent];
      // padding hands on what it gets
      dh = held(real?.[t], add(results[2], matmul(dRecurrent, weight!)), dh);
    }
    const stacked = stackSteps(made);
    return initial ? [...stacked, dh] : stacked;
  },
});

export interface GruOptions extends SequenceOptions {
  /** [3·hidden], added to the state's part. Default none. */
  readonly bias?: Tensor | undefined;
}

const OPTIONS: OptionKinds<GruOptions> = { ...SEQUENCE, bias: "tensor" };

/**
 * Every step of a sequence: h as {@link gruCell} makes it from shares[t] and h·Wᵀ + b.
 * @param shares [time, n, 3·hidden]: the input's part of the pre-activations with its biases, in PyTorch's order r, z, n
 * @param weight [3·hidden, hidden]
 * @param h [n, hidden], before the first step
 * @returns h of every step, [time, n, hidden], and h after the last
 * @throws ShapeError, DTypeError
 * @example
 * const { output, h } = gru(linear(x, weightIh, biasIh), weightHh, zero, { bias: biasHh });   // x [time, n, inputs]
 */
export function gru(
  shares: Tensor,
  weight: Tensor,
  h: Tensor,
  options: GruOptions = {},
): { output: Tensor; h: Tensor } {
  expectOptions("gru", options, OPTIONS);
  const { bias, reverse = false, mask } = options;
  expectTensor("gru", "weight", weight);
  const [output, last] = composite("gru", () => {
    const added = bias ?? zeros(weight.shape.slice(0, 1), { dtype: weight.dtype, device: weight.device });
    return dispatch(gruOp, mask ? [shares, weight, added, h, mask] : [shares, weight, added, h], { reverse });
  });
  return { output: output!, h: last! };
}
