/**
 * Transposed convolution: the gradient of convolution by its input, used forwards to enlarge. Also called fractionally
 * strided convolution or deconvolution (Zeiler et al. 2010).
 */
import { dispatch } from "../dispatch.js";
import { expectSameDType } from "../dtype.js";
import { ShapeError, ValueError } from "../errors.js";
import { expectOptions, type OptionKinds } from "../expect.js";
import { defineOp, type OpRecord } from "../op.js";
import { formatShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import {
  CONVOLUTION,
  type ConvolutionOptions,
  convInputGrad,
  expectBias,
  expectRanks,
  type InputGradAttrs,
} from "./convolution.js";
import { add } from "./elementwise.js";
import { type Dimensions, perAxis, reachOf, slidingOf } from "./sliding.js";

/** Its gradient is that of its composition, and so made of convolutions. */
function defineTranspose(dimensions: Dimensions): OpRecord<InputGradAttrs> {
  const name = `convTranspose${dimensions}d`;
  return defineOp<InputGradAttrs>({
    name,
    infer([x, filters, bias], { spatial, groups }) {
      const channels = x!.shape[dimensions + 1]!;
      const [o, ins] = filters!.shape.slice(dimensions) as [number, number];
      expectSameDType(name, "filters", x!.dtype, filters!.dtype);
      if (ins !== channels) {
        throw new ShapeError({
          op: name,
          argument: "filters",
          expected: `${channels} input channels (axis ${dimensions + 1}), as x ${formatShape(x!.shape)} has`,
          received: `${formatShape(filters!.shape)} with ${ins}`,
          remedy:
            "Filters are [...size, output channels / groups, input channels]: those of the convolution it transposes.",
        });
      }
      if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0) {
        throw new ValueError({
          op: name,
          argument: "groups",
          expected: `a positive integer that divides ${channels} input channels`,
          received: String(groups),
        });
      }
      expectBias(name, x!, bias, o * groups);
      const empty = spatial.findIndex((length) => length < 1);
      if (empty >= 0) {
        throw new ShapeError({
          op: name,
          argument: "padding",
          expected: `less of it along axis ${empty + 1}, so that something is left of x ${formatShape(x!.shape)}`,
          received: `an output of ${spatial[empty]} elements`,
        });
      }
      return [{ shape: [x!.shape[0]!, ...spatial, o * groups], dtype: x!.dtype }];
    },
    compose([x, filters, bias], attrs) {
      const y = dispatch(convInputGrad(dimensions), [x!, filters!], attrs)[0]!;
      return [bias ? add(y, bias) : y];
    },
  });
}

const transposes: Readonly<Record<Dimensions, OpRecord<InputGradAttrs>>> = /* @__PURE__ */ defineTransposes();

function defineTransposes(): Record<Dimensions, OpRecord<InputGradAttrs>> {
  return { 1: defineTranspose(1), 2: defineTranspose(2), 3: defineTranspose(3) };
}

/** Options of the convolution that is transposed: padding is cut off the result. */
export interface ConvTransposeOptions extends ConvolutionOptions {
  /**
   * Elements more at the end of each spatial axis, below the stride: convolutions of that many lengths have the same number
   * of windows. Default 0.
   */
  readonly outputPadding?: number | readonly number[];
}

const OPTIONS: OptionKinds<ConvTransposeOptions> = { ...CONVOLUTION, outputPadding: "any" };

function transposed(x: Tensor, filters: Tensor, options: ConvTransposeOptions, dimensions: Dimensions): Tensor {
  const op = `convTranspose${dimensions}d`;
  expectOptions(op, options, OPTIONS);
  expectRanks(op, x, filters, dimensions, "output channels / groups, input channels");
  const { stride = 1, outputPadding = 0, groups = 1, bias } = options;
  const strides = perAxis(op, "stride", stride, dimensions);
  const extra = perAxis(op, "outputPadding", outputPadding, dimensions, 0);
  const same = options.padding === "same";
  if (extra.some((more, i) => more >= strides[i]!) || (same && extra.some((more) => more > 0))) {
    throw new ValueError({
      op,
      argument: "outputPadding",
      expected: same
        ? '0, as padding "same" fixes the length at stride · length'
        : `less than the stride ${strides.join(", ")}`,
      received: JSON.stringify(outputPadding),
    });
  }
  const size = filters.shape.slice(0, -2);
  const lengths = x.shape.slice(1, -1);
  // "same" speaks of the convolution's input, which is stride times as long
  const sliding = slidingOf(
    op,
    lengths.map((length, i) => length * strides[i]!),
    size,
    options,
  );
  const spatial = lengths.map((length, i) => {
    if (same) return length * strides[i]!;
    const [before, after] = sliding.padding[i]!;
    return (length - 1) * strides[i]! + reachOf(size[i]!, sliding.dilation[i]!) - before - after + extra[i]!;
  });
  const inputs = bias ? [x, filters, bias] : [x, filters];
  return dispatch(transposes[dimensions], inputs, { ...sliding, groups, spatial })[0]!;
}

/**
 * y[n, j·stride + i·dilation − padding, o] += filters[i, o, c] · x[n, j, c], plus bias[o].
 * @param x [n, length, channels]
 * @param filters [size, outs / groups, channels]: those of the convolution whose input gradient this is
 * @returns [n, (length − 1)·stride + dilation·(size − 1) + 1 − padding + outputPadding, outs]; with padding `"same"`
 * [n, length·stride, outs]
 * @throws ShapeError, DTypeError, ValueError
 */
export function convTranspose1d(x: Tensor, filters: Tensor, options: ConvTransposeOptions = {}): Tensor {
  return transposed(x, filters, options, 1);
}

/**
 * The same over images: x [n, height, width, channels] and filters [kh, kw, outs / groups, channels].
 * @throws ShapeError, DTypeError, ValueError
 * @example
 * convTranspose2d(x, filters, { stride: 2, padding: 1, outputPadding: 1 })   // [8, 16, 16, 32], [3, 3, 8, 32] → [8, 32, 32, 8]
 */
export function convTranspose2d(x: Tensor, filters: Tensor, options: ConvTransposeOptions = {}): Tensor {
  return transposed(x, filters, options, 2);
}

/**
 * The same over volumes: x [n, depth, height, width, channels] and filters [kd, kh, kw, outs / groups, channels].
 * @throws ShapeError, DTypeError, ValueError
 */
export function convTranspose3d(x: Tensor, filters: Tensor, options: ConvTransposeOptions = {}): Tensor {
  return transposed(x, filters, options, 3);
}
