/** Normalisation of each example over its positions and a group of its channels. */
import { dispatch } from "../dispatch.js";
import { ShapeError, ValueError } from "../errors.js";
import { describeValue, expectOptions } from "../expect.js";
import { defineOp, type OpRecord } from "../op.js";
import { composite } from "../scope.js";
import { formatShape, sizeOf } from "../shape.js";
import { expectTensor, type Tensor } from "../tensor.js";
import { add, mul } from "./elementwise.js";
import { mean } from "./reduce.js";
import {
  affineGradients,
  expectAffine,
  NORMALIZATION,
  type NormalizationOptions,
  reciprocalDeviation,
  standardized,
  standardizeGradient,
  varianceAbout,
} from "./standardize.js";
import { expand, reshape } from "./views.js";

interface GroupNormAttrs {
  readonly groups: number;
  readonly eps: number;
}

interface GroupNormGradAttrs {
  readonly groups: number;
  /** Whether the gradients by weight and bias are wanted, too. */
  readonly affine: boolean;
}

/**
 * Means over the positions and over the channels of each group: [n, positions, channels] → [n, groups, 1]. Positions first:
 * they are many, and a kernel runs along all channels at once.
 */
function groupMeans(x: Tensor, groups: number): Tensor {
  const [n, , channels] = x.shape as readonly number[] as [number, number, number];
  const overPositions = reshape(mean(x, { axis: 1 }), [n, groups, channels / groups]);
  return mean(overPositions, { axis: 2, keepDims: true });
}

/** The number of each group at each of its channels: [n, groups, 1] → [n, 1, channels]. */
function perChannel(statistic: Tensor, channels: number): Tensor {
  const [n, groups] = statistic.shape as readonly number[] as [number, number];
  return reshape(expand(statistic, [n, groups, channels / groups]), [n, 1, channels]);
}

/** x [n, positions, channels], maybe weight and bias [channels]; hidden results: mean and 1/deviation, [n, groups, 1] each. */
const groupNormOp = /* @__PURE__ */ defineOp<GroupNormAttrs>({
  name: "groupNorm",
  infer([x, weight, bias], { groups, eps }, aux) {
    expectAffine("groupNorm", x!, [x!.shape[2]!], { weight, bias, eps });
    const statistic = { shape: [x!.shape[0]!, groups, 1], dtype: x!.dtype };
    return aux ? [x!, statistic, statistic] : [x!];
  },
  compose([x, weight, bias], { groups, eps }, aux) {
    const channels = x!.shape[2]!;
    const center = groupMeans(x!, groups);
    const centers = perChannel(center, channels);
    const rstd = reciprocalDeviation(
      varianceAbout(x!, centers, (squares) => groupMeans(squares, groups)),
      eps,
    );
    const y = standardized(x!, centers, perChannel(rstd, channels), weight, bias);
    return aux ? [y, center, rstd] : [y];
  },
  vjp({ attrs: { groups }, inputs, aux: [center, rstd], dy: [dy], needs }) {
    const [x, weight] = inputs;
    const affine = needs[1] || needs[2] || false;
    const given = weight ? [dy!, x!, center!, rstd!, weight] : [dy!, x!, center!, rstd!];
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
  compose([dy, x, center, rstd, weight], { groups, affine }) {
    const channels = x!.shape[2]!;
    const scale = perChannel(rstd!, channels);
    const z = standardized(x!, perChannel(center!, channels), scale);
    const g = weight ? mul(dy!, weight) : dy!;
    const dx = standardizeGradient(g, z, scale, (part) => perChannel(groupMeans(part, groups), channels));
    return affine ? [dx, ...affineGradients(dy!, z, [0, 1], [channels])] : [dx];
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
  expectTensor("groupNorm", "x", x);
  expectOptions("groupNorm", options, NORMALIZATION);
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
      received: describeValue(groups),
    });
  }
  return composite("groupNorm", () => {
    const flat = reshape(x, [x.shape[0]!, sizeOf(x.shape.slice(1, -1)), channels]);
    const inputs = weight ? (bias ? [flat, weight, bias] : [flat, weight]) : [flat];
    const y = dispatch(groupNormOp, inputs, { groups, eps })[0]!;
    return reshape(bias && !weight ? add(y, bias) : y, x.shape);
  });
}
