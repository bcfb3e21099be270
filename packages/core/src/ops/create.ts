/** Tensors made from nothing but a shape. */

import { type Device, defaultDevice } from "../device.js";
import { dispatch } from "../dispatch.js";
import { type DType, hostArray } from "../dtype.js";
import { ValueError } from "../errors.js";
import { defineOp } from "../op.js";
import { expectShape, type Shape } from "../shape.js";
import { fromHost, type Tensor } from "../tensor.js";

export interface CreateOptions {
  /** Default `float32`. */
  readonly dtype?: DType;
  /** Default: the default device. */
  readonly device?: Device;
}

/** Sets every element of a fresh contiguous tensor. */
export function fillTensor(out: Tensor, value: number): void {
  if (out.size === 0) return;
  out.device.backend.kernels.fill([out], [], { value });
}

const fullOp = /* @__PURE__ */ defineOp<{
  readonly shape: Shape;
  readonly dtype: DType;
  readonly value: number;
  readonly device: Device;
}>({
  name: "full",
  infer(_, { shape, dtype }) {
    expectShape("full", shape);
    return [{ shape, dtype }];
  },
  lower: (_device, [out], _inputs, { value }) => fillTensor(out!, value),
  differentiable: false,
});

/** A tensor of one value. */
export function full(shape: Shape, value: number, options: CreateOptions = {}): Tensor {
  const { dtype = "float32", device = defaultDevice() } = options;
  return dispatch(fullOp, [], { shape, dtype, value, device })[0]!;
}

export function zeros(shape: Shape, options?: CreateOptions): Tensor {
  return full(shape, 0, options);
}

export function ones(shape: Shape, options?: CreateOptions): Tensor {
  return full(shape, 1, options);
}

/** Zeros of the shape, dtype and device of `x`. */
export function zerosLike(x: Tensor): Tensor {
  return full(x.shape, 0, x);
}

/** Ones of the shape, dtype and device of `x`. */
export function onesLike(x: Tensor): Tensor {
  return full(x.shape, 1, x);
}

/** start, start + step, … below (above, for a negative step) `end`: ⌈(end − start)/step⌉ elements. */
export function arange(start: number, end: number, step = 1, options: CreateOptions = {}): Tensor {
  const { dtype = "int32", device = defaultDevice() } = options;
  const length = Math.max(0, Math.ceil((end - start) / step));
  if (!Number.isFinite(length)) {
    throw new ValueError({
      op: "arange",
      argument: "step",
      expected: "finite bounds and a step other than 0",
      received: `${start}, ${end}, ${step}`,
    });
  }
  const data = hostArray(dtype, length);
  for (let i = 0; i < length; i++) data[i] = start + i * step;
  return fromHost(data, dtype, [length], device);
}
