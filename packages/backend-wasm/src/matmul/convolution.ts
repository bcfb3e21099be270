/**
 * Convolution as matrix products on the images where they lie: the pixels of an output row are rows of A, a constant number
 * of bytes apart, and the channels under neighbouring places of the filter are a run of its columns. No window is ever
 * copied. Lists say where rows and runs start, so that strides, dilation and the number of axes are none of these kernels'
 * business. A group is a slice of the channels.
 */
import { i32 } from "../emitter/code.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Features } from "../vector-math.js";
import { ACCUMULATE, callTile, defineTiles, tileColumns, tileRows } from "./micro.js";

const WALK = {
  begin: "i32",
  end: "i32",
  x: "i32",
  /** List of where the output's rows start in x, in bytes; the pixels of one, and the step from one to the next. */
  rows: "i32",
  pixels: "i32",
  pixelStep: "i32",
  /** List of where the filter's runs of places start, in bytes; how many, and the channels of one group under each. */
  taps: "i32",
  tapCount: "i32",
  k: "i32",
  /** Step in bytes from one group's channels to the next's. */
  groupStep: "i32",
} as const;

/** Rows begin … end of the output, counted through all images. */
export function defineConvolutionRows(module: ModuleBuilder, features: Features): void {
  const height = tileRows(features);
  const width = tileColumns(features);
  const tiles = defineTiles(module, features, "runs");
  const parameters = {
    ...WALK,
    groups: "i32",
    /** Filters as panels of a tile's width, all groups' one after the other, and how many panels a group has. */
    filters: "i32",
    panels: "i32",
    /** Bytes from panel to panel. */
    panelStep: "i32",
    out: "i32",
    outStep: "i32",
    finish: "i32",
    bias: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const row = f.keep(p.begin);
    const [source, panel, column] = [f.variable("i32"), f.variable("i32"), f.variable("i32")];
    const tile = f.variable("i32");
    f.while(
      () => i32.ltU(row, p.end),
      () => {
        f.set(source, i32.add(p.x, i32.load(i32.add(p.rows, i32.shl(row, 2)))));
        f.set(panel, p.filters);
        f.set(column, i32.const(0));
        const target = f.keep(i32.add(p.out, i32.mul(i32.mul(row, p.pixels), p.outStep)));
        f.times(p.groups, () => {
          f.times(p.panels, () => {
            f.set(tile, i32.const(0));
            f.while(
              () => i32.ltU(tile, p.pixels),
              () => {
                callTile(f, tiles, f.keep(i32.sub(p.pixels, tile)), [
                  i32.add(source, i32.mul(tile, p.pixelStep)),
                  p.pixelStep,
                  i32.const(4),
                  panel,
                  i32.const(4 * width),
                  p.k,
                  i32.add(i32.add(target, i32.mul(tile, p.outStep)), column),
                  p.outStep,
                  p.finish,
                  i32.add(p.bias, column),
                  p.tapCount,
                  p.taps,
                ]);
                f.increase(tile, height);
              },
            );
            f.increase(panel, p.panelStep);
            f.increase(column, 4 * width);
          });
          f.increase(source, p.groupStep);
        });
        f.increase(row, 1);
      },
    );
  });
}

/**
 * Gradient by the filters, [taps, k, outs]: tiles begin … end, of which each run of each group has ⌈k / height⌉. The pixels
 * of a few output rows at a time are the inner dimension; the gradient, which fits the second-level cache, takes the sums.
 */
export function defineFilterGradient(module: ModuleBuilder, features: Features): void {
  const height = tileRows(features);
  const width = tileColumns(features);
  const tiles = defineTiles(module, features, "runs");
  const parameters = {
    ...WALK,
    rowCount: "i32",
    /** Rows at a time. */
    chunk: "i32",
    /** Tiles of a run. */
    perTap: "i32",
    dy: "i32",
    /** Steps in bytes from row to row of dy, and from pixel to pixel of dy and place to place of the gradient. */
    errorRow: "i32",
    outStep: "i32",
    /** Panels of a group. */
    panels: "i32",
    out: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const [row, rows, item] = [f.variable("i32"), f.variable("i32"), f.variable("i32")];
    f.while(
      () => i32.ltU(row, p.rowCount),
      () => {
        f.set(rows, i32.sub(p.rowCount, row));
        f.set(rows, i32.minU(p.chunk, rows));
        const error = f.keep(i32.add(p.dy, i32.mul(row, p.errorRow)));
        const list = f.keep(i32.add(p.rows, i32.shl(row, 2)));
        f.set(item, p.begin);
        f.while(
          () => i32.ltU(item, p.end),
          () => {
            const place = f.keep(i32.divU(item, p.perTap));
            const group = f.keep(i32.divU(place, p.tapCount));
            const tap = f.keep(i32.sub(place, i32.mul(group, p.tapCount)));
            const channel = f.keep(i32.mul(i32.sub(item, i32.mul(place, p.perTap)), height));
            const inX = i32.add(i32.mul(group, p.groupStep), i32.load(i32.add(p.taps, i32.shl(tap, 2))));
            const source = f.keep(i32.add(i32.add(p.x, inX), i32.shl(channel, 2)));
            const line = i32.mul(i32.add(i32.mul(tap, p.k), channel), p.outStep);
            const left = f.keep(i32.sub(p.k, channel));
            const column = f.keep(i32.mul(i32.mul(group, p.panels), 4 * width));
            const target = f.keep(i32.add(p.out, line));
            f.times(p.panels, () => {
              callTile(f, tiles, left, [
                source,
                i32.const(4),
                p.pixelStep,
                i32.add(error, column),
                p.outStep,
                p.pixels,
                i32.add(target, column),
                p.outStep,
                i32.select(i32.const(ACCUMULATE), i32.const(0), row),
                i32.const(0),
                rows,
                list,
              ]);
              f.increase(column, 4 * width);
            });
            f.increase(item, 1);
          },
        );
        f.increase(row, rows);
      },
    );
  });
}
