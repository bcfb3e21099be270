/** The elementwise part of a GRU step (Cho et al. 2014), in PyTorch's form, fused, with its gradient. */
import { dispatch } from "../dispatch.js";
import { expectFloat, expectSameDType } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { defineOp } from "../op.js";
import { expectSameShape, formatShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { concat, split } from "./concat.js";
import { add, mul, sigmoid, square, sub, tanh } from "./elementwise.js";

type None = Record<string, never>;
type Three = [Tensor, Tensor, Tensor];

/** Shares of x and of h [n, 3h] each and h [n, h] to the next h; hidden result: r, z and the candidate side by side [n, 3h]. */
export const gruCellOp = /* @__PURE__ */ defineOp<None>({
  name: "gruCell",
  infer([shares, recurrent, h], _, aux) {
    expectFloat("gruCell", "shares", shares!.dtype);
    expectSameDType("gruCell", "recurrent", shares!.dtype, recurrent!.dtype);
    expectSameDType("gruCell", "h", shares!.dtype, h!.dtype);
    if (shares!.rank !== 2 || shares!.shape[1]! % 3 !== 0) {
      throw new ShapeError({
        op: "gruCell",
        argument: "shares",
        expected: "[n, 3·hidden]",
        received: formatShape(shares!.shape),
        remedy: "The three parts (reset, update, candidate) stand side by side.",
      });
    }
    expectSameShape("gruCell", "recurrent", shares!.shape, recurrent!.shape);
    expectSameShape("gruCell", "h", [shares!.shape[0]!, shares!.shape[1]! / 3], h!.shape);
    return aux ? [h!, shares!] : [h!];
  },
  compose([shares, recurrent, h], _, aux) {
    const [xr, xz, xn] = split(shares!, 3, 1) as Three;
    const [hr, hz, hn] = split(recurrent!, 3, 1) as Three;
    const r = sigmoid(add(xr, hr));
    const z = sigmoid(add(xz, hz));
    const n = tanh(add(xn, mul(r, hn)));
    const next = add(n, mul(z, sub(h!, n)));
    return aux ? [next, concat([r, z, n], 1)] : [next];
  },
  vjp({ inputs: [, recurrent, h], aux: [gates], dy: [dh] }) {
    return dispatch(gruCellGradOp, [gates!, recurrent!, h!, dh!], {});
  },
  aux: 1,
  saves: { inputs: [1, 2] },
});

/** Gradients by the shares of x, those of h, and h itself, from activated gates, the shares of h, h and dh. */
export const gruCellGradOp = /* @__PURE__ */ defineOp<None>({
  name: "gruCellGrad",
  infer: ([gates, recurrent, h]) => [gates!, recurrent!, h!],
  compose([gates, recurrent, h, dh]) {
    const [r, z, n] = split(gates!, 3, 1) as Three;
    const [, , hn] = split(recurrent!, 3, 1) as Three;
    const logistic = (y: Tensor) => mul(y, sub(1, y));
    const dn = mul(mul(dh!, sub(1, z)), sub(1, square(n)));
    const dr = mul(mul(dn, hn), logistic(r));
    const dz = mul(mul(dh!, sub(h!, n)), logistic(z));
    return [concat([dr, dz, dn], 1), concat([dr, dz, mul(dn, r)], 1), mul(dh!, z)];
  },
});

/**
 * r = σ(xᵣ + hᵣ), z = σ(x_z + h_z), c = tanh(x_c + r ⊙ h_c); h′ = (1 − z) ⊙ c + z ⊙ h.
 * @param shares [n, 3·hidden]: the input's part of the pre-activations xᵣ, x_z, x_c
 * @param recurrent [n, 3·hidden]: the state's part, with its own biases: hᵣ, h_z, h_c
 * @param h [n, hidden]
 * @returns h′ [n, hidden]
 */
export function gruCell(shares: Tensor, recurrent: Tensor, h: Tensor): Tensor {
  return dispatch(gruCellOp, [shares, recurrent, h], {})[0]!;
}
