/**
 * Convolution of images that are padded already, and its gradient by the filters, on the tiles of the matrix product. The
 * channels of a group, and of a tile, are rounded up to whole panels where they are not; groups of few channels are joined.
 */
import { sizeOf, type View } from "@neurite/core";
import type { Engine } from "../engine.js";
import { elementBytes } from "../lanes.js";
import { defineConvolutionRows, defineFilterGradient } from "../matmul/convolution.js";
import { definePackB } from "../matmul/gemm.js";
import { ADD_BIAS, tileColumns, tileRows } from "../matmul/micro.js";
import { addressOf, floatsAt, viewAt } from "../views.js";
import { SHARED_WORK, type Steps, walkOf, withStarts } from "./convolution-walk.js";
import { makeCopy } from "./copy.js";
import { makePad } from "./pad.js";
import { makeReduce } from "./reduce.js";

/** Pixels whose products are summed in registers before the gradient takes them: with rows of 14, 12 % faster than row by row. */
const PIXELS = 64;

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
  engine.withScratch(4 * depth * outs, (packed) => {
    const grain = Math.ceil(SHARED_WORK / depth);
    engine.run(pack, panels, grain, depth, outs, addressOf(filters), 4 * outs, 4, packed);
    withStarts(engine, walk, (rows, taps) => {
      engine.run(
        kernel,
        walk.rows,
        Math.ceil(SHARED_WORK / (walk.pixels * depth * outs)),
        addressOf(x),
        rows,
        walk.pixels,
        walk.pixelStep,
        taps,
        walk.taps,
        k,
        4 * c,
        steps.groups,
        packed,
        panels / steps.groups,
        addressOf(y),
        4 * outs,
        bias ? ADD_BIAS : 0,
        bias ? addressOf(bias) : 0,
      );
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
  withStarts(engine, walk, (rows, taps) => {
    engine.run(
      engine.kernel("convolution filter gradient", defineFilterGradient),
      groups * walk.taps * perTap,
      Math.ceil(SHARED_WORK / ((height * walk.rows * walk.pixels * outs) / groups)),
      addressOf(x),
      rows,
      walk.pixels,
      walk.pixelStep,
      taps,
      walk.taps,
      k,
      4 * c,
      walk.rows,
      Math.ceil(PIXELS / walk.pixels),
      perTap,
      addressOf(dy),
      4 * outs,
      panels,
      addressOf(gradient),
    );
  });
}
