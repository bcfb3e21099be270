/** Two-dimensional convolution and its gradients. Groups, and output channels that are no multiple of 8, are left to the composition. */
import { contiguousStrides, sizeOf, type View } from "@neurite/core";
import type { Engine } from "../engine.js";
import { elementBytes } from "../lanes.js";
import { defineConvolutionRows, defineFilterGradient } from "../matmul/convolution.js";
import { definePackB } from "../matmul/gemm.js";
import { ADD_BIAS, COLUMNS, tileRows } from "../matmul/micro.js";
import { addressOf } from "../views.js";
import { makeCopy } from "./copy.js";
import { makePad } from "./pad.js";

/** Multiply-adds below which work is not shared between threads. */
const SHARED_WORK = 65_536;

/** Attributes of core's convolution records, per spatial axis. */
interface Geometry {
  readonly strides: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/** Whether neighbouring columns of the filter see neighbouring pixels, and outputs come in whole panels. */
function fits({ dilation, groups }: Geometry, outs: number): boolean {
  return groups === 1 && dilation[1] === 1 && outs % COLUMNS === 0;
}

/** Calls `use` with a contiguous scratch view of the given shape. */
function withScratchView(engine: Engine, shape: readonly number[], use: (view: View) => void): void {
  engine.withScratch(sizeOf(shape) * elementBytes("float32"), (pointer) =>
    use({ id: pointer, dtype: "float32", shape, strides: contiguousStrides(shape), offset: 0 }),
  );
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

/** y [n, oh, ow, outs] of images that are padded already and filters [kh, kw, c, outs]. */
function convolve(
  engine: Engine,
  y: View,
  x: View,
  filters: View,
  bias: View | undefined,
  { strides, dilation }: Pick<Geometry, "strides" | "dilation">,
): void {
  const [n, rows, pixels, outs] = y.shape as [number, number, number, number];
  const [, height, width, channels] = x.shape as [number, number, number, number];
  const [taps, columns] = filters.shape as [number, number];
  const k = columns * channels;
  const panels = outs / COLUMNS;
  const rowStep = 4 * width * channels;
  const pack = engine.kernel("matmul pack B rows", (module) => definePackB(module, "rows"));
  const kernel = engine.kernel("conv2d rows", defineConvolutionRows);
  engine.withScratch(4 * taps * k * outs, (packed) => {
    engine.run(
      pack,
      panels,
      Math.ceil(SHARED_WORK / (taps * k)),
      taps * k,
      outs,
      addressOf(filters),
      4 * outs,
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
      height * rowStep,
      strides[0]! * rowStep,
      4 * strides[1]! * channels,
      taps,
      dilation[0]! * rowStep,
      k,
      packed,
      panels,
      4 * COLUMNS * taps * k,
      addressOf(y),
      4 * outs,
      bias ? ADD_BIAS : 0,
      bias ? addressOf(bias) : 0,
    );
  });
}

/** inputs x [n, h, w, c], filters [kh, kw, c, outs], maybe bias [outs]. */
export function makeConv2d(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[], geometry: Geometry): undefined | false => {
    const [x, filters, bias] = inputs as [View, View, View?];
    if (!fits(geometry, filters.shape[3]!)) return false;
    withPadding(engine, x, geometry.padding, (padded) => convolve(engine, outs[0]!, padded, filters, bias, geometry));
    return undefined;
  };
}

/**
 * Gradient by x: the error, padded by what the filter reaches over, convolved with the filters turned round and their
 * channels exchanged. Inputs dy [n, oh, ow, outs] and filters; for strides above 1 the composition serves.
 */
export function makeConv2dInputGrad(engine: Engine) {
  const copy = makeCopy(engine);
  return (outs: readonly View[], inputs: readonly View[], geometry: Geometry): undefined | false => {
    const [dx] = outs as [View];
    const [dy, filters] = inputs as [View, View];
    const [kh, kw, channels, maps] = filters.shape as [number, number, number, number];
    const simple = geometry.strides.every((stride) => stride === 1) && geometry.dilation.every((step) => step === 1);
    if (!simple || !fits(geometry, channels)) return false;
    const reach = [kh, kw].map((size, axis): readonly [number, number] => {
      const before = size - 1 - geometry.padding[axis]![0];
      return [before, dx.shape[axis + 1]! + size - 1 - dy.shape[axis + 1]! - before];
    });
    // a filter padded by more than it reaches would need the error cut, not padded
    if (reach.flat().some((width) => width < 0)) return false;
    withScratchView(engine, [kh, kw, maps, channels], (turned) => {
      const [kStep, wStep, cStep] = contiguousStrides(filters.shape) as [number, number, number, number];
      const source: View = {
        ...filters,
        shape: turned.shape,
        strides: [-kStep, -wStep, 1, cStep],
        offset: filters.offset + (kh - 1) * kStep + (kw - 1) * wStep,
      };
      copy([turned], [source]);
      withPadding(engine, dy, reach, (padded) => convolve(engine, dx, padded, turned, undefined, geometry));
    });
    return undefined;
  };
}

/** Gradient by the filters, of x and dy [n, oh, ow, outs]. */
export function makeConv2dFilterGrad(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[], geometry: Geometry): undefined | false => {
    const [gradient] = outs as [View];
    const [x, dy] = inputs as [View, View];
    const [n, rows, pixels, maps] = dy.shape as [number, number, number, number];
    if (!fits(geometry, maps)) return false;
    const [taps, columns, channels] = gradient.shape as [number, number, number, number];
    const { strides, dilation } = geometry;
    const kernel = engine.kernel("conv2d filter gradient", defineFilterGradient);
    const k = columns * channels;
    const perTap = Math.ceil(k / tileRows(engine.features));
    withPadding(engine, x, geometry.padding, (padded) => {
      const [, height, width] = padded.shape as [number, number, number, number];
      const rowStep = 4 * width * channels;
      engine.run(
        kernel,
        taps * perTap,
        Math.ceil(SHARED_WORK / (tileRows(engine.features) * n * rows * pixels * maps)),
        perTap,
        n,
        rows,
        pixels,
        addressOf(padded),
        height * rowStep,
        strides[0]! * rowStep,
        4 * strides[1]! * channels,
        dilation[0]! * rowStep,
        k,
        addressOf(dy),
        4 * maps,
        maps / COLUMNS,
        addressOf(gradient),
      );
    });
    return undefined;
  };
}
