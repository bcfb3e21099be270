/** Full connection. */
import { dispatch } from "../dispatch.js";
import { expectFloat, expectSameDType } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { defineOp, OuterProduct } from "../op.js";
import { composite } from "../scope.js";
import { expectSameShape, formatShape, sizeOf } from "../shape.js";
import { expectTensor, type Tensor } from "../tensor.js";
import { add } from "./elementwise.js";
import { matmul } from "./matmul.js";
import { sum } from "./reduce.js";
import { reshape, transpose } from "./views.js";

const NO_ATTRS = {};

/** y [n, out] = x [n, in] · Wᵀ [in, out] + b [out]; the bias may be missing. */
const linearOp = /* @__PURE__ */ defineOp<Record<string, never>>({
  name: "linear",
  infer([x, weight, bias]) {
    expectFloat("linear", "x", x!.dtype);
    expectSameDType("linear", "weight", x!.dtype, weight!.dtype);
    if (weight!.rank !== 2 || weight!.shape[1] !== x!.shape[1]) {
      throw new ShapeError({
        op: "linear",
        argument: "weight",
        expected: `[out, ${x!.shape[1]}], as x has ${x!.shape[1]} features along its last axis`,
        received: formatShape(weight!.shape),
        remedy: "Check the layer's input size.",
      });
    }
    if (bias) {
      expectSameDType("linear", "bias", x!.dtype, bias.dtype);
      expectSameShape("linear", "bias", [weight!.shape[0]!], bias.shape);
    }
    return [{ shape: [x!.shape[0]!, weight!.shape[0]!], dtype: x!.dtype }];
  },
  compose([x, weight, bias]) {
    const product = matmul(x!, transpose(weight!));
    return [bias ? add(product, bias) : product];
  },
  vjp: ({ inputs: [x, weight, bias], dy: [dy], needs }) => [
    needs[0] ? matmul(dy!, weight!) : null,
    needs[1] ? new OuterProduct(dy!, x!) : null,
    bias && needs[2] ? sum(dy!, { axis: 0 }) : null,
  ],
  saves: (_, [x, weight]) => ({ inputs: x && weight ? [0, 1] : x ? [1] : weight ? [0] : [] }),
});

/**
 * y = x·Wᵀ + b along the last axis (Jiang §8.2.1).
 * @param x [..., in]
 * @param weight [out, in]
 * @param bias [out]
 * @returns [..., out]
 * @throws ShapeError when `in` differs
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  expectTensor("linear", "x", x);
  expectTensor("linear", "weight", weight);
  if (x.rank === 0) {
    throw new ShapeError({
      op: "linear",
      argument: "x",
      expected: "a last axis of features",
      received: "a scalar",
      remedy: "Give x as [..., in].",
    });
  }
  if (x.rank === 2) return dispatch(linearOp, bias ? [x, weight, bias] : [x, weight], NO_ATTRS)[0]!;
  const features = x.shape[x.rank - 1]!;
  const leading = x.shape.slice(0, -1);
  return composite("linear", () => {
    const y = linear(reshape(x, [sizeOf(leading), features]), weight, bias);
    return reshape(y, [...leading, y.shape[1]!]);
  });
}
