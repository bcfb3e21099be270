/** Convolution of each channel by itself, four channels at a time. The images are padded already. */
import { f32x4, type I32, i32, v128 } from "../emitter/code.js";
import type { FunctionBuilder, Local } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import { storeLeft } from "../lanes.js";
import { type Features, VectorMath } from "../vector-math.js";

/** Places of the filter that are held in registers; more are read where they are used. */
const MOST_HELD = 9;

const STEPS = {
  begin: "i32",
  end: "i32",
  /** Output rows of an image, pixels in one, and channels. */
  rows: "i32",
  pixels: "i32",
  channels: "i32",
  x: "i32",
  imageStep: "i32",
  rowStep: "i32",
  pixelStep: "i32",
  /** From one place of the filter to the next, down and across. */
  tapStep: "i32",
  columnStep: "i32",
} as const;

/** Addresses in x of the filter's places, seen from `corner`. */
function places(f: FunctionBuilder, corner: I32, [kh, kw]: readonly [number, number], down: I32, across: I32): I32[] {
  const found: I32[] = [];
  let line = f.keep(corner);
  for (let ky = 0; ky < kh; ky++) {
    if (ky > 0) line = f.keep(i32.add(line, down));
    let place: Local<"i32"> = line;
    for (let kx = 0; kx < kw; kx++) {
      if (kx > 0) place = f.keep(i32.add(place, across));
      found.push(place);
    }
  }
  return found;
}

/** Output rows begin … end, counted through all images: y [n, rows, pixels, channels] from filters [kh, kw, channels]. */
export function defineDepthwise(module: ModuleBuilder, features: Features, size: readonly [number, number]): void {
  const parameters = { ...STEPS, filters: "i32", bias: "i32", out: "i32" } as const;
  module.define("run", parameters, (f, p) => {
    const math = new VectorMath(f, features);
    const row = f.keep(p.begin);
    const bytes = f.keep(i32.shl(p.channels, 2));
    const count = size[0] * size[1];
    const left = f.variable("i32");
    const [start, filter, target] = [f.variable("i32"), f.variable("i32"), f.variable("i32")];
    const [corner, out] = [f.variable("i32"), f.variable("i32")];
    const [first, sum] = [f.variable("v128"), f.variable("v128")];
    const weightAt = (tap: number) => i32.add(filter, i32.mul(bytes, tap));
    f.while(
      () => i32.ltU(row, p.end),
      () => {
        const image = f.keep(i32.divU(row, p.rows));
        const within = i32.sub(row, i32.mul(image, p.rows));
        f.set(start, i32.add(p.x, i32.add(i32.mul(image, p.imageStep), i32.mul(within, p.rowStep))));
        f.set(target, i32.add(p.out, i32.mul(i32.mul(row, p.pixels), bytes)));
        f.set(filter, p.filters);
        f.set(left, p.channels);
        f.while(
          () => left,
          () => {
            const held = Array.from({ length: count <= MOST_HELD ? count : 0 }, (_, tap) =>
              f.keep(v128.load(weightAt(tap))),
            );
            f.set(first, f32x4.const(0));
            f.if(p.bias, () => f.set(first, v128.load(i32.add(p.bias, i32.sub(filter, p.filters)))));
            f.set(corner, start);
            f.set(out, target);
            f.times(p.pixels, () => {
              f.set(sum, first);
              for (const [tap, place] of places(f, corner, size, p.tapStep, p.columnStep).entries()) {
                f.set(sum, math.madd(v128.load(place), held[tap] ?? v128.load(weightAt(tap)), sum));
              }
              storeLeft(f, "float32", out, sum, left);
              f.increase(corner, p.pixelStep);
              f.increase(out, bytes);
            });
            for (const pointer of [start, filter, target]) f.increase(pointer, 16);
            f.set(left, i32.select(i32.sub(left, 4), i32.const(0), i32.gtU(left, 3)));
          },
        );
        f.increase(row, 1);
      },
    );
  });
}

/** Gradient by the filters: out [kh, kw, channels] for the quads of channels begin … end, from x and dy. */
export function defineDepthwiseFilterGradient(
  module: ModuleBuilder,
  features: Features,
  size: readonly [number, number],
): void {
  const parameters = {
    ...STEPS,
    /** The first of all images' rows that is summed, and how many are. */
    first: "i32",
    count: "i32",
    dy: "i32",
    /** Step in bytes from row to row of dy. */
    errorRow: "i32",
    out: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const math = new VectorMath(f, features);
    const bytes = f.keep(i32.shl(p.channels, 2));
    const quad = f.variable("i32");
    const [start, corner, error, target] = Array.from({ length: 4 }, () => f.variable("i32")) as [
      Local<"i32">,
      Local<"i32">,
      Local<"i32">,
      Local<"i32">,
    ];
    const sums = Array.from({ length: size[0] * size[1] }, () => f.variable("v128"));
    const factor = f.variable("v128");
    const lines = f.keep(p.dy);
    const at = (tap: number) => i32.add(target, i32.mul(bytes, tap));
    f.times(p.count, (visited) => {
      const row = f.keep(i32.add(p.first, visited));
      const image = f.keep(i32.divU(row, p.rows));
      const within = i32.sub(row, i32.mul(image, p.rows));
      f.set(start, i32.add(p.x, i32.add(i32.mul(image, p.imageStep), i32.mul(within, p.rowStep))));
      f.set(quad, p.begin);
      f.while(
        () => i32.ltU(quad, p.end),
        () => {
          const offset = f.keep(i32.shl(quad, 4));
          f.set(target, i32.add(p.out, offset));
          f.set(corner, i32.add(start, offset));
          f.set(error, i32.add(lines, offset));
          for (const sum of sums) f.set(sum, f32x4.const(0));
          f.times(p.pixels, () => {
            f.set(factor, v128.load(error));
            for (const [tap, place] of places(f, corner, size, p.tapStep, p.columnStep).entries()) {
              f.set(sums[tap]!, math.madd(v128.load(place), factor, sums[tap]!));
            }
            f.increase(corner, p.pixelStep);
            f.increase(error, bytes);
          });
          // a row's own sums first: they are small beside those of all rows
          f.if(visited, () => sums.forEach((sum, tap) => void f.set(sum, f32x4.add(sum, v128.load(at(tap))))));
          const left = f.keep(i32.sub(p.channels, i32.shl(quad, 2)));
          for (const [tap, sum] of sums.entries()) storeLeft(f, "float32", at(tap), sum, left);
          f.increase(quad, 1);
        },
      );
      f.increase(lines, p.errorRow);
    });
  });
}
