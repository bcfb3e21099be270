/** Full connection. */
import { dispatch } from "../dispatch.js";
import { expectFloat, expectSameDType } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { expectOptions, type OptionKinds } from "../expect.js";
import { defineOp, type OpRecord, OuterProduct } from "../op.js";
import { composite } from "../scope.js";
import { expectSameShape, formatShape, sizeOf } from "../shape.js";
import { expectTensor, type Tensor } from "../tensor.js";
import { add, relu } from "./elementwise.js";
import { matmul } from "./matmul.js";
import { sum } from "./reduce.js";
import { reshape, transpose } from "./views.js";

/** What {@link linear} does besides. */
export interface LinearActivation {
  /** Applied to the result in the same pass. Default none. */
  readonly activation?: "relu" | undefined;
}

const OPTIONS: OptionKinds<LinearActivation> = { activation: ["relu"] };

const NO_ATTRS: LinearActivation = {};

/** y [n, out] = x [n, in] · Wᵀ [in, out] + b [out]; the bias may be missing. */
const linearOp: OpRecord<LinearActivation> = /* @__PURE__ */ defineOp<LinearActivation>({
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
  compose(inputs, { activation }) {
    if (activation) return [relu(dispatch(linearOp, inputs, NO_ATTRS)[0]!)];
    const [x, weight, bias] = inputs;
    const product = matmul(x!, transpose(weight!));
    return [bias ? add(product, bias) : product];
  },
  vjp({ attrs: { activation }, inputs: [x, weight, bias], outputs: [y], dy, needs }) {
    const error = activation ? reluGradient(dy[0]!, y!) : dy[0]!;
    return [
      needs[0] ? matmul(error, weight!) : null,
      needs[1] ? new OuterProduct(error, x!) : null,
      bias && needs[2] ? sum(error, { axis: 0 }) : null,
    ];
  },
  saves: ({ activation }, [x, weight]) => ({
    inputs: x && weight ? [0, 1] : x ? [1] : weight ? [0] : [],
    outputs: activation ? [0] : [],
  }),
});

/** The gradient of relu, which needs only its result. */
function reluGradient(dy: Tensor, y: Tensor): Tensor {
  const context = { attrs: { scalars: [] }, inputs: [y], outputs: [y], aux: [], dy: [dy], needs: [true] };
  return relu.row.variant(0).vjp!(context)[0] as Tensor;
}

/**
 * y = x·Wᵀ + b along the last axis (Jiang §8.2.1).
 * @param x [..., in]
 * @param weight [out, in]
 * @param bias [out]
 * @returns [..., out]
 * @throws ShapeError when `in` differs, ValueError for another activation
 * @example
 * linear(x, weight, bias, { activation: "relu" })   // max(0, x·Wᵀ + b), in one pass where the backend can
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor, options: LinearActivation = NO_ATTRS): Tensor {
  expectTensor("linear", "x", x);
  expectTensor("linear", "weight", weight);
  if (bias !== undefined) expectTensor("linear", "bias", bias);
  if (options !== NO_ATTRS) expectOptions("linear", options, OPTIONS);
  if (x.rank === 0) {
    throw new ShapeError({
      op: "linear",
      argument: "x",
      expected: "a last axis of features",
      received: "a scalar",
      remedy: "Give x as [..., in].",
    });
  }
  if (x.rank === 2) return dispatch(linearOp, bias ? [x, weight, bias] : [x, weight], options)[0]!;
  const features = x.shape[x.rank - 1]!;
  const leading = x.shape.slice(0, -1);
  return composite("linear", () => {
    const y = linear(reshape(x, [sizeOf(leading), features]), weight, bias, options);
    return reshape(y, [...leading, y.shape[1]!]);
  });
}
