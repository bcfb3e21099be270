/** What the normalisations share: (x − mean)·rstd ⊙ weight + bias, and its gradient by x. */
import { expectFloat, expectSameDType } from "../dtype.js";
import { elementwise } from "../elementwise.js";
import { expectFinite, type OptionKinds } from "../expect.js";
import { e } from "../expression.js";
import { expectSameShape, type Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { mul } from "./elementwise.js";
import { mean, sum } from "./reduce.js";

/** Scale and shift after a normalisation, and the number that keeps it from dividing by 0. */
export interface NormalizationOptions {
  readonly weight?: Tensor | undefined;
  readonly bias?: Tensor | undefined;
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
}

/** What the options of a normalisation may be. */
export const NORMALIZATION: OptionKinds<NormalizationOptions> = { weight: "tensor", bias: "tensor", eps: "number" };

const scaled = /* @__PURE__ */ elementwise("standardize", 3, 0, (x, m, r) => e.mul(e.sub(x, m), r));
const weighted = /* @__PURE__ */ elementwise("standardize", 4, 0, (x, m, r, w) => e.mul(e.mul(e.sub(x, m), r), w));
const affine = /* @__PURE__ */ elementwise("standardize", 5, 0, (x, m, r, w, b) =>
  e.add(e.mul(e.mul(e.sub(x, m), r), w), b),
);

/** (x − mean)·rstd ⊙ weight + bias in one kernel; all broadcast to x. A bias needs a weight. */
export function standardized(x: Tensor, mean: Tensor, rstd: Tensor, weight?: Tensor, bias?: Tensor): Tensor {
  if (bias) return affine([x, mean, rstd, weight!, bias]);
  return weight ? weighted([x, mean, rstd, weight]) : scaled([x, mean, rstd]);
}

const rstdOf = /* @__PURE__ */ elementwise("rstd", 1, 1, (variance, eps) => e.div(1, e.sqrt(e.add(variance, eps))));

/** 1/√(variance + eps). */
export function reciprocalDeviation(variance: Tensor, eps: number): Tensor {
  return rstdOf([variance], [eps]);
}

const squaredDeviation = /* @__PURE__ */ elementwise("squaredDeviation", 2, 0, (x, m) =>
  e.mul(e.sub(x, m), e.sub(x, m)),
);

/** Means over the axes of the statistics, in a shape that broadcasts to x. */
export type Average = (x: Tensor) => Tensor;

/** The average over one axis. */
export function averageAlong(axis: number): Average {
  return (x) => mean(x, { axis, keepDims: true });
}

/** Variance (÷ n) about a mean. In a pass of its own: Σx² − (Σx)² would cancel. */
export function varianceAbout(x: Tensor, center: Tensor, average: Average): Tensor {
  return average(squaredDeviation([x, center]));
}

const combined = /* @__PURE__ */ elementwise("standardizeGrad", 5, 0, (g, z, meanG, meanGz, r) =>
  e.mul(e.sub(e.sub(g, meanG), e.mul(z, meanGz)), r),
);

/**
 * Gradient by x of ⟨g, z⟩ with z = (x − mean)·rstd: rstd·(g − mean(g) − z·mean(g ⊙ z)).
 * @param g the error, multiplied by the weight
 */
export function standardizeGradient(g: Tensor, z: Tensor, rstd: Tensor, average: Average): Tensor {
  return combined([g, z, average(g), average(mul(g, z)), rstd]);
}

/** Gradients by weight and bias: Σ dy ⊙ z and Σ dy over the axes along which they were broadcast. */
export function affineGradients(dy: Tensor, z: Tensor, axes: readonly number[], shape: Shape): [Tensor, Tensor] {
  const total = (x: Tensor) => sum(x, { axis: axes }).reshape(shape);
  return [total(mul(dy, z)), total(dy)];
}

/** Throws unless x is a float and weight and bias, if given, have its dtype and the shape of the axes they scale. */
export function expectAffine(
  op: string,
  x: Tensor,
  shape: Shape,
  { weight, bias, eps = 0 }: NormalizationOptions,
): void {
  expectFloat(op, "x", x.dtype);
  for (const [argument, value] of Object.entries({ weight, bias })) {
    if (!value) continue;
    expectSameDType(op, argument, x.dtype, value.dtype);
    expectSameShape(op, argument, shape, value.shape);
  }
  expectFinite(op, "eps", eps, 0);
}
