/** Tensors made from nothing but a shape. */

import { type Device, defaultDevice } from "../device.js";
import { dispatch } from "../dispatch.js";
import { type DType, expectFits, isFloat } from "../dtype.js";
import { badValue, expectFinite, expectInteger, expectOptions, type OptionKinds } from "../expect.js";
import { defineOp } from "../op.js";
import { expectShape, type Shape } from "../shape.js";
import { expectTensor, madeOnHost, type Tensor } from "../tensor.js";

export interface CreateOptions {
  /** Default `float32`. */
  readonly dtype?: DType;
  /** Default: the default device. */
  readonly device?: Device;
  /** What the axes of a parameter mean. It is not read: initialisers of layers are told it, and `zeros` can be one. */
  readonly layout?: string;
}

const OPTIONS: OptionKinds<CreateOptions> = { dtype: "dtype", device: "device", layout: "string" };

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
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
  lower: (_device, [out], _inputs, { value }) => fillTensor(out!, value),
  differentiable: false,
});

/** A tensor of one value. */
export function full(shape: Shape, value: number, options: CreateOptions = {}): Tensor {
  return filled("full", shape, value, options);
}

function filled(op: string, shape: Shape, value: number, options: CreateOptions = {}): Tensor {
  expectOptions(op, options, OPTIONS);
  expectShape(op, shape);
  if (typeof value !== "number") throw badValue(op, "value", "a number", value);
  const { dtype = "float32", device = defaultDevice() } = options;
  // any number but 0 is true
  if (dtype !== "bool") expectFits(op, "value", value, dtype);
  return dispatch(fullOp, [], { shape, dtype, value, device })[0]!;
}

export function zeros(shape: Shape, options?: CreateOptions): Tensor {
  return filled("zeros", shape, 0, options);
}

export function ones(shape: Shape, options?: CreateOptions): Tensor {
  return filled("ones", shape, 1, options);
}

/** Zeros of the shape, dtype and device of `x`. */
export function zerosLike(x: Tensor): Tensor {
  expectTensor("zerosLike", "x", x);
  return filled("zerosLike", x.shape, 0, { dtype: x.dtype, device: x.device });
}

/** Ones of the shape, dtype and device of `x`. */
export function onesLike(x: Tensor): Tensor {
  expectTensor("onesLike", "x", x);
  return filled("onesLike", x.shape, 1, { dtype: x.dtype, device: x.device });
}

/** start, start + step, … below (above, for a negative step) `end`: ⌈(end − start)/step⌉ elements. */
export function arange(start: number, end: number, step = 1, options: CreateOptions = {}): Tensor {
  expectOptions("arange", options, OPTIONS);
  const { dtype = "int32", device = defaultDevice() } = options;
  for (const [argument, value] of Object.entries({ start, end, step })) {
    if (isFloat(dtype) || argument === "end") expectFinite("arange", argument, value);
    else expectInteger("arange", argument, value);
  }
  if (step === 0) throw badValue("arange", "step", "a number other than 0", step);
  const length = Math.max(0, Math.ceil((end - start) / step));
  if (length > 0) {
    expectFits("arange", "start", start, dtype);
    expectFits("arange", "end", start + (length - 1) * step, dtype);
  }
  return madeOnHost(dtype, [length], device, (data) => {
    for (let i = 0; i < length; i++) data[i] = start + i * step;
  });
}
