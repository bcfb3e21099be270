/** Losses of numbers: squared, absolute, and those in between. */
import {
  composite,
  type Expression,
  e,
  elementwise,
  expectFloat,
  expectSameDType,
  expectSameShape,
  expectTensor,
  type Tensor,
} from "@neurite/core";
import { expectFinite, expectOptions, expectPositive, type OptionKinds } from "@neurite/core/expect";
import { LOSS_OPTIONS, type LossOptions, reduceLoss } from "./reduction.js";

export interface SmoothL1Options extends LossOptions {
  /** |error| from which the loss is linear. Default 1. */
  readonly beta?: number;
}

export interface HuberOptions extends LossOptions {
  /** |error| from which the loss is linear. Default 1. */
  readonly delta?: number;
}

const SMOOTH_L1: OptionKinds<SmoothL1Options> = { ...LOSS_OPTIONS, beta: "number" };
const HUBER: OptionKinds<HuberOptions> = { ...LOSS_OPTIONS, delta: "number" };

const squared = (d: Expression) => e.mul(d, d);
const squaredError = /* @__PURE__ */ elementwise("mseLoss", 2, 0, (x, y) => squared(e.sub(x!, y!)));
const absoluteError = /* @__PURE__ */ elementwise("l1Loss", 2, 0, (x, y) => e.abs(e.sub(x!, y!)));
const smoothError = /* @__PURE__ */ elementwise("smoothL1Loss", 2, 1, (x, y, beta) => {
  const d = e.sub(x!, y!);
  // a square alone may leave the range
  const low = e.mul(e.mul(0.5, d), e.div(d, beta!));
  return e.select(e.lt(e.abs(d), beta!), low, e.sub(e.abs(d), e.mul(0.5, beta!)));
});
const huberError = /* @__PURE__ */ elementwise("huberLoss", 2, 1, (x, y, delta) => {
  const d = e.sub(x!, y!);
  const high = e.mul(delta!, e.sub(e.abs(d), e.mul(0.5, delta!)));
  return e.select(e.le(e.abs(d), delta!), e.mul(0.5, squared(d)), high);
});

/** Throws unless both are floats of one shape and dtype: broadcasting here is mostly a mistake. */
export function expectAlike(op: string, prediction: Tensor, target: Tensor, argument = "target"): void {
  expectTensor(op, "prediction", prediction);
  expectTensor(op, argument, target);
  expectFloat(op, "prediction", prediction.dtype);
  expectSameShape(op, argument, prediction.shape, target.shape);
  expectSameDType(op, argument, prediction.dtype, target.dtype);
}

/**
 * (f − r)² of each element; with reduction `sum` the book's Σ‖f(x) − r‖² (Jiang §8.2), with `mean` (default) PyTorch's.
 * @param prediction any shape
 * @param target the same shape and dtype
 * @throws ShapeError, DTypeError when they differ
 */
export function mseLoss(prediction: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  expectOptions("mseLoss", options, LOSS_OPTIONS);
  expectAlike("mseLoss", prediction, target);
  return composite("mseLoss", () => reduceLoss(squaredError([prediction, target]), options.reduction));
}

/** |f − r| of each element; gradient 0 where they are equal. @throws ShapeError, DTypeError when they differ in kind */
export function l1Loss(prediction: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  expectOptions("l1Loss", options, LOSS_OPTIONS);
  expectAlike("l1Loss", prediction, target);
  return composite("l1Loss", () => reduceLoss(absoluteError([prediction, target]), options.reduction));
}

/**
 * d²/(2β) where |d| < β, else |d| − β/2, with d = f − r (Girshick 2015); with β = 0 it is {@link l1Loss}.
 * @throws ShapeError, DTypeError when prediction and target differ in kind, ValueError for a negative β
 */
export function smoothL1Loss(prediction: Tensor, target: Tensor, options: SmoothL1Options = {}): Tensor {
  expectOptions("smoothL1Loss", options, SMOOTH_L1);
  const { beta = 1, ...rest } = options;
  expectFinite("smoothL1Loss", "beta", beta, 0);
  if (beta === 0) return l1Loss(prediction, target, rest);
  expectAlike("smoothL1Loss", prediction, target);
  return composite("smoothL1Loss", () => reduceLoss(smoothError([prediction, target], [beta]), rest.reduction));
}

/**
 * d²/2 where |d| ≤ δ, else δ(|d| − δ/2), with d = f − r (Huber 1964).
 * @throws ShapeError, DTypeError when prediction and target differ in kind, ValueError for a negative δ
 */
export function huberLoss(prediction: Tensor, target: Tensor, options: HuberOptions = {}): Tensor {
  expectOptions("huberLoss", options, HUBER);
  const { delta = 1, reduction } = options;
  expectPositive("huberLoss", "delta", delta);
  expectAlike("huberLoss", prediction, target);
  return composite("huberLoss", () => reduceLoss(huberError([prediction, target], [delta]), reduction));
}
