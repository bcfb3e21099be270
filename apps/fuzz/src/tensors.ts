/** Random tensors: shapes, dtypes, memory layouts and numbers, ordinary and odd ones. Read next: `call.ts`. */
import { LAYOUTS, type Layout, place, toHost } from "@neurite/conformance";
import type { Device, DType, Shape, Tensor } from "@neurite/core";
import * as fc from "fast-check";

/** A tensor as data, the same on every device. */
export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly layout: Layout;
  /** The numbers, repeated as often as the shape needs them. */
  readonly values: readonly number[];
}

const size = (shape: Shape): number => shape.reduce((n, length) => n * length, 1);

/** Its elements in row-major order. */
function dataOf({ shape, values }: TensorSpec): number[] {
  // a stride of 1 would make all rows alike when their length is a multiple of the number of values
  const step = values.length % 7 === 0 ? 11 : 7;
  return Array.from({ length: size(shape) }, (_, i) =>
    i < values.length ? values[i]! : values[(step * i + Math.floor(i / values.length)) % values.length]!,
  );
}

/** Puts a tensor on a device; floats as float64 where `wide`. */
export function make(spec: TensorSpec, device: Device, wide: boolean): { tensor: Tensor; owned: readonly Tensor[] } {
  const { shape, dtype, layout } = spec;
  // what float32 rounds is rounded for float64 too
  const data = Array.from(toHost(dataOf(spec), dtype));
  return place(device, { shape, data, dtype: wide && dtype === "float32" ? "float64" : dtype }, layout);
}

/** As a line for people. */
export function describeTensor({ shape, dtype, layout, values }: TensorSpec): string {
  const numbers = values.slice(0, Math.max(size(shape), 1)).map((x) => (Object.is(x, -0) ? "-0" : String(x)));
  return `${dtype} [${shape.join(", ")}]${layout === "contiguous" ? "" : ` ${layout}`}, of ${numbers.join(" ")}`;
}

/** Where functions have kinks, poles and limits, and where arithmetic leaves its range. */
const SPECIAL_FLOATS = [
  ...[0, -0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 6, -6, 1.5, 2.5, -2.5, 20, -20, 88.7, -88.7, 90, -90, 104, -104],
  ...[1e-3, 1e-20, -1e-20, 1e-38, 1e-40, 2 ** -149, -(2 ** -149), 1e10, -1e10, 2 ** 24, 2 ** 31, 1e19, -1e19],
  ...[1e37, 3e38, -3e38],
].map(Math.fround);
const ENDLESS = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
const SPECIAL_INTEGERS = [0, 1, -1, 2, 7, 255, 256, -128, 65_536, 2 ** 31 - 1, -(2 ** 31)];

/**
 * How odd the numbers of a tensor may be: `ordinary` ones near 0; `endless` adds ±∞, NaN and −0 to them; `any` adds those
 * at the ends of the dtype's range too.
 */
export type Oddity = "ordinary" | "endless" | "any";

const ordinary = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -400, max: 400 }).map((x) => Math.fround(x / 100)) },
  { weight: 1, arbitrary: fc.integer({ min: -4, max: 4 }) },
);

function floats(oddity: Oddity): fc.Arbitrary<number> {
  if (oddity === "ordinary") return ordinary;
  const odd = oddity === "any" ? [...SPECIAL_FLOATS, ...ENDLESS] : [...ENDLESS, -0];
  return fc.oneof({ weight: 3, arbitrary: ordinary }, { weight: 2, arbitrary: fc.constantFrom(...odd) });
}

export function numbersOf(dtype: DType, oddity: Oddity): fc.Arbitrary<number> {
  if (dtype === "bool") return fc.integer({ min: 0, max: 1 });
  if (dtype === "uint8") return fc.integer({ min: 0, max: 255 });
  if (dtype !== "int32") return floats(oddity);
  const small = fc.integer({ min: -9, max: 9 });
  return oddity === "any" ? fc.oneof(small, fc.constantFrom(...SPECIAL_INTEGERS)) : small;
}

/** Odd in one call of three. */
export const oddities = (most: Oddity): fc.Arbitrary<Oddity> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant<Oddity>("ordinary") }, { weight: 1, arbitrary: fc.constant(most) });

const layouts = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Layout>("contiguous") },
  { weight: 2, arbitrary: fc.constantFrom<Layout>(...LAYOUTS) },
);

/** Up to 40 different numbers: as many as a person can read. */
export function tensors(shape: Shape, dtype: DType, oddity: Oddity): fc.Arbitrary<TensorSpec> {
  const length = Math.min(Math.max(size(shape), 1), 40);
  return fc
    .tuple(layouts, fc.array(numbersOf(dtype, oddity), { minLength: length, maxLength: length }))
    .map(([layout, values]) => ({ shape, dtype, layout, values }));
}

/** Int32 indices below `length`, now and then one that is out of range. */
export function indices(shape: Shape, length: number): fc.Arbitrary<TensorSpec> {
  const count = Math.min(Math.max(size(shape), 1), 40);
  const inside = fc.integer({ min: 0, max: Math.max(length - 1, 0) });
  const index = fc.oneof({ weight: 200, arbitrary: inside }, { weight: 1, arbitrary: fc.constantFrom(-1, length) });
  return fc
    .array(index, { minLength: count, maxLength: count })
    .map((values) => ({ shape, dtype: "int32", layout: "contiguous", values }));
}

const side = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 1, max: 6 }) },
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.constantFrom(7, 8, 9, 15, 16, 17) },
);

/** Shapes of `least` to `most` axes; sometimes with an empty axis, sometimes one long axis. */
export function shapes(least: number, most: number): fc.Arbitrary<number[]> {
  const small = fc
    .array(side, { minLength: least, maxLength: most })
    .map((shape) => (size(shape) > 4096 ? shape.map((length) => Math.min(length, 4)) : shape));
  const long = fc
    .tuple(small, fc.integer({ min: 0, max: 1999 }))
    .map(([shape, length]) =>
      shape.length === 0 ? shape : [...shape.slice(0, -1).map((n) => Math.min(n, 3)), length],
    );
  return fc.oneof({ weight: 9, arbitrary: small }, { weight: 1, arbitrary: long });
}

/** Mostly float32: the dtype of training. */
export const dtypes: fc.Arbitrary<DType> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<DType>("float32") },
  { weight: 3, arbitrary: fc.constantFrom<DType>("int32", "uint8", "bool") },
);
