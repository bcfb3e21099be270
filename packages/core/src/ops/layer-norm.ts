/** Normalisation of each vector by itself: layer and root-mean-square normalisation over the last axes. */
import { dispatch } from "../dispatch.js";
import { elementwise } from "../elementwise.js";
import { ShapeError } from "../errors.js";
import { expectOptions, type OptionKinds } from "../expect.js";
import { e } from "../expression.js";
import { defineOp, type OpRecord } from "../op.js";
import { composite } from "../scope.js";
import { formatShape, sizeOf } from "../shape.js";
import { expectTensor, type Tensor } from "../tensor.js";
import { add, mul, square } from "./elementwise.js";
import { sum } from "./reduce.js";
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

interface RowNormAttrs {
  readonly eps: number;
}

interface RowNormGradAttrs {
  /** Whether the gradients by weight and bias are wanted, too. */
  readonly affine: boolean;
}

const average = /* @__PURE__ */ averageAlong(1);

/** x [m, n], maybe weight and bias [n]; hidden results: mean and 1/deviation, [m, 1] each. */
const layerNormOp = /* @__PURE__ */ defineOp<RowNormAttrs>({
  name: "layerNorm",
  infer([x, weight, bias], { eps }, aux) {
    expectAffine("layerNorm", x!, [x!.shape[1]!], { weight, bias, eps });
    const row = { shape: [x!.shape[0]!, 1], dtype: x!.dtype };
    return aux ? [x!, row, row] : [x!];
  },
  compose([x, weight, bias], { eps }, aux) {
    const center = average(x!);
    const rstd = reciprocalDeviation(varianceAbout(x!, center, average), eps);
    const y = standardized(x!, center, rstd, weight, bias);
    return aux ? [y, center, rstd] : [y];
  },
  vjp({ inputs, aux: [center, rstd], dy: [dy], needs }) {
    const [x, weight] = inputs;
    const wanted = needs[1] || needs[2] || false;
    const given = weight ? [dy!, x!, center!, rstd!, weight] : [dy!, x!, center!, rstd!];
    return dispatch(layerNormGradOp, given, { affine: wanted }).slice(0, inputs.length);
  },
  aux: 2,
  saves: { inputs: [0, 1] },
});

/** Gradients by x and, if wanted, weight and bias, from dy [m, n], x, mean and 1/deviation [m, 1], and maybe the weight. */
const layerNormGradOp: OpRecord<RowNormGradAttrs> = /* @__PURE__ */ defineOp<RowNormGradAttrs>({
  name: "layerNormGrad",
  infer: ([, x], { affine }) => {
    const row = { shape: [x!.shape[1]!], dtype: x!.dtype };
    return affine ? [x!, row, row] : [x!];
  },
  compose([dy, x, center, rstd, weight], { affine }) {
    const z = standardized(x!, center!, rstd!);
    const dx = standardizeGradient(weight ? mul(dy!, weight) : dy!, z, rstd!, average);
    return affine ? [dx, ...affineGradients(dy!, z, [0], [x!.shape[1]!])] : [dx];
  },
});

/** The last `axes` axes and how many rows there are of them. */
function rowsOf(op: string, x: Tensor, axes: number): { shape: readonly number[]; rows: number } {
  expectTensor(op, "x", x);
  if (!Number.isInteger(axes) || axes < 1 || axes > x.rank) {
    throw new ShapeError({
      op,
      argument: "x",
      expected: `at least ${axes} axes, the last of which are normalised (a positive number of them)`,
      received: formatShape(x.shape),
    });
  }
  return { shape: x.shape.slice(-axes), rows: sizeOf(x.shape.slice(0, -axes)) };
}

export interface LayerNormOptions extends NormalizationOptions {
  /** How many of the last axes are normalised together. Default: as many as the weight (or bias) has, else 1. */
  readonly axes?: number;
}

const LAYER_NORM: OptionKinds<LayerNormOptions> = { ...NORMALIZATION, axes: "size" };

/**
 * (x − μ)/√(σ² + eps) ⊙ weight + bias, with mean and variance (÷ n) over the last axes of each example (Ba et al. 2016;
 * Jiang §8.2.6).
 * @param x [..., n]
 * @param options weight and bias have the shape of the last axes
 * @throws ShapeError, DTypeError, ValueError
 * @example
 * layerNorm(x, { weight, bias })       // [8, 11, 64], [64], [64] → [8, 11, 64]
 */
export function layerNorm(x: Tensor, options: LayerNormOptions = {}): Tensor {
  expectOptions("layerNorm", options, LAYER_NORM);
  const { weight, bias, eps = 1e-5, axes = weight?.rank ?? bias?.rank ?? 1 } = options;
  return normalizeRows("layerNorm", x, axes, { weight, bias, eps }, (rows, w, b) => {
    const y = dispatch(layerNormOp, w ? (b ? [rows, w, b] : [rows, w]) : [rows], { eps })[0]!;
    return b && !w ? add(y, b) : y;
  });
}

/** `normalize` on x as [m, n], with weight and bias as [n]. */
function normalizeRows(
  op: string,
  x: Tensor,
  axes: number,
  options: NormalizationOptions,
  normalize: (rows: Tensor, weight: Tensor | undefined, bias: Tensor | undefined) => Tensor,
): Tensor {
  const { shape, rows } = rowsOf(op, x, axes);
  expectAffine(op, x, shape, options);
  const n = sizeOf(shape);
  const flat = (value: Tensor | undefined) => value && reshape(value, [n]);
  return composite(op, () =>
    reshape(normalize(reshape(x, [rows, n]), flat(options.weight), flat(options.bias)), x.shape),
  );
}

const scaled = /* @__PURE__ */ elementwise("rmsScale", 3, 0, (x, r, w) => e.mul(e.mul(x, r), w));

/** x [m, n] and maybe a weight [n]; hidden result: 1/√(mean of squares), [m, 1]. */
const rmsNormOp = /* @__PURE__ */ defineOp<RowNormAttrs>({
  name: "rmsNorm",
  infer([x, weight], { eps }, aux) {
    expectAffine("rmsNorm", x!, [x!.shape[1]!], { weight, eps });
    return aux ? [x!, { shape: [x!.shape[0]!, 1], dtype: x!.dtype }] : [x!];
  },
  compose([x, weight], { eps }, aux) {
    const rstd = reciprocalDeviation(average(square(x!)), eps);
    const y = weight ? scaled([x!, rstd, weight]) : mul(x!, rstd);
    return aux ? [y, rstd] : [y];
  },
  vjp({ inputs, aux: [rstd], dy: [dy], needs }) {
    const [x, weight] = inputs;
    const given = weight ? [dy!, x!, rstd!, weight] : [dy!, x!, rstd!];
    return dispatch(rmsNormGradOp, given, { affine: needs[1] ?? false });
  },
  aux: 1,
  saves: { inputs: [0, 1] },
});

const rmsCombined = /* @__PURE__ */ elementwise("rmsScaleGrad", 4, 0, (g, z, meanGz, r) =>
  e.mul(e.sub(g, e.mul(z, meanGz)), r),
);

/** Gradients by x and, if wanted, the weight, from dy [m, n], x, 1/√(mean of squares) [m, 1] and maybe the weight. */
const rmsNormGradOp: OpRecord<RowNormGradAttrs> = /* @__PURE__ */ defineOp<RowNormGradAttrs>({
  name: "rmsNormGrad",
  infer: ([, x], { affine }) => (affine ? [x!, { shape: [x!.shape[1]!], dtype: x!.dtype }] : [x!]),
  compose([dy, x, rstd, weight], { affine }) {
    const z = mul(x!, rstd!);
    const g = weight ? mul(dy!, weight) : dy!;
    const dx = rmsCombined([g, z, average(mul(g, z)), rstd!]);
    return affine ? [dx, sum(mul(dy!, z), { axis: 0 })] : [dx];
  },
});

export interface RMSNormOptions {
  /** The shape of the last axes. */
  readonly weight?: Tensor | undefined;
  /** Added to the mean of squares. Default: the distance from 1 to the next number of x's dtype, as in PyTorch. */
  readonly eps?: number | undefined;
  /** How many of the last axes are normalised together. Default: as many as the weight has, else 1. */
  readonly axes?: number;
}

const RMS_NORM: OptionKinds<RMSNormOptions> = { weight: "tensor", eps: "number", axes: "size" };

/**
 * x/√(mean(x²) + eps) ⊙ weight, the mean over the last axes of each example (Zhang & Sennrich 2019).
 * @param x [..., n]
 * @throws ShapeError, DTypeError, ValueError
 */
export function rmsNorm(x: Tensor, options: RMSNormOptions = {}): Tensor {
  expectTensor("rmsNorm", "x", x);
  expectOptions("rmsNorm", options, RMS_NORM);
  const { weight, axes = weight?.rank ?? 1 } = options;
  const eps = options.eps ?? (x.dtype === "float64" ? Number.EPSILON : 2 ** -23);
  return normalizeRows(
    "rmsNorm",
    x,
    axes,
    { weight, eps },
    (rows, w) => dispatch(rmsNormOp, w ? [rows, w] : [rows], { eps })[0]!,
  );
}
