/** Copies: to row-major order, and from one dtype to another. */
import { coalesceFor } from "../coalesce.js";
import { dispatch } from "../dispatch.js";
import { type DType, isFloat } from "../dtype.js";
import { expectDType } from "../expect.js";
import { defineOp } from "../op.js";
import { allocateTensor, expectTensor, type Tensor } from "../tensor.js";

const NO_ATTRS = {};

/** Fills `out` (contiguous) with the elements of `x`, of the same shape or one that broadcasts to it. */
export function copyInto(out: Tensor, x: Tensor): void {
  if (out.size === 0) return;
  const plan = coalesceFor(out, [x]);
  out.device.backend.kernels.copy([plan.out], plan.inputs, NO_ATTRS);
}

/** `x` itself when contiguous, else a contiguous copy that the caller disposes. Not recorded. */
export function packed(x: Tensor): Tensor {
  if (x.contiguous) return x;
  const out = allocateTensor(x.device, x.shape, x.dtype);
  copyInto(out, x);
  return out;
}

export function allContiguous(tensors: readonly Tensor[]): boolean {
  for (let i = 0; i < tensors.length; i++) if (!tensors[i]!.contiguous) return false;
  return true;
}

/** Calls `fn` with contiguous versions of the inputs, and frees the copies. */
export function withPacked<T>(inputs: readonly Tensor[], fn: (inputs: readonly Tensor[]) => T): T {
  if (allContiguous(inputs)) return fn(inputs);
  const ready = inputs.map(packed);
  try {
    return fn(ready);
  } finally {
    ready.forEach((copy, i) => {
      if (copy !== inputs[i]) copy.dispose();
    });
  }
}

const copyOp = /* @__PURE__ */ defineOp<{ readonly dtype: DType }>({
  name: "copy",
  infer: ([x], { dtype }) => [{ shape: x!.shape, dtype }],
  lower: (_device, [out], [x]) => copyInto(out!, x!),
  vjp: ({ inputs: [x], dy: [dy] }) => [isFloat(dy!.dtype) ? cast(dy!, x!.dtype) : null],
});

/** A contiguous copy of `x`. */
export function copy(x: Tensor): Tensor {
  expectTensor("copy", "x", x);
  return dispatch(copyOp, [x], { dtype: x.dtype })[0]!;
}

/**
 * `x` in another dtype. Floats become integers by truncation toward zero, numbers out of range the nearest
 * in range, NaN 0; anything becomes `bool` by `≠ 0`. Gradients
 * pass between floating dtypes only.
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  expectTensor("cast", "x", x);
  expectDType("cast", "dtype", dtype);
  return x.dtype === dtype ? x : dispatch(copyOp, [x], { dtype })[0]!;
}
