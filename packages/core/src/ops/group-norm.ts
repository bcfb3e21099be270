/** Normalisation of each example over its positions and a group of its channels. */
import { dispatch } from "../dispatch.js";
import { ShapeError, ValueError } from "../errors.js";
import { defineOp, type OpRecord } from "../op.js";
import { composite } from "../scope.js";
import { formatShape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { add, mul } from "./elementwise.js";
import {
  affineGradients,
  expectAffine,
  moments,
  type NormalizationOptions,
  reciprocalDeviation,
  standardized,
  standardizeGradient,
} from "./standardize.js";
import { reshape } from "./views.js";

interface GroupNormAttrs {
  readonly groups: number;
  readonly eps: number;
}

interface GroupNormGradAttrs {
  readonly groups: number;
  /** Whether the gradients by weight and bias are wanted, too. */
  readonly affine: boolean;
}

/** Positions and the channels of a group, of a tensor [n, positions, groups, channels of a group]. */
const AXES = [1, 3];

const cut = (x: Tensor, groups: number) => {
  const [n, positions, channels] = x.shape as readonly number[] as [number, number, number];
  return reshape(x, [n, positions, groups, channels / groups]);
};
const cutVector = (x: Tensor | undefined, groups: number) => x && reshape(x, [groups, x.size / groups]);

/** x [n, positions, channels], maybe weight and bias [channels]; hidden results: mean and 1/deviation, [n, 1, groups, 1] each. */
const groupNormOp = /* @__PURE__ */ defineOp<GroupNormAttrs>({
  name: "groupNorm",
  infer([x, weight, bias], { groups, eps }, aux) {
    expectAffine("groupNorm", x!, [x!.shape[2]!], { weight, bias, eps });
    const statistic = { shape: [x!.shape[0]!, 1, groups, 1], dtype: x!.dtype };
    return aux ? [x!, statistic, statistic] : [x!];
  },
  compose([x, weight, bias], { groups, eps }, aux) {
    const parts = cut(x!, groups);
    const { mean, variance } = moments(parts, AXES);
    const rstd = reciprocalDeviation(variance, eps);
    const y = standardized(parts, mean, rstd, cutVector(weight, groups), cutVector(bias, groups));
    return aux ? [reshape(y, x!.shape), mean, rstd] : [reshape(y, x!.shape)];
  },
  vjp({ attrs: { groups }, inputs, aux: [mean, rstd], dy: [dy], needs }) {
    const [x, weight] = inputs;
    const affine = needs[1] || needs[2] || false;
    const given = weight ? [dy!, x!, mean!, rstd!, weight] : [dy!, x!, mean!, rstd!];
    return dispatch(groupNormGradOp, given, { groups, affine }).slice(0, inputs.length);
  },
  aux: 2,
  saves: { inputs: [0, 1] },
});

/** Gradients by x and, if wanted, weight and bias, from dy, x, mean, 1/deviation and maybe the weight. */
const groupNormGradOp: OpRecord<GroupNormGradAttrs> = /* @__PURE__ */ defineOp<GroupNormGradAttrs>({
  name: "groupNormGrad",
  infer([, x], { affine }) {
    const channels = { shape: [x!.shape[2]!], dtype: x!.dtype };
    return affine ? [x!, channels, channels] : [x!];
  },
  compose([dy, x, mean, rstd, weight], { groups, affine }) {
    const error = cut(dy!, groups);
    const z = standardized(cut(x!, groups), mean!, rstd!);
    const g = weight ? mul(error, cutVector(weight, groups)!) : error;
    const dx = reshape(standardizeGradient(g, z, rstd!, AXES), x!.shape);
    return affine ? [dx, ...affineGradients(error, z, [0, 1], [x!.shape[2]!])] : [dx];
  },
});

/**
 * Normalises each example over all positions and the channels of each group: (x − μ)/√(σ² + eps) ⊙ weight + bias
 * (Wu & He 2018). One group is layer normalisation over all of an example; as many groups as channels is instance
 * normalisation.
 * @param x [n, ..., channels]
 * @param groups divides the channels; neighbours share a group
 * @param options weight and bias [channels]
 * @throws ShapeError, DTypeError, ValueError
 */
export function groupNorm(x: Tensor, groups: number, options: NormalizationOptions = {}): Tensor {
  const { weight, bias, eps = 1e-5 } = options;
  if (x.rank < 2) {
    throw new ShapeError({
      op: "groupNorm",
      argument: "x",
      expected: "[n, ..., channels]",
      received: formatShape(x.shape),
      remedy: "A single example takes unsqueeze(x, 0).",
    });
  }
  const channels = x.shape[x.rank - 1]!;
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0) {
    throw new ValueError({
      op: "groupNorm",
      argument: "groups",
      expected: `a positive integer that divides ${channels} channels`,
      received: String(groups),
    });
  }
  return composite("groupNorm", () => {
    const flat = reshape(x, [x.shape[0]!, sizeOf(x.shape.slice(1, -1)), channels]);
    const inputs = weight ? (bias ? [flat, weight, bias] : [flat, weight]) : [flat];
    const y = dispatch(groupNormOp, inputs, { groups, eps })[0]!;
    return reshape(bias && !weight ? add(y, bias) : y, x.shape);
  });
}
