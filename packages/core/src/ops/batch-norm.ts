/** Normalisation of each channel over the mini-batch (Ioffe & Szegedy 2015; Jiang §8.2.5). */
import { dispatch } from "../dispatch.js";
import { elementwise } from "../elementwise.js";
import { ShapeError } from "../errors.js";
import { expectOptions } from "../expect.js";
import { e } from "../expression.js";
import { defineOp, type OpRecord } from "../op.js";
import { composite } from "../scope.js";
import { expectSameShape, formatShape, sizeOf } from "../shape.js";
import { expectTensor, type Tensor } from "../tensor.js";
import { add, mul } from "./elementwise.js";
import {
  affineGradients,
  averageAlong,
  expectAffine,
  NORMALIZATION,
  type NormalizationOptions,
  reciprocalDeviation,
  standardized,
  standardizeGradient,
  varianceAbout,
} from "./standardize.js";
import { reshape } from "./views.js";

interface BatchNormAttrs {
  readonly eps: number;
}

interface BatchNormGradAttrs {
  /** Whether the gradients by weight and bias are wanted, too. */
  readonly affine: boolean;
}

const average = /* @__PURE__ */ averageAlong(0);

/** x [m, channels], maybe weight and bias [channels]; y, mean and variance [channels]; hidden result: 1/deviation [channels]. */
const batchNormOp = /* @__PURE__ */ defineOp<BatchNormAttrs>({
  name: "batchNorm",
  infer([x, weight, bias], { eps }, aux) {
    const shape = [x!.shape[1]!];
    expectAffine("batchNorm", x!, shape, { weight, bias, eps });
    const statistic = { shape, dtype: x!.dtype };
    return aux ? [x!, statistic, statistic, statistic] : [x!, statistic, statistic];
  },
  compose([x, weight, bias], { eps }, aux) {
    const shape = [x!.shape[1]!];
    const mean = average(x!);
    const variance = varianceAbout(x!, mean, average);
    const rstd = reciprocalDeviation(variance, eps);
    const results = [standardized(x!, mean, rstd, weight, bias), reshape(mean, shape), reshape(variance, shape)];
    return aux ? [...results, reshape(rstd, shape)] : results;
  },
  vjp({ inputs, outputs: [, mean], aux: [rstd], dy: [dy, dMean, dVariance], needs }) {
    const [x, weight] = inputs;
    const affine = needs[1] || needs[2] || false;
    const given = [dy!, dMean!, dVariance!, x!, mean!, rstd!];
    return dispatch(batchNormGradOp, weight ? [...given, weight] : given, { affine }).slice(0, inputs.length);
  },
  aux: 1,
  saves: { inputs: [0, 1], outputs: [1] },
});

/** dx + (dMean + 2·(x − mean)·dVariance)·share. */
const withStatistics = /* @__PURE__ */ elementwise("addStatisticsGrad", 5, 1, (dx, dMean, x, mean, dVariance, share) =>
  e.add(dx, e.mul(e.add(dMean, e.mul(e.mul(2, e.sub(x, mean)), dVariance)), share)),
);

/**
 * Gradients by x and, if wanted, weight and bias, from the errors of y [m, channels], mean and variance [channels], from x,
 * mean, 1/deviation, and maybe the weight.
 */
const batchNormGradOp: OpRecord<BatchNormGradAttrs> = /* @__PURE__ */ defineOp<BatchNormGradAttrs>({
  name: "batchNormGrad",
  infer([, mean, , x], { affine }) {
    return affine ? [x!, mean!, mean!] : [x!];
  },
  compose([dy, dMean, dVariance, x, mean, rstd, weight], { affine }) {
    const m = x!.shape[0]!;
    const z = standardized(x!, mean!, rstd!);
    const throughY = standardizeGradient(weight ? mul(dy!, weight) : dy!, z, rstd!, average);
    // ∂variance/∂x = 2(x − mean)/m, and ∂mean/∂x = 1/m
    const dx = withStatistics([throughY, dMean!, x!, mean!, dVariance!], [1 / m]);
    return affine ? [dx, ...affineGradients(dy!, z, [0], mean!.shape)] : [dx];
  },
});

export interface BatchNormResult {
  /** Of x's shape. */
  readonly y: Tensor;
  /** [channels] */
  readonly mean: Tensor;
  /** [channels], divided by the number of elements, not by one less. */
  readonly variance: Tensor;
}

/**
 * (x − μ)/√(σ² + eps) ⊙ weight + bias with mean and variance of each channel over all axes but the last: the form of
 * training. The statistics are returned, for running averages.
 * @param x [..., channels]
 * @param options weight and bias [channels]
 * @throws ShapeError, DTypeError, ValueError
 */
export function batchNorm(x: Tensor, options: NormalizationOptions = {}): BatchNormResult {
  expectTensor("batchNorm", "x", x);
  expectOptions("batchNorm", options, NORMALIZATION);
  const { weight, bias, eps = 1e-5 } = options;
  const channels = channelsOf("batchNorm", x);
  const results = composite("batchNorm", () => {
    const rows = reshape(x, [sizeOf(x.shape.slice(0, -1)), channels]);
    const inputs = weight ? (bias ? [rows, weight, bias] : [rows, weight]) : [rows];
    const [y, mean, variance] = dispatch(batchNormOp, inputs, { eps });
    if (bias && !weight) expectAffine("batchNorm", x, [channels], { bias });
    return [reshape(bias && !weight ? add(y!, bias) : y!, x.shape), mean!, variance!];
  });
  return { y: results[0]!, mean: results[1]!, variance: results[2]! };
}

function channelsOf(op: string, x: Tensor): number {
  if (x.rank >= 1) return x.shape[x.rank - 1]!;
  throw new ShapeError({
    op,
    argument: "x",
    expected: "[..., channels]",
    received: formatShape(x.shape),
  });
}

/**
 * (x − mean)/√(variance + eps) ⊙ weight + bias with statistics that are given: the form of evaluation. One elementwise
 * kernel over x.
 * @param x [..., channels]
 * @param mean [channels]
 * @param variance [channels]
 * @param options weight and bias [channels]
 * @throws ShapeError, DTypeError, ValueError
 */
export function batchNormInference(
  x: Tensor,
  mean: Tensor,
  variance: Tensor,
  options: NormalizationOptions = {},
): Tensor {
  for (const [argument, value] of Object.entries({ x, mean, variance })) {
    expectTensor("batchNormInference", argument, value);
  }
  expectOptions("batchNormInference", options, NORMALIZATION);
  const { weight, bias, eps = 1e-5 } = options;
  const shape = [channelsOf("batchNormInference", x)];
  expectAffine("batchNormInference", x, shape, options);
  expectSameShape("batchNormInference", "mean", shape, mean.shape);
  expectSameShape("batchNormInference", "variance", shape, variance.shape);
  return composite("batchNormInference", () => {
    const y = standardized(x, mean, reciprocalDeviation(variance, eps), weight, weight && bias);
    return bias && !weight ? add(y, bias) : y;
  });
}
