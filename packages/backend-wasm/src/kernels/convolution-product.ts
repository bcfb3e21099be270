/**
 * Convolution of images that are padded already, and its gradient by the filters, on the tiles of the matrix product. The
 * channels of a group, and of a tile, are rounded up to whole panels where they are not; groups of few channels are joined.
 */
import { sizeOf, type View } from "@neurite/core";
import type { Engine } from "../engine.js";
import { elementBytes } from "../lanes.js";
import { defineConvolutionRows, defineFilterGradient } from "../matmul/convolution.js";
import { definePackB } from "../matmul/gemm.js";
import { ACCUMULATE, ADD_BIAS, tileColumns, tileRows } from "../matmul/micro.js";
import { addressOf, floatsAt, viewAt } from "../views.js";
import { SHARED_WORK, type Steps, walkOf, withStarts } from "./convolution-walk.js";
import { makeCopy } from "./copy.js";
import { makePad } from "./pad.js";
import { makeReduce } from "./reduce.js";
import { sumParts } from "./sum-parts.js";

/** Pixels whose products are summed in registers before the gradient takes them: with rows of 14, 12 % faster than row by row. */
const PIXELS = 64;

/** Longest sum of products of a filter that stays in registers: slices of the filter would cost up to a fifth of the time. */
const LONG_SUM = 4096;
/** Products, of longer sums and of gradients, that an element takes at once, and how often before they are summed in parts. */
const AT_ONCE = 256;
const MOST_TAKEN = 128;

/** Calls `use` with a contiguous scratch view of the given shape. */
export function withScratchView(engine: Engine, shape: readonly number[], use: (view: View) => void): void {
  engine.withScratch(sizeOf(shape) * elementBytes("float32"), (pointer) => use(viewAt(pointer, "float32", shape)));
}

/** Channels rounded up to whole panels. */
function roundedToPanels(engine: Engine, channels: number): number {
  const width = tileColumns(engine.features);
  return Math.ceil(channels / width) * width;
}

/** Calls `use` with `x` and zeros behind each group's channels, up to whole panels. */
function withWholeChannels(engine: Engine, x: View, groups: number, use: (whole: View) => void): void {
  const all = x.shape.at(-1)!;
  const channels = all / groups;
  const whole = roundedToPanels(engine, channels);
  if (whole === channels) {
    use(x);
    return;
  }
  const rows = sizeOf(x.shape) / all;
  withScratchView(engine, [...x.shape.slice(0, -1), groups * whole], (padded) => {
    const none = [0, 0];
    makePad(engine)([{ ...padded, shape: [rows * groups, whole] }], [{ ...x, shape: [rows * groups, channels] }], {
      before: none,
      after: [0, whole - channels],
      interior: none,
      value: 0,
    });
    use(padded);
  });
}

/** Calls `fill` with a view like `out`, but with each group's channels up to whole panels, and keeps of it what `out` has. */
function fillWholeChannels(engine: Engine, out: View, groups: number, fill: (whole: View) => void): void {
  const all = out.shape.at(-1)!;
  const channels = all / groups;
  const whole = roundedToPanels(engine, channels);
  if (whole === channels) {
    fill(out);
    return;
  }
  const rows = sizeOf(out.shape) / channels;
  withScratchView(engine, [...out.shape.slice(0, -1), groups * whole], (target) => {
    fill(target);
    const shape = [rows, channels];
    makeCopy(engine)([{ ...out, shape, strides: [channels, 1] }], [{ ...target, shape, strides: [whole, 1] }]);
  });
}

/** How many groups are joined to one, so that their output channels fill a panel as well as they can. */
function joinable(engine: Engine, groups: number, channels: number): number {
  let most = 1;
  for (let count = 2; count * channels <= tileColumns(engine.features); count++) if (groups % count === 0) most = count;
  return most;
}

/**
 * Calls `visit` with the positions of each element of filters [...size, c, outs] in them and in [...size, count·c, outs], the
 * filters of groups that are joined: each group's lie on the diagonal, with zeros beside them.
 */
function forEachJoined(
  shape: readonly number[],
  groups: number,
  count: number,
  visit: (apart: number, joint: number) => void,
): void {
  const [c, outs] = shape.slice(-2) as [number, number];
  const rows = sizeOf(shape) / outs;
  const own = outs / groups;
  for (let row = 0; row < rows; row++) {
    const first = Math.floor(row / c) * count * c + (row % c);
    for (let out = 0; out < outs; out++) {
      visit(row * outs + out, (first + (Math.floor(out / own) % count) * c) * outs + out);
    }
  }
}

/** Calls `use` with filters of groups that are large enough for a panel, or as large as can be, and how many those are. */
function withJoined(engine: Engine, filters: View, groups: number, use: (joint: View, groups: number) => void): void {
  const { shape } = filters;
  const count = joinable(engine, groups, shape.at(-1)! / groups);
  if (count === 1) {
    use(filters, groups);
    return;
  }
  withScratchView(engine, [...shape.slice(0, -2), count * shape.at(-2)!, shape.at(-1)!], (joint) => {
    const [from, to] = [filters, joint].map((view) => floatsAt(engine, addressOf(view), sizeOf(view.shape)));
    to!.fill(0);
    forEachJoined(shape, groups, count, (apart, inJoint) => {
      to![inJoint] = from![apart]!;
    });
    use(joint, groups / count);
  });
}

/** Calls `fill` with filters of joined groups likewise, and keeps what each group has of its own. */
function fillJoined(engine: Engine, filters: View, groups: number, fill: (joint: View, groups: number) => void): void {
  const { shape } = filters;
  const count = joinable(engine, groups, shape.at(-1)! / groups);
  if (count === 1) {
    fill(filters, groups);
    return;
  }
  withScratchView(engine, [...shape.slice(0, -2), count * shape.at(-2)!, shape.at(-1)!], (joint) => {
    fill(joint, groups / count);
    const [from, to] = [joint, filters].map((view) => floatsAt(engine, addressOf(view), sizeOf(view.shape)));
    forEachJoined(shape, groups, count, (apart, inJoint) => {
      to![apart] = from![inJoint]!;
    });
  });
}

/** y [n, ...counts, outs] of images that are padded already and filters [...size, c, outs]. */
export function convolve(engine: Engine, y: View, x: View, filters: View, bias: View | undefined, steps: Steps): void {
  const { groups } = steps;
  withJoined(engine, filters, groups, (joint, count) =>
    convolveGroups(engine, y, x, joint, bias, { ...steps, groups: count }),
  );
  // the zeros beside a group's filters make NaN of what is not finite in the groups that it was joined with
  if (joinable(engine, groups, filters.shape.at(-1)! / groups) > 1 && hasNaN(engine, y)) {
    convolveGroups(engine, y, x, filters, bias, steps);
  }
}

/** {@link convolve} with the groups as they are. */
function convolveGroups(engine: Engine, y: View, x: View, filters: View, bias: View | undefined, steps: Steps): void {
  const { groups } = steps;
  withWholeChannels(engine, filters, groups, (whole) =>
    fillWholeChannels(engine, y, groups, (target) => {
      const run = (wholeBias?: View) => convolveWhole(engine, target, x, whole, wholeBias, steps);
      if (bias) withWholeChannels(engine, bias, groups, run);
      else run();
    }),
  );
}

/** Whether a contiguous view holds a NaN, which its largest element then is. */
function hasNaN(engine: Engine, y: View): boolean {
  let largest = 0;
  withScratchView(engine, [1, 1], (result) => {
    makeReduce(engine)([result], [{ ...y, shape: [1, sizeOf(y.shape), 1] }], { kind: "max" });
    largest = floatsAt(engine, addressOf(result), 1)[0]!;
  });
  return Number.isNaN(largest);
}

/** {@link convolve} where each group of y, filters and bias has whole panels of channels. */
function convolveWhole(engine: Engine, y: View, x: View, filters: View, bias: View | undefined, steps: Steps): void {
  const outs = y.shape.at(-1)!;
  const walk = walkOf(y, x, filters.shape.slice(0, -2), steps);
  const [c] = filters.shape.slice(-2) as [number, number];
  const k = walk.run * c;
  const depth = walk.taps * k;
  const panels = outs / tileColumns(engine.features);
  const pack = engine.variant("matmul pack B", "rows", "", (module, features) => definePackB(module, features, "rows"));
  const kernel = engine.kernel("convolution rows", defineConvolutionRows);
  const panelRow = 4 * tileColumns(engine.features);
  // a slice of a long sum is several runs of k elements, or a piece of one
  const long = depth > LONG_SUM;
  const runs = long ? Math.max(1, Math.floor(AT_ONCE / k)) : walk.taps;
  const piece = long ? AT_ONCE : k;
  const pieces = Math.ceil(k / piece);
  const slices = Math.ceil(walk.taps / runs) * pieces;
  engine.withScratch(4 * depth * outs, (packed) => {
    const grain = Math.ceil(SHARED_WORK / depth);
    engine.run(pack, panels, grain, depth, outs, addressOf(filters), 4 * outs, 4, packed);
    withStarts(engine, walk, (rows, taps) => {
      sumParts(engine, sizeOf(y.shape), slices, MOST_TAKEN, addressOf(y), (start, count, to) => {
        for (let i = start; i < start + count; i++) {
          const tap = Math.floor(i / pieces) * runs;
          const from = (i % pieces) * piece;
          engine.run(
            kernel,
            walk.rows,
            Math.ceil(SHARED_WORK / (walk.pixels * depth * outs)),
            addressOf(x) + 4 * from,
            rows,
            walk.pixels,
            walk.pixelStep,
            taps + 4 * tap,
            Math.min(runs, walk.taps - tap),
            Math.min(piece, k - from),
            4 * c,
            steps.groups,
            packed + (tap * k + from) * panelRow,
            panels / steps.groups,
            depth * panelRow,
            to,
            4 * outs,
            i > start ? ACCUMULATE : bias && i === 0 ? ADD_BIAS : 0,
            bias ? addressOf(bias) : 0,
          );
        }
      });
    });
  });
}

/** Gradient by the filters [...size, c, outs], of x, which is padded already, and dy [n, ...counts, outs]. */
export function filterGradient(engine: Engine, gradient: View, x: View, dy: View, steps: Steps): void {
  fillJoined(engine, gradient, steps.groups, (joint, groups) =>
    withWholeChannels(engine, dy, groups, (whole) =>
      fillWholeChannels(engine, joint, groups, (target) =>
        filterGradientWhole(engine, target, x, whole, { ...steps, groups }),
      ),
    ),
  );
}

/** {@link filterGradient} where each group of dy and the gradient has whole panels of channels. */
function filterGradientWhole(engine: Engine, gradient: View, x: View, dy: View, steps: Steps): void {
  const outs = dy.shape.at(-1)!;
  const { groups } = steps;
  const walk = walkOf(dy, x, gradient.shape.slice(0, -2), steps);
  const c = gradient.shape.at(-2)!;
  const k = walk.run * c;
  const height = tileRows(engine.features);
  const perTap = Math.ceil(k / height);
  const panels = outs / groups / tileColumns(engine.features);
  const kernel = engine.kernel("convolution filter gradient", defineFilterGradient);
  const chunk = Math.ceil(PIXELS / walk.pixels);
  withStarts(engine, walk, (rows, taps) => {
    sumPixels(engine, gradient, walk.rows, walk.pixels, chunk, (row, rowCount, pixel, pixels, to) =>
      engine.run(
        kernel,
        groups * walk.taps * perTap,
        Math.ceil(SHARED_WORK / ((height * rowCount * pixels * outs) / groups)),
        addressOf(x) + pixel * walk.pixelStep,
        rows + 4 * row,
        pixels,
        walk.pixelStep,
        taps,
        walk.taps,
        k,
        4 * c,
        rowCount,
        chunk,
        perTap,
        addressOf(dy) + 4 * outs * (row * walk.pixels + pixel),
        4 * outs * walk.pixels,
        4 * outs,
        panels,
        to,
      ),
    );
  });
}

/**
 * The sum over all pixels of a gradient by filters, however many they are.
 * @param chunk rows whose pixels are summed in registers
 * @param sum puts the sum over some pixels of some rows to an address
 */
export function sumPixels(
  engine: Engine,
  gradient: View,
  rows: number,
  pixels: number,
  chunk: number,
  sum: (row: number, rowCount: number, pixel: number, pixelCount: number, to: number) => void,
): void {
  const size = sizeOf(gradient.shape);
  sumParts(engine, size, pixels, AT_ONCE, addressOf(gradient), (pixel, pixelCount, target) =>
    sumParts(engine, size, rows, MOST_TAKEN * chunk, target, (row, rowCount, to) =>
      sum(row, rowCount, pixel, pixelCount, to),
    ),
  );
}
