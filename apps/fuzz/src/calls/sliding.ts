/** Convolutions and pools: strides, paddings, dilation, groups, one to three axes. */

import type { Tensor } from "@neurite/core";
import * as core from "@neurite/core";
import * as fc from "fast-check";
import { type Accuracy, type Arguments, type Call, callsOf, EXACT, scaled } from "../call.js";
import { oddities, tensors } from "../tensors.js";

const SUM = scaled(2e-5);
const SLOPE = scaled(5e-4);

type Entry = readonly [string, fc.Arbitrary<Call>];
type Dimensions = 1 | 2 | 3;
const EACH: readonly Dimensions[] = [1, 2, 3];

const int = (min: number, max: number) => fc.integer({ min, max });
const times = <T>(one: fc.Arbitrary<T>, n: number) => fc.array(one, { minLength: n, maxLength: n });

interface Slide {
  readonly stride?: number | number[];
  readonly padding?: number | number[] | "same";
  readonly dilation?: number;
  readonly groups?: number;
  readonly outputPadding?: number;
}

const slides = (dimensions: Dimensions): fc.Arbitrary<Slide> =>
  fc.record(
    {
      stride: fc.oneof(int(1, 3), times(int(1, 3), dimensions)),
      padding: fc.oneof(int(0, 3), fc.constant("same" as const)),
      dilation: int(1, 2),
    },
    { requiredKeys: [] },
  );

/** Lengths of the spatial axes; the first of them long in some calls. */
const space = (dimensions: Dimensions) =>
  fc
    .tuple(times(int(1, dimensions === 3 ? 5 : 9), dimensions), fc.constantFrom(1, 1, 1, 5))
    .map(([lengths, factor]) => [lengths[0]! * factor, ...lengths.slice(1)]);

/** x and filters, with a bias in some calls; `flipped` filters are those of a transposed convolution. */
function convolved(dimensions: Dimensions, flipped: boolean): fc.Arbitrary<Arguments<Slide>> {
  return fc
    .tuple(
      fc.tuple(int(1, 3), space(dimensions), times(int(1, 4), dimensions)),
      fc.tuple(fc.constantFrom(1, 1, 2, 3), int(1, 4), int(1, 4), fc.constantFrom(1, 1, 1, 8)),
      slides(dimensions),
      fc.boolean(),
      oddities("endless"),
      int(0, 1),
    )
    .chain(([[n, lengths, kernel], [groups, ins, outs, factor], slide, bias, oddity, extra]) => {
      const [channelsIn, channelsOut] = [groups * ins * factor, groups * outs * factor];
      const filters = flipped ? [channelsOut / groups, channelsIn] : [channelsIn / groups, channelsOut];
      const inputs = [
        tensors([n, ...lengths, channelsIn], "float32", oddity),
        tensors([...kernel, ...filters], "float32", "ordinary"),
        ...(bias ? [tensors([channelsOut], "float32", "ordinary")] : []),
      ];
      const options = { ...slide, groups, ...(flipped && { outputPadding: extra }) };
      return fc.tuple(...inputs).map((drawn) => ({ inputs: drawn, options }));
    });
}

type Convolution = (x: Tensor, filters: Tensor, options: Slide & { bias?: Tensor }) => Tensor;
const CONVOLUTIONS = {
  conv: [core.conv1d, core.conv2d, core.conv3d],
  convTranspose: [core.convTranspose1d, core.convTranspose2d, core.convTranspose3d],
} as unknown as Readonly<Record<string, readonly Convolution[]>>;

interface Pool extends Slide {
  readonly size: number[];
  readonly countIncludePad?: boolean;
  readonly ceilMode?: boolean;
}

function pooled(dimensions: Dimensions, kind: "avgPool" | "maxPool"): fc.Arbitrary<Arguments<Pool>> {
  return fc
    .tuple(
      fc.tuple(int(1, 3), space(dimensions), int(1, 9)),
      times(int(1, 3), dimensions),
      slides(dimensions),
      fc.boolean(),
      oddities(kind === "maxPool" ? "any" : "endless"),
    )
    .chain(([[n, lengths, channels], size, { dilation, ...slide }, flag, oddity]) => {
      const more = kind === "avgPool" ? { countIncludePad: flag } : { ...(dilation && { dilation }) };
      return tensors([n, ...lengths, channels], "float32", oddity).map((x) => ({
        inputs: [x],
        options: { ...slide, ...more, size },
      }));
    });
}

type Pooling = (x: Tensor, size: number[], options: Omit<Pool, "size">) => Tensor;
const POOLS = {
  avgPool: [core.avgPool1d, core.avgPool2d, core.avgPool3d],
  maxPool: [core.maxPool1d, core.maxPool2d, core.maxPool3d],
} as unknown as Readonly<Record<"avgPool" | "maxPool", readonly Pooling[]>>;

const adaptive = (dimensions: Dimensions) =>
  fc
    .tuple(int(1, 3), space(dimensions), int(1, 5), times(int(1, 4), dimensions), oddities("endless"))
    .chain(([n, lengths, channels, size, oddity]) =>
      tensors([n, ...lengths, channels], "float32", oddity).map((x) => ({ inputs: [x], options: size })),
    );

const ADAPTIVE = [core.adaptiveAvgPool1d, core.adaptiveAvgPool2d, core.adaptiveAvgPool3d];

function entry<O>(
  op: string,
  draw: fc.Arbitrary<Arguments<O>>,
  run: (inputs: readonly Tensor[], options: O) => Tensor,
  accuracy: Accuracy,
): Entry {
  return [op, callsOf({ op, draw, run, accuracy, gradient: SLOPE })];
}

export const SLIDING: Readonly<Record<string, fc.Arbitrary<Call>>> = Object.fromEntries(
  EACH.flatMap((dimensions): Entry[] => [
    ...Object.entries(CONVOLUTIONS).map(([name, family]) =>
      entry(
        `${name}${dimensions}d`,
        convolved(dimensions, name === "convTranspose"),
        ([x, filters, bias], options) => family[dimensions - 1]!(x!, filters!, { ...options, ...(bias && { bias }) }),
        SUM,
      ),
    ),
    ...(["avgPool", "maxPool"] as const).map((name) =>
      entry(
        `${name}${dimensions}d`,
        pooled(dimensions, name),
        ([x], { size, ...options }) => POOLS[name][dimensions - 1]!(x!, size, options),
        name === "maxPool" ? EXACT : SUM,
      ),
    ),
    entry(
      `adaptiveAvgPool${dimensions}d`,
      adaptive(dimensions),
      ([x], size) => ADAPTIVE[dimensions - 1]!(x!, size),
      SUM,
    ),
  ]),
);
