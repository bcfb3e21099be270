/** Softmax and log-softmax, stable for large inputs. */
import { dispatch } from "../dispatch.js";
import { expectFloat } from "../dtype.js";
import { defineOp } from "../op.js";
import { normalizeAxis } from "../shape.js";
import { expectTensor, type Tensor } from "../tensor.js";
import { div, exp, log, mul, sub } from "./elementwise.js";
import { max, sum } from "./reduce.js";

interface SoftmaxAttrs {
  readonly axis: number;
}

const along = (axis: number) => ({ axis, keepDims: true });

/** x − max(x): the largest exponent becomes 0. An empty axis has no maximum and nothing to shift. */
function shifted(x: Tensor, axis: number): Tensor {
  return x.size === 0 ? x : sub(x, max(x, along(axis)));
}

const softmaxOp = /* @__PURE__ */ defineOp<SoftmaxAttrs>({
  name: "softmax",
  infer([x]) {
    expectFloat("softmax", "x", x!.dtype);
    return [x!];
  },
  compose([x], { axis }) {
    const powers = exp(shifted(x!, axis));
    return [div(powers, sum(powers, along(axis)))];
  },
  vjp: ({ attrs: { axis }, outputs: [y], dy: [dy] }) => [softmaxGrad(y!, dy!, axis)],
  saves: { outputs: [0] },
});

/** Jᵀdy with J = diag(y) − yyᵀ, from y and dy. */
const softmaxGradOp = /* @__PURE__ */ defineOp<SoftmaxAttrs>({
  name: "softmaxGrad",
  infer: ([y]) => [y!],
  compose: ([y, dy], { axis }) => [mul(y!, sub(dy!, sum(mul(dy!, y!), along(axis))))],
});

/** The gradient of softmax by its input, from its output and the gradient by that. Not for users. */
export function softmaxGrad(y: Tensor, dy: Tensor, axis = y.rank - 1): Tensor {
  return dispatch(softmaxGradOp, [y, dy], { axis })[0]!;
}

const logSoftmaxOp = /* @__PURE__ */ defineOp<SoftmaxAttrs>({
  name: "logSoftmax",
  infer([x]) {
    expectFloat("logSoftmax", "x", x!.dtype);
    return [x!];
  },
  compose([x], { axis }) {
    const low = shifted(x!, axis);
    return [sub(low, log(sum(exp(low), along(axis))))];
  },
  vjp: ({ attrs, outputs: [y], dy: [dy] }) => [dispatch(logSoftmaxGradOp, [y!, dy!], attrs)[0]!],
  saves: { outputs: [0] },
});

/** dy − eʸ·Σdy, from y and dy. */
const logSoftmaxGradOp = /* @__PURE__ */ defineOp<SoftmaxAttrs>({
  name: "logSoftmaxGrad",
  infer: ([y]) => [y!],
  compose: ([y, dy], { axis }) => [sub(dy!, mul(exp(y!), sum(dy!, along(axis))))],
});

/** yᵢ = e^{xᵢ} / Σⱼ e^{xⱼ} along `axis`; shape as `x`. */
export function softmax(x: Tensor, axis = -1): Tensor {
  expectTensor("softmax", "x", x);
  return dispatch(softmaxOp, [x], { axis: normalizeAxis("softmax", axis, x.rank) })[0]!;
}

/** ln softmax(x) along `axis`, without the loss of precision of taking the logarithm afterwards. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  expectTensor("logSoftmax", "x", x);
  return dispatch(logSoftmaxOp, [x], { axis: normalizeAxis("logSoftmax", axis, x.rank) })[0]!;
}
