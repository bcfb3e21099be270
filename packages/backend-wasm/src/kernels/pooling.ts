/**
 * Max and average pooling with their gradients, over one to three spatial axes. Geometry is part of the emitted code: a
 * kernel is compiled for each. Forward the items are rows of windows, backward whole images, since windows overlap.
 */
import { sizeOf, type View } from "@neurite/core";
import { f32, f32x4, type I32, i32, i32x4, memoryFill, type V128, v128 } from "../emitter/code.js";
import type { FunctionBuilder, Local } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { storeSome } from "../lanes.js";
import { addressOf } from "../views.js";

const GRAIN = 8192;

/** Attributes of core's pooling records, per spatial axis. */
interface PoolAttrs {
  readonly size: readonly number[];
  readonly strides: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
  readonly dilation: readonly number[];
  /** Of average pooling. */
  readonly countIncludePad?: boolean;
}

/** The same with what follows from the shapes. */
interface Geometry extends PoolAttrs {
  /** Lengths of x, and numbers of windows. */
  readonly spatial: readonly number[];
  readonly counts: readonly number[];
  readonly channels: number;
}

function geometryOf(attrs: PoolAttrs, x: readonly number[], y: readonly number[]): Geometry {
  const { size, strides, padding, dilation, countIncludePad = true } = attrs;
  const spatial = x.slice(1, -1);
  const counts = y.slice(1, -1);
  return { size, strides, padding, dilation, countIncludePad, spatial, counts, channels: x.at(-1)! };
}

/** Most elements of a window that are written out one by one. */
const MOST_TAPS = 16;

/** Whether every window lies inside of x, so that no element needs a check. */
function isInside({ size, strides, padding, dilation, spatial, counts }: Geometry): boolean {
  return size.every(
    (k, axis) =>
      padding[axis]![0] === 0 && (counts[axis]! - 1) * strides[axis]! + (k - 1) * dilation[axis]! < spatial[axis]!,
  );
}

/** Whether no element of x is in two windows. */
function isDisjoint({ size, strides, dilation }: Geometry): boolean {
  return size.every((k, axis) => strides[axis]! > (k - 1) * dilation[axis]!);
}

/** Whether every element of x is in one window: they are apart, inside, and hold as many as there are. */
function isComplete(geometry: Geometry): boolean {
  const { size, spatial, counts } = geometry;
  return isInside(geometry) && isDisjoint(geometry) && size.every((k, axis) => counts[axis]! * k === spatial[axis]);
}

/** An element of a window: its address is that of four channels of the window's corner (or its own), and an offset. */
interface Tap {
  readonly pixel: I32;
  readonly offset: number;
  readonly place: I32;
  /** Whether it is the first that code written out one by one meets. */
  readonly first: boolean;
}

/**
 * Prepares the window at the index `window` of the image at `base`. The function returned calls `visit` in code that runs for
 * every element of the window that is no padding.
 */
function openWindow(
  f: FunctionBuilder,
  geometry: Geometry,
  base: I32,
  window: readonly I32[],
): (visit: (tap: Tap) => void) => void {
  const { size, strides, dilation, spatial, channels } = geometry;
  const bytes = 4 * channels;
  const addressOfPixel = (pixel: I32) => f.keep(i32.add(base, i32.mul(pixel, bytes)));
  if (!isInside(geometry) || sizeOf(size) > MOST_TAPS) {
    return (visit) =>
      forEachTap(f, geometry, window, (pixel, place) =>
        visit({ pixel: addressOfPixel(pixel), offset: 0, place, first: false }),
      );
  }
  let corner: I32 = i32.const(0);
  for (const axis of size.keys()) {
    corner = i32.add(i32.mul(corner, spatial[axis]!), i32.mul(window[axis]!, strides[axis]!));
  }
  const pixel = addressOfPixel(corner);
  return (visit) => {
    for (let place = 0; place < sizeOf(size); place++) {
      let [rest, step, distance] = [place, 1, 0];
      for (let axis = size.length - 1; axis >= 0; axis--) {
        distance += (rest % size[axis]!) * dilation[axis]! * step;
        rest = Math.floor(rest / size[axis]!);
        step *= spatial[axis]!;
      }
      visit({ pixel, offset: distance * bytes, place: i32.const(place), first: place === 0 });
    }
  };
}

/** Calls `visit` in code that runs for every element of the window at the index `window` that is no padding. */
function forEachTap(
  f: FunctionBuilder,
  { size, strides, padding, dilation, spatial }: Geometry,
  window: readonly I32[],
  visit: (pixel: I32, place: I32) => void,
): void {
  const descend = (axis: number, pixel: I32, place: I32): void => {
    if (axis === size.length) {
      visit(pixel, place);
      return;
    }
    f.times(i32.const(size[axis]!), (k) => {
      const start = i32.sub(i32.mul(window[axis]!, strides[axis]!), padding[axis]![0]);
      const position = f.keep(i32.add(start, i32.mul(k, dilation[axis]!)));
      f.if(i32.ltU(position, spatial[axis]!), () =>
        descend(
          axis + 1,
          f.keep(i32.add(i32.mul(pixel, spatial[axis]!), position)),
          f.keep(i32.add(i32.mul(place, size[axis]!), k)),
        ),
      );
    });
  };
  descend(0, i32.const(0), i32.const(0));
}

/** The first place of the window at the index `window` that is no padding. */
function firstPlace({ size, strides, padding, dilation }: Geometry, window: readonly I32[]): I32 {
  let first: I32 = i32.const(0);
  for (const [axis, length] of size.entries()) {
    const [before] = padding[axis]!;
    const outside = i32.sub(i32.const(before), i32.mul(window[axis]!, strides[axis]!));
    const places = i32.divU(i32.add(outside, dilation[axis]! - 1), i32.const(dilation[axis]!));
    const along = before === 0 ? i32.const(0) : i32.select(places, i32.const(0), i32.gtS(outside, 0));
    first = i32.add(i32.mul(first, length), along);
  }
  return first;
}

/** 1 / number of elements that the window counts, in all lanes. */
function shareOf(f: FunctionBuilder, geometry: Geometry, window: readonly I32[]): V128 {
  const { size, spatial, countIncludePad } = geometry;
  if (countIncludePad) return f.vector(1 / sizeOf(size));
  const count = f.variable("i32", i32.const(1));
  for (const axis of size.keys()) {
    const along = f.variable("i32", i32.const(0));
    const line = {
      ...geometry,
      size: [size[axis]!],
      strides: [geometry.strides[axis]!],
      padding: [geometry.padding[axis]!],
      dilation: [geometry.dilation[axis]!],
      spatial: [spatial[axis]!],
    };
    forEachTap(f, line, [window[axis]!], () => f.increase(along, 1));
    f.set(count, i32.mul(count, along));
  }
  return f.keep(f32x4.splat(f32.div(f32.const(1), f32.convertI32(count))));
}

/** Four channels at a time: `visit` gets their byte offset in a pixel, and how to store four of them. */
function forEachChannels(
  f: FunctionBuilder,
  channels: number,
  visit: (offset: Local<"i32">, store: (at: I32, value: V128) => void) => void,
): void {
  const whole = channels & ~3;
  const offset = f.variable("i32", i32.const(0));
  f.while(
    () => i32.ltU(offset, 4 * whole),
    () => {
      visit(offset, (at, value) => f.do(v128.store(at, value)));
      f.increase(offset, 16);
    },
  );
  if (whole < channels) visit(offset, (at, value) => storeSome(f, "float32", at, value, i32.const(channels - whole)));
}

/** Runs `visit` for the windows of rows begin … end, counted through all images. */
function forEachWindow(
  f: FunctionBuilder,
  { counts }: Geometry,
  begin: I32,
  end: I32,
  visit: (image: I32, window: readonly I32[], at: I32) => void,
): void {
  const row = f.keep(begin);
  const last = counts.at(-1)!;
  f.while(
    () => i32.ltU(row, end),
    () => {
      const window: I32[] = [];
      let rest: I32 = row;
      for (const count of counts.slice(0, -1).reverse()) {
        window.unshift(f.keep(i32.remU(rest, i32.const(count))));
        rest = f.keep(i32.divU(rest, i32.const(count)));
      }
      const image = rest;
      f.times(i32.const(last), (column) => {
        visit(image, [...window, column], f.keep(i32.add(i32.mul(row, last), column)));
      });
      f.increase(row, 1);
    },
  );
}

/** Rows of windows in an image. */
function rowsOf({ counts }: Geometry): number {
  return sizeOf(counts.slice(0, -1));
}

function defineForward(module: ModuleBuilder, geometry: Geometry, kind: "max" | "average", withPlaces: boolean): void {
  const { spatial, channels } = geometry;
  const pixels = sizeOf(spatial);
  module.define("run", { begin: "i32", end: "i32", x: "i32", y: "i32", places: "i32" }, (f, p) => {
    forEachWindow(f, geometry, p.begin, p.end, (image, window, at) => {
      const base = f.keep(i32.add(p.x, i32.mul(image, 4 * pixels * channels)));
      const target = f.keep(i32.mul(at, 4 * channels));
      const share = kind === "average" ? shareOf(f, geometry, window) : null;
      const taps = openWindow(f, geometry, base, window);
      // a window of −∞ has no larger element than padding
      const start = withPlaces ? f.keep(firstPlace(geometry, window)) : i32.const(0);
      forEachChannels(f, channels, (channel, store) => {
        const result = f.variable("v128", share ? f32x4.const(0) : f.vector(Number.NEGATIVE_INFINITY));
        const found = f.variable("v128", i32x4.splat(start));
        taps(({ pixel, offset, place, first }) => {
          const loaded = v128.load(i32.add(pixel, channel), offset);
          if (share || first) {
            f.set(result, share ? f32x4.add(result, loaded) : loaded);
            return;
          }
          const value = f.keep(loaded);
          // larger, or the first NaN
          const wins = f.keep(v128.andnot(f32x4.eq(result, result), f32x4.le(value, result)));
          f.set(result, v128.bitselect(value, result, wins));
          if (withPlaces) f.set(found, v128.bitselect(i32x4.splat(place), found, wins));
        });
        const to = i32.add(target, channel);
        store(i32.add(p.y, to), share ? f32x4.mul(result, share) : result);
        if (withPlaces) store(i32.add(p.places, to), found);
      });
    });
  });
}

function defineBackward(module: ModuleBuilder, geometry: Geometry, kind: "max" | "average"): void {
  const { spatial, channels } = geometry;
  const bytes = 4 * sizeOf(spatial) * channels;
  const rows = rowsOf(geometry);
  const disjoint = isDisjoint(geometry);
  module.define("run", { begin: "i32", end: "i32", dy: "i32", places: "i32", dx: "i32" }, (f, p) => {
    const start = f.keep(i32.add(p.dx, i32.mul(p.begin, bytes)));
    if (!isComplete(geometry)) f.do(memoryFill(start, i32.const(0), i32.mul(i32.sub(p.end, p.begin), bytes)));
    forEachWindow(f, geometry, i32.mul(p.begin, rows), i32.mul(p.end, rows), (image, window, at) => {
      const base = f.keep(i32.add(p.dx, i32.mul(image, bytes)));
      const source = f.keep(i32.mul(at, 4 * channels));
      const share = kind === "average" ? shareOf(f, geometry, window) : null;
      const taps = openWindow(f, geometry, base, window);
      forEachChannels(f, channels, (channel, store) => {
        const from = f.keep(i32.add(source, channel));
        const error = f.keep(v128.load(i32.add(p.dy, from)));
        const part = share ? f.keep(f32x4.mul(error, share)) : error;
        const found = share ? null : f.keep(v128.load(i32.add(p.places, from)));
        taps(({ pixel, offset, place }) => {
          const to = f.keep(i32.add(i32.add(pixel, channel), offset));
          const here = found ? v128.and(part, i32x4.eq(found, i32x4.splat(place))) : part;
          store(to, disjoint ? here : f32x4.add(v128.load(to), here));
        });
      });
    });
  });
}

function makeForward(engine: Engine, kind: "max" | "average") {
  return (outs: readonly View[], inputs: readonly View[], attrs: PoolAttrs): undefined => {
    const [y, places] = outs as [View, View?];
    const [x] = inputs as [View];
    const geometry = geometryOf(attrs, x.shape, y.shape);
    const kernel = engine.variant(`${kind} pool`, places ? "places" : "", JSON.stringify(geometry), (module) =>
      defineForward(module, geometry, kind, places !== undefined),
    );
    const work = geometry.counts.at(-1)! * geometry.channels * sizeOf(geometry.size);
    const rows = x.shape[0]! * rowsOf(geometry);
    engine.run(kernel, rows, Math.ceil(GRAIN / work), addressOf(x), addressOf(y), places ? addressOf(places) : 0);
  };
}

function makeBackward(engine: Engine, kind: "max" | "average") {
  return (outs: readonly View[], inputs: readonly View[], attrs: PoolAttrs): undefined => {
    const [dx] = outs as [View];
    const [dy, places] = inputs as [View, View?];
    const geometry = geometryOf(attrs, dx.shape, dy.shape);
    const kernel = engine.variant(`${kind} pool`, "gradient", JSON.stringify(geometry), (module) =>
      defineBackward(module, geometry, kind),
    );
    const work = sizeOf(geometry.counts) * geometry.channels * sizeOf(geometry.size);
    const pointer = places ? addressOf(places) : 0;
    engine.run(kernel, dx.shape[0]!, Math.ceil(GRAIN / work), addressOf(dy), pointer, addressOf(dx));
  };
}

/** The pooling records of every number of spatial axes. */
export function poolingKernels(engine: Engine) {
  const max = makeForward(engine, "max");
  const average = makeForward(engine, "average");
  return {
    maxPool1d: max,
    maxPool2d: max,
    maxPool3d: max,
    maxPoolGrad: makeBackward(engine, "max"),
    avgPool1d: average,
    avgPool2d: average,
    avgPool3d: average,
    avgPoolGrad: makeBackward(engine, "average"),
  };
}
