/**
 * Two-dimensional convolution as matrix products on the image where it lies: the pixels of an output row are rows of A, a
 * constant number of bytes apart, and the channels under one row of the filter are their columns. No window is ever copied.
 */
import { i32 } from "../emitter/code.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Features } from "../vector-math.js";
import { ACCUMULATE, callTile, defineTile, tileColumns, tileRows } from "./micro.js";

/** Rows begin … end of the output, counted through all images. All steps in bytes. */
export function defineConvolutionRows(module: ModuleBuilder, features: Features): void {
  const height = tileRows(features);
  const width = tileColumns(features);
  const tiles = Array.from({ length: height }, (_, i) => defineTile(module, features, i + 1, false));
  const parameters = {
    begin: "i32",
    end: "i32",
    /** Output rows of an image, and pixels in one. */
    rows: "i32",
    pixels: "i32",
    x: "i32",
    imageStep: "i32",
    rowStep: "i32",
    pixelStep: "i32",
    /** Rows of the filter, and the step from one to the next in x. */
    taps: "i32",
    tapStep: "i32",
    /** Channels under one row of the filter. */
    k: "i32",
    /** Filters as panels of a tile's width: panel j, tap t at filters + j·panelStep + t·k·4·width. */
    filters: "i32",
    panels: "i32",
    panelStep: "i32",
    out: "i32",
    outStep: "i32",
    finish: "i32",
    bias: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const row = f.keep(p.begin);
    const source = f.variable("i32");
    const target = f.variable("i32");
    const tile = f.variable("i32");
    const left = f.variable("i32");
    f.while(
      () => i32.ltU(row, p.end),
      () => {
        const image = f.keep(i32.divU(row, p.rows));
        const within = i32.sub(row, i32.mul(image, p.rows));
        f.set(source, i32.add(p.x, i32.add(i32.mul(image, p.imageStep), i32.mul(within, p.rowStep))));
        f.set(target, i32.add(p.out, i32.mul(i32.mul(row, p.pixels), p.outStep)));
        f.times(p.panels, (panel) => {
          f.set(tile, i32.const(0));
          f.while(
            () => i32.ltU(tile, p.pixels),
            () => {
              f.set(left, i32.sub(p.pixels, tile));
              f.times(p.taps, (tap) => {
                const b = i32.add(i32.mul(panel, p.panelStep), i32.mul(i32.mul(tap, p.k), 4 * width));
                const last = i32.eq(i32.add(tap, 1), p.taps);
                const finish = i32.or(
                  i32.select(i32.const(ACCUMULATE), i32.const(0), tap),
                  i32.select(p.finish, i32.const(0), last),
                );
                callTile(f, tiles, left, [
                  i32.add(i32.add(source, i32.mul(tap, p.tapStep)), i32.mul(tile, p.pixelStep)),
                  p.pixelStep,
                  i32.const(4),
                  i32.add(p.filters, b),
                  i32.const(4 * width),
                  p.k,
                  i32.add(i32.add(target, i32.mul(tile, p.outStep)), i32.mul(panel, 4 * width)),
                  p.outStep,
                  finish,
                  i32.add(p.bias, i32.mul(panel, 4 * width)),
                ]);
              });
              f.increase(tile, height);
            },
          );
        });
        f.increase(row, 1);
      },
    );
  });
}

/**
 * Gradient by the filters, [taps, k, outs]: tiles begin … end, of which each row of the filter has ⌈k / height⌉. For each
 * output row the pixels are the inner dimension; the gradient, which fits the second-level cache, takes the sums.
 */
export function defineFilterGradient(module: ModuleBuilder, features: Features): void {
  const height = tileRows(features);
  const width = tileColumns(features);
  const tiles = Array.from({ length: height }, (_, i) => defineTile(module, features, i + 1, false));
  const parameters = {
    begin: "i32",
    end: "i32",
    perTap: "i32",
    images: "i32",
    rows: "i32",
    pixels: "i32",
    x: "i32",
    imageStep: "i32",
    rowStep: "i32",
    pixelStep: "i32",
    tapStep: "i32",
    k: "i32",
    dy: "i32",
    outStep: "i32",
    panels: "i32",
    out: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const source = f.variable("i32");
    const error = f.keep(p.dy);
    const item = f.variable("i32");
    const channel = f.variable("i32");
    f.times(p.images, (image) => {
      f.times(p.rows, (row) => {
        f.set(source, i32.add(p.x, i32.add(i32.mul(image, p.imageStep), i32.mul(row, p.rowStep))));
        f.set(item, p.begin);
        f.while(
          () => i32.ltU(item, p.end),
          () => {
            const tap = f.keep(i32.divU(item, p.perTap));
            f.set(channel, i32.mul(i32.sub(item, i32.mul(tap, p.perTap)), height));
            const first = i32.eqz(i32.or(image, row));
            const target = f.keep(i32.add(p.out, i32.mul(i32.add(i32.mul(tap, p.k), channel), p.outStep)));
            const left = f.keep(i32.sub(p.k, channel));
            f.times(p.panels, (panel) => {
              callTile(f, tiles, left, [
                i32.add(i32.add(source, i32.mul(tap, p.tapStep)), i32.shl(channel, 2)),
                i32.const(4),
                p.pixelStep,
                i32.add(error, i32.mul(panel, 4 * width)),
                p.outStep,
                p.pixels,
                i32.add(target, i32.mul(panel, 4 * width)),
                p.outStep,
                i32.select(i32.const(0), i32.const(ACCUMULATE), first),
                i32.const(0),
              ]);
            });
            f.increase(item, 1);
          },
        );
        f.increase(error, i32.mul(p.pixels, p.outStep));
      });
    });
  });
}
