/** Sequences: their augmentation, windows for language models, and buckets of similar length. */
import { expectGenerator, type Generator, ValueError } from "@neurite/core";
import {
  expectFinite,
  expectFunction,
  expectInteger,
  expectIntegers,
  expectList,
  expectNumbers,
  expectOptions,
  expectRecord,
  expectSize,
  type OptionKinds,
} from "@neurite/core/expect";
import type { Dataset } from "./dataset.js";

/** Throws unless tokens are a list that is changed with a probability. */
function expectChange(op: string, tokens: unknown, p: number, generator: Generator): void {
  expectList(op, "tokens", tokens, "tokens");
  expectFinite(op, "p", p, 0, 1);
  expectGenerator(op, generator);
}

/** Each token replaced by `mask` with probability p. @throws ValueError for p outside of [0, 1] */
export function maskTokens(tokens: readonly number[], p: number, mask: number, generator: Generator): number[] {
  expectChange("maskTokens", tokens, p, generator);
  expectInteger("maskTokens", "mask", mask);
  return tokens.map((token) => (generator.uniform() < p ? mask : token));
}

/** Each token left out with probability p; of a sequence that would be empty, one token stays. @throws ValueError for p outside of [0, 1] */
export function dropTokens(tokens: readonly number[], p: number, generator: Generator): number[] {
  expectChange("dropTokens", tokens, p, generator);
  const kept = tokens.filter(() => generator.uniform() >= p);
  return kept.length > 0 || tokens.length === 0 ? kept : [tokens[generator.integer(tokens.length)]!];
}

/** Each token replaced with probability p by a random one from `low` to below `high`. @throws ValueError for p outside of [0, 1] and an empty range */
export function replaceTokens(
  tokens: readonly number[],
  p: number,
  range: readonly [number, number],
  generator: Generator,
): number[] {
  expectChange("replaceTokens", tokens, p, generator);
  expectIntegers("replaceTokens", "range", range);
  const [low, high] = range as readonly [number, number];
  expectSize("replaceTokens", "high - low", high - low);
  return tokens.map((token) => (generator.uniform() < p ? low + generator.integer(high - low) : token));
}

/** A normal number added to each value. @throws ValueError for a negative deviation */
export function addNoise(values: ArrayLike<number>, deviation: number, generator: Generator): Float32Array {
  expectNumbers("addNoise", "values", values);
  expectFinite("addNoise", "deviation", deviation, 0);
  expectGenerator("addNoise", generator);
  return Float32Array.from(values, (value) => value + deviation * generator.normal());
}

export interface TimeShiftOptions {
  /** Numbers of one frame. Default 1. */
  readonly width?: number;
  /** What comes in. Default 0. */
  readonly fill?: number;
}

const TIME_SHIFT: OptionKinds<TimeShiftOptions> = { width: "size", fill: "number" };

/**
 * Moves a signal in time: by `frames` later, or earlier if negative.
 * @throws ValueError for parts of a frame
 */
export function timeShift(values: ArrayLike<number>, frames: number, options: TimeShiftOptions = {}): Float32Array {
  expectNumbers("timeShift", "values", values);
  expectOptions("timeShift", options, TIME_SHIFT);
  const { width = 1, fill = 0 } = options;
  expectInteger("timeShift", "frames", frames);
  const shift = frames * width;
  return Float32Array.from({ length: values.length }, (_, i) => values[i - shift] ?? fill);
}

/** What a language model reads, and what it shall say: the same, one token on. */
export interface Window {
  readonly input: readonly number[];
  readonly target: readonly number[];
}

/**
 * Windows of `length` tokens and their continuations, each beginning `stride` tokens after the one before (default: `length`).
 * Tokens at the end that do not fill one are left out.
 * @throws ValueError for a length or stride below 1, or too few tokens for one window
 */
export function windows(tokens: ArrayLike<number>, length: number, stride = length): Dataset<Window> {
  expectNumbers("windows", "tokens", tokens);
  expectSize("windows", "length", length);
  expectSize("windows", "stride", stride);
  if (tokens.length <= length) {
    throw new ValueError({
      op: "windows",
      argument: "tokens",
      expected: `more than ${length}`,
      received: String(tokens.length),
      remedy: "Take shorter windows or more text.",
    });
  }
  const slice = (from: number) => Array.from({ length }, (_, i) => tokens[from + i]!);
  return {
    length: Math.floor((tokens.length - 1 - length) / stride) + 1,
    get: (index) => ({ input: slice(index * stride), target: slice(index * stride + 1) }),
  };
}

export interface BucketOptions<T> {
  readonly batchSize: number;
  readonly lengthOf: (item: T) => number;
  readonly generator: Generator;
}

const BUCKETS: OptionKinds<BucketOptions<unknown>> = {
  batchSize: "size",
  lengthOf: "function",
  generator: "generator",
};

/**
 * Batches of items of similar length, so that little is padding: items in random order, sorted by length, cut into batches.
 * Give them to a loader that shuffles them: `new DataLoader(fromArray(batches), { batchSize: 1, shuffle: true, … })`.
 * @throws ValueError for a batch size below 1
 */
export function bucketByLength<T>(items: readonly T[], options: BucketOptions<T>): T[][] {
  expectList("bucketByLength", "items", items, "items");
  expectRecord("bucketByLength", "options", options, "an object with batchSize, lengthOf and generator");
  expectOptions("bucketByLength", options, BUCKETS);
  const { batchSize, lengthOf, generator } = options;
  expectFunction("bucketByLength", "lengthOf", lengthOf);
  expectGenerator("bucketByLength", generator);
  expectSize("bucketByLength", "batchSize", batchSize);
  // the sort is stable: items of one length stay in random order
  const order = Array.from(generator.permutation(items.length), (i) => items[i]!);
  order.sort((a, b) => lengthOf(a) - lengthOf(b));
  return Array.from({ length: Math.ceil(order.length / batchSize) }, (_, i) =>
    order.slice(i * batchSize, (i + 1) * batchSize),
  );
}
