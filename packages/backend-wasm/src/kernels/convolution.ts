/**
 * Convolution along one to three axes and its gradients: padding, and which of the kernels of `convolution-product.ts` and
 * `depthwise.ts` runs on what. Left to the composition is only the gradient by an input that was padded by more than the filter
 * reaches over.
 */
import { contiguousStrides, type View } from "@neurite/core";
import type { Engine } from "../engine.js";
import { forEachOuter } from "../views.js";
import { convolve, filterGradient, withScratchView } from "./convolution-product.js";
import type { Geometry } from "./convolution-walk.js";
import { makeCopy } from "./copy.js";
import { convolveDepthwise, depthwiseFilterGradient, isDepthwise } from "./depthwise.js";
import { fillView } from "./fill.js";
import { makePad, place } from "./pad.js";

type Kernel<T> = (outs: readonly View[], inputs: readonly View[], geometry: Geometry) => T;

/** Calls `use` with the images padded along their spatial axes. */
function withPadding(engine: Engine, x: View, padding: Geometry["padding"], use: (padded: View) => void): void {
  if (padding.flat().every((width) => width === 0)) {
    use(x);
    return;
  }
  const [before, after] = [0, 1].map((end) => [0, ...padding.map((widths) => widths[end]!), 0]) as [number[], number[]];
  const lengths = x.shape.map((length, axis) => before[axis]! + length + after[axis]!);
  withScratchView(engine, lengths, (padded) => {
    makePad(engine)([padded], [x], { before, after, interior: before.map(() => 0), value: 0 });
    use(padded);
  });
}

/** inputs x [n, ...spatial, channels], filters [...size, c, outs], maybe bias [outs]. */
function makeForward(engine: Engine): Kernel<undefined> {
  return ([y], [x, filters, bias], geometry) => {
    const run = isDepthwise(filters!, geometry) ? convolveDepthwise : convolve;
    withPadding(engine, x!, geometry.padding, (padded) => run(engine, y!, padded, filters!, bias, geometry));
  };
}

/** The elements of an axis of x that meet the same places of the filter. */
interface Phase {
  /** The first of those places, the step to the next, and how many there are. */
  readonly place: number;
  readonly step: number;
  readonly taps: number;
  /** The first such element, and how many there are. */
  readonly first: number;
  readonly count: number;
  /** How far neighbouring places are apart in the error's axis, and the zeros around it. */
  readonly dilation: number;
  readonly reach: readonly [number, number];
}

/**
 * x[i] went to y[o] by place k where o·stride + k·dilation = i + padding. The elements of one remainder i + padding, divided by
 * the stride, meet every stride / gcd(stride, dilation)-th place, if any, and the errors to those lie dilation / gcd apart: a
 * convolution without stride.
 */
function phasesOf(length: number, count: number, size: number, axis: number, geometry: Geometry): Phase[] {
  const stride = geometry.strides[axis]!;
  const spread = geometry.dilation[axis]!;
  const before = geometry.padding[axis]![0];
  const common = divisor(stride, spread);
  const [step, dilation] = [stride / common, spread / common];
  return Array.from({ length: Math.min(stride, length) }, (_, first) => {
    let place = 0;
    while (place < step && (first + before - place * spread) % stride !== 0) place++;
    const taps = place < step ? Math.max(0, Math.ceil((size - place) / step)) : 0;
    const elements = Math.ceil((length - first) / stride);
    const start = (first + before - place * spread) / stride;
    const reach = [dilation * (taps - 1) - start, start + elements - count] as const;
    return { place, step, taps, first, count: elements, dilation, reach };
  });
}

/** Greatest common divisor. */
function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

/** All ways to take one of each list. */
function combinations<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>((heads, list) => heads.flatMap((head) => list.map((one) => [...head, one])), [[]]);
}

/**
 * Gradient by x: the error, padded by what the filter reaches over, convolved with the filter turned round and its
 * channels exchanged; with strides, once for each remainder, with the places of the filter that meet it. Inputs dy
 * [n, ...counts, outs] and filters.
 */
function makeInputGradient(engine: Engine): Kernel<undefined | false> {
  const copy = makeCopy(engine);
  return ([dx], [dy, filters], geometry) => {
    const { strides, groups } = geometry;
    const { shape } = filters!;
    const parts = combinations(
      strides.map((_, axis) => phasesOf(dx!.shape[axis + 1]!, dy!.shape[axis + 1]!, shape[axis]!, axis, geometry)),
    );
    const met = parts.filter((phases) => phases.every(({ taps }) => taps > 0));
    // a filter padded by more than it reaches would need the error cut, not padded
    if (met.flat().some(({ reach }) => reach[0] < 0 || reach[1] < 0)) return false;
    if (met.length < parts.length) fillView(engine, dx!, 0);
    const [c, outs] = shape.slice(-2) as [number, number];
    const steps = contiguousStrides(shape);
    const depthwise = isDepthwise(filters!, geometry);
    const run = depthwise ? convolveDepthwise : convolve;
    for (const phases of met) {
      const size = phases.map(({ taps }) => taps);
      withScratchView(engine, [...size, outs / groups, groups * c], (turned) => {
        const last = phases.reduce((sum, { place, step, taps }, i) => sum + (place + (taps - 1) * step) * steps[i]!, 0);
        copy(
          [{ ...turned, shape: [...size, outs / groups, groups, c] }],
          [
            {
              ...filters!,
              shape: [...size, outs / groups, groups, c],
              strides: [...phases.map(({ step }, i) => -step * steps[i]!), 1, outs / groups, outs],
              offset: filters!.offset + last,
            },
          ],
        );
        const dilation = phases.map((phase) => phase.dilation);
        const plain = { strides: phases.map(() => 1), dilation, groups };
        const reach = phases.map((phase) => phase.reach);
        withPadding(engine, dy!, reach, (padded) => {
          if (parts.length === 1) run(engine, dx!, padded, turned, undefined, plain);
          else {
            withScratchView(engine, [dx!.shape[0]!, ...phases.map(({ count }) => count), groups * c], (part) => {
              run(engine, part, padded, turned, undefined, plain);
              spread(engine, dx!, part, phases, strides);
            });
          }
        });
      });
    }
    return undefined;
  };
}

/** Puts the gradient by the elements of some phases to its places. */
function spread(engine: Engine, dx: View, part: View, phases: readonly Phase[], strides: readonly number[]): void {
  const steps = contiguousStrides(dx.shape);
  const target = {
    ...dx,
    strides: steps.map((step, axis) => step * (strides[axis - 1] ?? 1)),
    offset: phases.reduce((sum, { first }, i) => sum + first * steps[i + 1]!, dx.offset),
  };
  const axes = strides.length;
  const bytes = 4 * dx.shape.at(-1)!;
  forEachOuter(part.shape, axes, [part, target], ([from, to]) =>
    place(engine, part.shape[axes]!, bytes, from!, bytes, to!, strides[axes - 1]! * bytes),
  );
}

/** Gradient by the filters, of x and dy [n, ...counts, outs]. */
function makeFilterGradient(engine: Engine): Kernel<undefined> {
  return ([gradient], [x, dy], geometry) => {
    const run = isDepthwise(gradient!, geometry) ? depthwiseFilterGradient : filterGradient;
    withPadding(engine, x!, geometry.padding, (padded) => run(engine, gradient!, padded, dy!, geometry));
  };
}

/** The records of one to three spatial axes. */
export function convolutionKernels(engine: Engine) {
  const forward = makeForward(engine);
  const byInput = makeInputGradient(engine);
  const byFilters = makeFilterGradient(engine);
  return {
    conv1d: forward,
    conv1dInputGrad: byInput,
    conv1dFilterGrad: byFilters,
    conv2d: forward,
    conv2dInputGrad: byInput,
    conv2dFilterGrad: byFilters,
    conv3d: forward,
    conv3dInputGrad: byInput,
    conv3dFilterGrad: byFilters,
  };
}
