/** The elementwise half of an LSTM step (Hochreiter & Schmidhuber 1997), fused, with its gradient. */
import { dispatch } from "../dispatch.js";
import { expectFloat, expectSameDType } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { defineOp } from "../op.js";
import { expectSameShape, formatShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { concat, split } from "./concat.js";
import { add, mul, sigmoid, square, sub, tanh } from "./elementwise.js";

type None = Record<string, never>;

/** [n, 4h] and [n, h] to the next h and c, [n, h] each; hidden results: the four activated gates [n, 4h] and tanh c [n, h]. */
export const lstmCellOp = /* @__PURE__ */ defineOp<None>({
  name: "lstmCell",
  infer([gates, c], _, aux) {
    expectFloat("lstmCell", "gates", gates!.dtype);
    expectSameDType("lstmCell", "c", gates!.dtype, c!.dtype);
    if (gates!.rank !== 2 || gates!.shape[1]! % 4 !== 0) {
      throw new ShapeError({
        op: "lstmCell",
        argument: "gates",
        expected: "[n, 4·hidden]",
        received: formatShape(gates!.shape),
        remedy: "The four gates (input, forget, cell, output) stand side by side.",
      });
    }
    expectSameShape("lstmCell", "c", [gates!.shape[0]!, gates!.shape[1]! / 4], c!.shape);
    return aux ? [c!, c!, gates!, c!] : [c!, c!];
  },
  compose([gates, c], _, aux) {
    const [a, b, d, o] = split(gates!, 4, 1) as [Tensor, Tensor, Tensor, Tensor];
    const i = sigmoid(a);
    const f = sigmoid(b);
    const g = tanh(d);
    const out = sigmoid(o);
    const next = add(mul(f, c!), mul(i, g));
    const squashed = tanh(next);
    const h = mul(out, squashed);
    return aux ? [h, next, concat([i, f, g, out], 1), squashed] : [h, next];
  },
  vjp({ inputs: [, c], aux: [gates, squashed], dy: [dh, dc] }) {
    return dispatch(lstmCellGradOp, [gates!, squashed!, c!, dh!, dc!], {});
  },
  aux: 2,
  saves: { inputs: [1] },
});

/** Gradients by gates and c, from activated gates, tanh c′, c, dh and dc′. */
export const lstmCellGradOp = /* @__PURE__ */ defineOp<None>({
  name: "lstmCellGrad",
  infer: ([gates, , c]) => [gates!, c!],
  compose([gates, squashed, c, dh, dc]) {
    const [i, f, g, o] = split(gates!, 4, 1) as [Tensor, Tensor, Tensor, Tensor];
    const dNext = add(dc!, mul(mul(dh!, o), sub(1, square(squashed!))));
    const logistic = (y: Tensor) => mul(y, sub(1, y));
    const dGates = concat(
      [
        mul(mul(dNext, g), logistic(i)),
        mul(mul(dNext, c!), logistic(f)),
        mul(mul(dNext, i), sub(1, square(g))),
        mul(mul(dh!, squashed!), logistic(o)),
      ],
      1,
    );
    return [dGates, mul(dNext, f)];
  },
});

/**
 * c′ = σ(f) ⊙ c + σ(i) ⊙ tanh(g); h′ = σ(o) ⊙ tanh c′.
 * @param gates [n, 4·hidden]: pre-activations in PyTorch's order i, f, g, o
 * @param c [n, hidden]
 * @returns h′ and c′, [n, hidden] each
 */
export function lstmCell(gates: Tensor, c: Tensor): { h: Tensor; c: Tensor } {
  const [h, next] = dispatch(lstmCellOp, [gates, c], {});
  return { h: h!, c: next! };
}
