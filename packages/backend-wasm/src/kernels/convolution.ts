/**
 * Convolution along one and two axes and its gradients. Groups of several channels, and dilation along the rows of images, are
 * left to the composition.
 */
import { contiguousStrides, sizeOf, type View } from "@neurite/core";
import type { Engine } from "../engine.js";
import { elementBytes } from "../lanes.js";
import { defineConvolutionRows, defineFilterGradient } from "../matmul/convolution.js";
import { definePackB } from "../matmul/gemm.js";
import { ADD_BIAS, tileColumns, tileRows } from "../matmul/micro.js";
import { addressOf, viewAt } from "../views.js";
import { type Geometry, SHARED_WORK, type Steps, walkOf } from "./convolution-walk.js";
import { makeCopy } from "./copy.js";
import { convolveDepthwise, depthwiseFilterGradient, isDepthwise } from "./depthwise.js";
import { fillView } from "./fill.js";
import { makePad, place } from "./pad.js";

/** Whether neighbouring columns of the filter see neighbouring pixels. */
function fits({ dilation, groups }: Geometry): boolean {
  return groups === 1 && dilation[1] === 1;
}

/** What convolves with these filters, if anything here does. */
function kernelFor(filters: View, geometry: Geometry): typeof convolve | null {
  if (isDepthwise(filters, geometry)) return convolveDepthwise;
  return fits(geometry) ? convolve : null;
}

/** Calls `use` with a contiguous scratch view of the given shape. */
function withScratchView(engine: Engine, shape: readonly number[], use: (view: View) => void): void {
  engine.withScratch(sizeOf(shape) * elementBytes("float32"), (pointer) => use(viewAt(pointer, "float32", shape)));
}

/** Calls `use` with the images padded along height and width. */
function withPadding(
  engine: Engine,
  x: View,
  padding: readonly (readonly [number, number])[],
  use: (padded: View) => void,
): void {
  const [top, side] = padding as [readonly [number, number], readonly [number, number]];
  if ([...top, ...side].every((width) => width === 0)) {
    use(x);
    return;
  }
  const [n, h, w, c] = x.shape as [number, number, number, number];
  withScratchView(engine, [n, h + top[0] + top[1], w + side[0] + side[1], c], (padded) => {
    const before = [0, top[0], side[0], 0];
    makePad(engine)([padded], [x], { before, after: [0, top[1], side[1], 0], interior: [0, 0, 0, 0], value: 0 });
    use(padded);
  });
}

/** Channels rounded up to whole panels. */
function wholePanels(engine: Engine, channels: number): number {
  const width = tileColumns(engine.features);
  return Math.ceil(channels / width) * width;
}

/** Calls `use` with `x` and zeros behind its channels, up to whole panels. */
function withWholeChannels(engine: Engine, x: View, use: (whole: View) => void): void {
  const channels = x.shape.at(-1)!;
  const whole = wholePanels(engine, channels);
  if (whole === channels) {
    use(x);
    return;
  }
  withScratchView(engine, [...x.shape.slice(0, -1), whole], (padded) => {
    const none = x.shape.map(() => 0);
    const after = [...none.slice(1), whole - channels];
    makePad(engine)([padded], [x], { before: none, after, interior: none, value: 0 });
    use(padded);
  });
}

/** Calls `fill` with a view like `out`, but with channels up to whole panels, and keeps of it what `out` has. */
function fillWholeChannels(engine: Engine, out: View, fill: (whole: View) => void): void {
  const channels = out.shape.at(-1)!;
  const whole = wholePanels(engine, channels);
  if (whole === channels) {
    fill(out);
    return;
  }
  const rows = sizeOf(out.shape) / channels;
  withScratchView(engine, [...out.shape.slice(0, -1), whole], (target) => {
    fill(target);
    const shape = [rows, channels];
    makeCopy(engine)([{ ...out, shape, strides: [channels, 1] }], [{ ...target, shape, strides: [whole, 1] }]);
  });
}

/** y [n, oh, ow, outs] of images that are padded already and filters [kh, kw, c, outs]. */
function convolve(engine: Engine, y: View, x: View, filters: View, bias: View | undefined, steps: Steps): void {
  const run = (wholeBias?: View) =>
    fillWholeChannels(engine, y, (target) => convolveWhole(engine, target, x, filters, wholeBias, steps));
  if (bias) withWholeChannels(engine, bias, run);
  else run();
}

/** {@link convolve} where y and bias have whole panels of channels; the filters may have less. */
function convolveWhole(engine: Engine, y: View, x: View, filters: View, bias: View | undefined, steps: Steps): void {
  const outs = y.shape[3]!;
  const { n, rows, pixels, imageStep, rowStep, pixelStep, tapStep } = walkOf(y, x, steps);
  const channels = x.shape[3]!;
  const [taps, columns, , maps] = filters.shape as [number, number, number, number];
  const k = columns * channels;
  const width = tileColumns(engine.features);
  const panels = outs / width;
  const pack = engine.variant("matmul pack B", "rows", "", (module, features) => definePackB(module, features, "rows"));
  const kernel = engine.kernel("conv2d rows", defineConvolutionRows);
  engine.withScratch(4 * taps * k * outs, (packed) => {
    engine.run(
      pack,
      panels,
      Math.ceil(SHARED_WORK / (taps * k)),
      taps * k,
      maps,
      addressOf(filters),
      4 * maps,
      4,
      packed,
    );
    engine.run(
      kernel,
      n * rows,
      Math.ceil(SHARED_WORK / (pixels * taps * k * outs)),
      rows,
      pixels,
      addressOf(x),
      imageStep,
      rowStep,
      pixelStep,
      taps,
      tapStep,
      k,
      packed,
      panels,
      4 * width * taps * k,
      addressOf(y),
      4 * outs,
      bias ? ADD_BIAS : 0,
      bias ? addressOf(bias) : 0,
    );
  });
}

/** inputs x [n, h, w, c], filters [kh, kw, c, outs], maybe bias [outs]. */
function makeConv2d(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[], geometry: Geometry): undefined | false => {
    const [x, filters, bias] = inputs as [View, View, View?];
    const run = kernelFor(filters, geometry);
    if (!run) return false;
    withPadding(engine, x, geometry.padding, (padded) => run(engine, outs[0]!, padded, filters, bias, geometry));
    return undefined;
  };
}

/** The elements of an axis of x that meet the same places of the filter: those whose window starts lie `phase` before them. */
interface Phase {
  readonly phase: number;
  /** Number of the filter's places. */
  readonly taps: number;
  /** The first such element, and how many there are. */
  readonly first: number;
  readonly count: number;
  /** Zeros around the error's axis. */
  readonly reach: readonly [number, number];
}

/**
 * x[i] went to y[o] by place k where o·stride + k·dilation = i + padding. With q = ⌊(i + padding)/stride⌋ the elements of
 * one remainder get Σⱼ dy[q − j·dilation]·w[phase + j·stride]: a convolution without stride.
 */
function phasesOf(length: number, count: number, size: number, axis: number, geometry: Geometry): Phase[] {
  const stride = geometry.strides[axis]!;
  const dilation = geometry.dilation[axis]!;
  const before = geometry.padding[axis]![0];
  return Array.from({ length: stride }, (_, phase) => {
    const taps = Math.ceil((size - phase) / stride);
    const start = Math.ceil((before - phase) / stride);
    const end = Math.floor((length - 1 + before - phase) / stride);
    const reach = [dilation * (taps - 1) - start, end - (count - 1)] as const;
    return { phase, taps, first: start * stride + phase - before, count: end - start + 1, reach };
  }).filter((one) => one.count > 0);
}

/**
 * Gradient by x: the error, padded by what the filter reaches over, convolved with the filter turned round and its
 * channels exchanged; with strides, once for each remainder, with the places of the filter that meet it. Inputs dy
 * [n, oh, ow, outs] and filters.
 */
function makeConv2dInputGrad(engine: Engine) {
  const copy = makeCopy(engine);
  return (outs: readonly View[], inputs: readonly View[], geometry: Geometry): undefined | false => {
    const [dx] = outs as [View];
    const [dy, filters] = inputs as [View, View];
    const { strides, dilation } = geometry;
    const strided = strides.some((stride) => stride > 1);
    const run = kernelFor(filters, geometry);
    if (!run || (strided && dilation.some((step) => step > 1))) return false;
    const [lines, columns] = [0, 1].map((axis) =>
      phasesOf(dx.shape[axis + 1]!, dy.shape[axis + 1]!, filters.shape[axis]!, axis, geometry),
    ) as [Phase[], Phase[]];
    const pairs = lines.flatMap((line) => columns.map((column) => [line, column] as const));
    const met = pairs.filter((pair) => pair.every(({ taps }) => taps > 0));
    // a filter padded by more than it reaches would need the error cut, not padded
    if (met.flat().some(({ reach }) => reach[0] < 0 || reach[1] < 0)) return false;
    if (met.length < pairs.length) fillView(engine, dx, 0);
    const [n, , width, channels] = dx.shape as [number, number, number, number];
    const [lineStep, columnStep, channelStep] = contiguousStrides(filters.shape) as [number, number, number];
    // where each channel has a filter of its own there is nothing to exchange
    const [ends, endSteps] =
      run === convolve
        ? [
            [filters.shape[3]!, channels],
            [1, channelStep],
          ]
        : [
            [1, channels],
            [channelStep, 1],
          ];
    for (const [line, column] of met) {
      withScratchView(engine, [line.taps, column.taps, ...ends], (turned) => {
        const last = ({ phase, taps }: Phase, stride: number) => phase + (taps - 1) * stride;
        const offset = last(line, strides[0]!) * lineStep + last(column, strides[1]!) * columnStep;
        copy(
          [turned],
          [
            {
              ...filters,
              shape: turned.shape,
              strides: [-strides[0]! * lineStep, -strides[1]! * columnStep, ...endSteps],
              offset: filters.offset + offset,
            },
          ],
        );
        const plain = { strides: [1, 1], dilation };
        withPadding(engine, dy, [line.reach, column.reach], (padded) => {
          if (!strided) run(engine, dx, padded, turned, undefined, plain);
          else {
            withScratchView(engine, [n, line.count, column.count, channels], (part) => {
              run(engine, part, padded, turned, undefined, plain);
              const bytes = 4 * channels;
              for (let row = 0; row < n * line.count; row++) {
                const image = Math.floor(row / line.count);
                const y = image * dx.shape[1]! + line.first + (row - image * line.count) * strides[0]!;
                const target = addressOf(dx) + (y * width + column.first) * bytes;
                const source = addressOf(part) + row * column.count * bytes;
                place(engine, column.count, bytes, source, bytes, target, strides[1]! * bytes);
              }
            });
          }
        });
      });
    }
    return undefined;
  };
}

/** Gradient by the filters, of x and dy [n, oh, ow, outs]. */
function makeConv2dFilterGrad(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[], geometry: Geometry): undefined | false => {
    const [x, dy] = inputs as [View, View];
    if (isDepthwise(outs[0]!, geometry)) {
      withPadding(engine, x, geometry.padding, (padded) =>
        depthwiseFilterGradient(engine, outs[0]!, padded, dy, geometry),
      );
      return undefined;
    }
    if (!fits(geometry)) return false;
    withPadding(engine, x, geometry.padding, (padded) =>
      withWholeChannels(engine, dy, (whole) =>
        fillWholeChannels(engine, outs[0]!, (gradient) => filterGradient(engine, gradient, padded, whole, geometry)),
      ),
    );
    return undefined;
  };
}

/** The same where x is padded already and the channels of dy are whole panels. */
function filterGradient(engine: Engine, gradient: View, x: View, dy: View, steps: Steps): void {
  const maps = dy.shape[3]!;
  const { n, rows, pixels, imageStep, rowStep, pixelStep, tapStep } = walkOf(dy, x, steps);
  const [taps, columns, channels] = gradient.shape as [number, number, number, number];
  const k = columns * channels;
  const tiles = tileRows(engine.features);
  const perTap = Math.ceil(k / tiles);
  engine.run(
    engine.kernel("conv2d filter gradient", defineFilterGradient),
    taps * perTap,
    Math.ceil(SHARED_WORK / (tiles * n * rows * pixels * maps)),
    perTap,
    n,
    rows,
    pixels,
    addressOf(x),
    imageStep,
    rowStep,
    pixelStep,
    tapStep,
    k,
    addressOf(dy),
    4 * maps,
    maps / tileColumns(engine.features),
    addressOf(gradient),
  );
}

type ConvolutionKernel = (outs: readonly View[], inputs: readonly View[], geometry: Geometry) => undefined | false;

/**
 * A kernel for sequences by one for images: the time lies along the columns or, dilated, along the rows.
 * @param filters where they are: the second input, or the output
 */
function alongTime(kernel: ConvolutionKernel, filters: "input" | "output"): ConvolutionKernel {
  return (outs, inputs, { strides, padding, dilation, groups }) => {
    const dilated = dilation[0]! > 1;
    const pair = <T>(time: T, other: T): readonly T[] => (dilated ? [time, other] : [other, time]);
    const lift = (view: View, time: number): View => {
      // a bias stays as it is
      if (view.shape.length === 1) return view;
      const shape = view.shape.toSpliced(dilated ? time + 1 : time, 0, 1);
      return { ...view, shape, strides: contiguousStrides(shape) };
    };
    return kernel(
      outs.map((view) => lift(view, filters === "output" ? 0 : 1)),
      inputs.map((view, i) => lift(view, filters === "input" && i === 1 ? 0 : 1)),
      {
        strides: pair(strides[0]!, 1),
        padding: pair(padding[0]!, [0, 0] as const),
        dilation: pair(dilation[0]!, 1),
        groups,
      },
    );
  };
}

/** The records of one and two spatial axes. */
export function convolutionKernels(engine: Engine) {
  const [forward, byInput, byFilters] = [makeConv2d, makeConv2dInputGrad, makeConv2dFilterGrad].map((make) =>
    make(engine),
  ) as [ConvolutionKernel, ConvolutionKernel, ConvolutionKernel];
  return {
    conv1d: alongTime(forward, "input"),
    conv1dInputGrad: alongTime(byInput, "input"),
    conv1dFilterGrad: alongTime(byFilters, "output"),
    conv2d: forward,
    conv2dInputGrad: byInput,
    conv2dFilterGrad: byFilters,
  };
}
