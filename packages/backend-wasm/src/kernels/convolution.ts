/** Two-dimensional convolution and its gradients. Groups and dilated filter rows are left to the composition. */
import { contiguousStrides, sizeOf, type View } from "@neurite/core";
import type { Engine } from "../engine.js";
import { elementBytes } from "../lanes.js";
import { defineConvolutionRows, defineFilterGradient } from "../matmul/convolution.js";
import { definePackB } from "../matmul/gemm.js";
import { ADD_BIAS, tileColumns, tileRows } from "../matmul/micro.js";
import { addressOf, viewAt } from "../views.js";
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

/** Whether neighbouring columns of the filter see neighbouring pixels. */
function fits({ dilation, groups }: Geometry): boolean {
  return groups === 1 && dilation[1] === 1;
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
function convolve(
  engine: Engine,
  y: View,
  x: View,
  filters: View,
  bias: View | undefined,
  geometry: Pick<Geometry, "strides" | "dilation">,
): void {
  const run = (wholeBias?: View) =>
    fillWholeChannels(engine, y, (target) => convolveWhole(engine, target, x, filters, wholeBias, geometry));
  if (bias) withWholeChannels(engine, bias, run);
  else run();
}

/** {@link convolve} where y and bias have whole panels of channels; the filters may have less. */
function convolveWhole(
  engine: Engine,
  y: View,
  x: View,
  filters: View,
  bias: View | undefined,
  { strides, dilation }: Pick<Geometry, "strides" | "dilation">,
): void {
  const [n, rows, pixels, outs] = y.shape as [number, number, number, number];
  const [, height, breadth, channels] = x.shape as [number, number, number, number];
  const [taps, columns, , maps] = filters.shape as [number, number, number, number];
  const k = columns * channels;
  const width = tileColumns(engine.features);
  const panels = outs / width;
  const rowStep = 4 * breadth * channels;
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
      height * rowStep,
      strides[0]! * rowStep,
      4 * strides[1]! * channels,
      taps,
      dilation[0]! * rowStep,
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
export function makeConv2d(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[], geometry: Geometry): undefined | false => {
    const [x, filters, bias] = inputs as [View, View, View?];
    if (!fits(geometry)) return false;
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
    if (!simple || !fits(geometry)) return false;
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
    const [x, dy] = inputs as [View, View];
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
function filterGradient(engine: Engine, gradient: View, x: View, dy: View, { strides, dilation }: Geometry): void {
  const [n, rows, pixels, maps] = dy.shape as [number, number, number, number];
  const [taps, columns, channels] = gradient.shape as [number, number, number, number];
  const [, height, breadth] = x.shape as [number, number, number, number];
  const k = columns * channels;
  const tiles = tileRows(engine.features);
  const perTap = Math.ceil(k / tiles);
  const rowStep = 4 * breadth * channels;
  engine.run(
    engine.kernel("conv2d filter gradient", defineFilterGradient),
    taps * perTap,
    Math.ceil(SHARED_WORK / (tiles * n * rows * pixels * maps)),
    perTap,
    n,
    rows,
    pixels,
    addressOf(x),
    height * rowStep,
    strides[0]! * rowStep,
    4 * strides[1]! * channels,
    dilation[0]! * rowStep,
    k,
    addressOf(dy),
    4 * maps,
    maps / tileColumns(engine.features),
    addressOf(gradient),
  );
}
