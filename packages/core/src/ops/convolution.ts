/**
 * Convolution along one, two or three spatial axes, in the sense of cross-correlation, channels last. The three records of
 * a family, convolution and its gradients by input and by filters, are the partial derivatives of one trilinear form, so
 * each one's gradient is made of the other two and any order works. Read next: `convolution-compose.ts`.
 */
import { dispatch } from "../dispatch.js";
import { expectFloat, expectSameDType } from "../dtype.js";
import { ShapeError, ValueError } from "../errors.js";
import { expectOptions, type OptionKinds } from "../expect.js";
import { defineOp, type OpRecord } from "../op.js";
import { expectSameShape, formatShape, type Shape } from "../shape.js";
import { expectTensor, type Tensor } from "../tensor.js";
import { type ConvolutionAttrs, convolve, filterGradient, inputGradient } from "./convolution-compose.js";
import { add } from "./elementwise.js";
import { sum } from "./reduce.js";
import {
  type Dimensions,
  expectSpatial,
  SLIDING,
  type SlidingOptions,
  SPATIAL_NAMES,
  slidingOf,
  windowCounts,
} from "./sliding.js";

/** Attributes of the gradient by x: `spatial` are the lengths of x's spatial axes. */
export interface InputGradAttrs extends ConvolutionAttrs {
  readonly spatial: readonly number[];
}

/** Attributes of the gradient by the filters: `size` are the lengths of the filters' spatial axes. */
export interface FilterGradAttrs extends ConvolutionAttrs {
  readonly size: readonly number[];
}

interface Family {
  /** x, filters and maybe a bias. */
  readonly forward: OpRecord<ConvolutionAttrs>;
  /** dy and filters. */
  readonly inputGrad: OpRecord<InputGradAttrs>;
  /** x and dy. */
  readonly filterGrad: OpRecord<FilterGradAttrs>;
}

/** Of a bilinear op each gradient reads the other input. */
const savesOther = (_: unknown, [a, b]: readonly boolean[]) => ({ inputs: a && b ? [0, 1] : a ? [1] : b ? [0] : [] });

function defineFamily(dimensions: Dimensions): Family {
  const name = `conv${dimensions}d`;
  const family: Family = {
    forward: defineOp<ConvolutionAttrs>({
      name,
      infer([x, filters, bias], attrs) {
        expectSpatial(name, x!, dimensions);
        const { size, outs } = expectFilters(name, x!, filters!, attrs.groups);
        expectBias(name, x!, bias, outs);
        return [{ shape: [x!.shape[0]!, ...windowCounts(name, x!.shape, size, attrs), outs], dtype: x!.dtype }];
      },
      compose([x, filters, bias], attrs) {
        const y = convolve(x!, filters!, attrs);
        return [bias ? add(y, bias) : y];
      },
      vjp: ({ attrs, inputs: [x, filters, bias], dy: [dy], needs }) => [
        needs[0] ? byInput(dy!, filters!, x!.shape, attrs) : null,
        needs[1] ? byFilters(x!, dy!, filters!.shape, attrs) : null,
        ...(bias ? [needs[2] ? sum(dy!, { axis: dy!.shape.slice(0, -1).map((_, i) => i) }) : null] : []),
      ],
      saves: savesOther,
    }),
    inputGrad: defineOp<InputGradAttrs>({
      name: `${name}InputGrad`,
      infer: ([dy, filters], { spatial, groups }) => [
        { shape: [dy!.shape[0]!, ...spatial, filters!.shape[dimensions]! * groups], dtype: dy!.dtype },
      ],
      compose: ([dy, filters], attrs) => [inputGradient(dy!, filters!, attrs.spatial, attrs)],
      vjp: ({ attrs, inputs: [dy, filters], dy: [error], needs }) => [
        needs[0] ? forward(error!, filters!, attrs) : null,
        needs[1] ? byFilters(error!, dy!, filters!.shape, attrs) : null,
      ],
      saves: savesOther,
    }),
    filterGrad: defineOp<FilterGradAttrs>({
      name: `${name}FilterGrad`,
      infer: ([x, dy], { size, groups }) => [
        { shape: [...size, x!.shape[dimensions + 1]! / groups, dy!.shape[dimensions + 1]!], dtype: x!.dtype },
      ],
      compose: ([x, dy], attrs) => [filterGradient(x!, dy!, attrs.size, attrs)],
      vjp: ({ attrs, inputs: [x, dy], dy: [error], needs }) => [
        needs[0] ? byInput(dy!, error!, x!.shape, attrs) : null,
        needs[1] ? forward(x!, error!, attrs) : null,
      ],
      saves: savesOther,
    }),
  };
  const geometry = ({ strides, padding, dilation, groups }: ConvolutionAttrs) => ({
    strides,
    padding,
    dilation,
    groups,
  });
  const forward = (x: Tensor, filters: Tensor, attrs: ConvolutionAttrs) =>
    dispatch(family.forward, [x, filters], geometry(attrs))[0]!;
  const byInput = (dy: Tensor, filters: Tensor, x: Shape, attrs: ConvolutionAttrs) =>
    dispatch(family.inputGrad, [dy, filters], { ...geometry(attrs), spatial: x.slice(1, -1) })[0]!;
  const byFilters = (x: Tensor, dy: Tensor, filters: Shape, attrs: ConvolutionAttrs) =>
    dispatch(family.filterGrad, [x, dy], { ...geometry(attrs), size: filters.slice(0, dimensions) })[0]!;
  return family;
}

/** Throws unless the filters are [...size, channels / groups, outs]. */
function expectFilters(op: string, x: Tensor, filters: Tensor, groups: number): { size: Shape; outs: number } {
  const channels = x.shape[x.rank - 1]!;
  const size = filters.shape.slice(0, -2);
  const [c, outs] = filters.shape.slice(-2) as [number, number];
  expectSameDType(op, "filters", x.dtype, filters.dtype);
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0 || outs % groups !== 0) {
    throw new ValueError({
      op,
      argument: "groups",
      expected: `a positive integer that divides both ${channels} input channels and ${outs} output channels`,
      received: String(groups),
      remedy: "Each group takes its own channels; groups = input channels convolves each by itself (depthwise).",
    });
  }
  if (c * groups !== channels) {
    const share = groups > 1 ? `, in ${groups} groups` : "";
    throw new ShapeError({
      op,
      argument: "filters",
      expected: `${channels / groups} input channels (axis ${x.rank - 2}), as x ${formatShape(x.shape)} has ${channels}${share}`,
      received: `${formatShape(filters.shape)} with ${c}`,
      remedy: "Filters are [...size, input channels / groups, output channels].",
    });
  }
  return { size, outs };
}

/** Throws unless the bias, if there is one, is [outs]. */
export function expectBias(op: string, x: Tensor, bias: Tensor | undefined, outs: number): void {
  if (!bias) return;
  expectSameDType(op, "bias", x.dtype, bias.dtype);
  expectSameShape(op, "bias", [outs], bias.shape);
}

/** Throws unless x has the rank of a convolution's input, and the filters that of its filters. */
export function expectRanks(op: string, x: Tensor, filters: Tensor, dimensions: Dimensions, layout: string): void {
  expectSpatial(op, x, dimensions);
  expectTensor(op, "filters", filters);
  expectFloat(op, "filters", filters.dtype);
  if (filters.rank === dimensions + 2 && filters.size > 0) return;
  throw new ShapeError({
    op,
    argument: "filters",
    expected: `[${SPATIAL_NAMES[dimensions]}, ${layout}], none of them 0`,
    received: formatShape(filters.shape),
  });
}

const families: Readonly<Record<Dimensions, Family>> = /* @__PURE__ */ defineFamilies();

function defineFamilies(): Record<Dimensions, Family> {
  return { 1: defineFamily(1), 2: defineFamily(2), 3: defineFamily(3) };
}

/** The gradient by a convolution's input as an op; `conv-transpose.ts` is a user of it. */
export function convInputGrad(dimensions: Dimensions): OpRecord<InputGradAttrs> {
  return families[dimensions].inputGrad;
}

/** How a convolution slides, and what is added to it. */
export interface ConvolutionOptions extends SlidingOptions {
  /** Channels are cut into this many groups that do not see each other. Default 1; input channels for depthwise. */
  readonly groups?: number;
  /** [output channels] */
  readonly bias?: Tensor | undefined;
}

/** What the options of a convolution may be. */
export const CONVOLUTION: OptionKinds<ConvolutionOptions> = { ...SLIDING, groups: "size", bias: "tensor" };

function convolution(x: Tensor, filters: Tensor, options: ConvolutionOptions, dimensions: Dimensions): Tensor {
  const op = `conv${dimensions}d`;
  expectOptions(op, options, CONVOLUTION);
  expectRanks(op, x, filters, dimensions, "input channels / groups, output channels");
  const { groups = 1, bias } = options;
  const sliding = slidingOf(op, x.shape.slice(1, -1), filters.shape.slice(0, -2), options);
  const inputs = bias ? [x, filters, bias] : [x, filters];
  return dispatch(families[dimensions].forward, inputs, { ...sliding, groups })[0]!;
}

/**
 * y[n, j, o] = Σ_{i, c} filters[i, c, o] · x[n, j·stride + i·dilation − padding, c] + bias[o] (Jiang §8.2.4).
 * @param x [n, length, channels]
 * @param filters [size, channels / groups, outs]
 * @returns [n, ⌊(length + padding − dilation·(size − 1) − 1)/stride⌋ + 1, outs]
 * @throws ShapeError, DTypeError, ValueError
 */
export function conv1d(x: Tensor, filters: Tensor, options: ConvolutionOptions = {}): Tensor {
  return convolution(x, filters, options, 1);
}

/**
 * The same over images: x [n, height, width, channels] and filters [kh, kw, channels / groups, outs] give
 * [n, height′, width′, outs].
 * @throws ShapeError, DTypeError, ValueError
 * @example
 * conv2d(images, filters, { stride: 2, padding: "same" })     // [8, 32, 32, 3], [3, 3, 3, 16] → [8, 16, 16, 16]
 * conv2d(x, filters, { groups: 16, padding: 1 })              // depthwise: filters [3, 3, 1, 16]
 */
export function conv2d(x: Tensor, filters: Tensor, options: ConvolutionOptions = {}): Tensor {
  return convolution(x, filters, options, 2);
}

/**
 * The same over volumes or video: x [n, depth, height, width, channels] and filters [kd, kh, kw, channels / groups, outs].
 * @throws ShapeError, DTypeError, ValueError
 */
export function conv3d(x: Tensor, filters: Tensor, options: ConvolutionOptions = {}): Tensor {
  return convolution(x, filters, options, 3);
}
