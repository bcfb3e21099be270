/** Sequences: their augmentation, windows for language models, and buckets of similar length. */
import { type Generator, ValueError } from "@neurite/core";
import type { Dataset } from "./dataset.js";
import { expectFinite, expectInteger } from "./expect.js";

function expectShare(op: string, argument: string, value: number): void {
  if (value >= 0 && value <= 1) return;
  throw new ValueError({ op, argument, expected: "a number from 0 to 1", received: String(value) });
}

function expectCount(op: string, argument: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new ValueError({ op, argument, expected: "a positive integer", received: String(value) });
}

/** Each token replaced by `mask` with probability p. @throws ValueError for p outside of [0, 1] */
export function maskTokens(tokens: readonly number[], p: number, mask: number, generator: Generator): number[] {
  expectShare("maskTokens", "p", p);
  return tokens.map((token) => (generator.uniform() < p ? mask : token));
}

/** Each token left out with probability p; of a sequence that would be empty, one token stays. @throws ValueError for p outside of [0, 1] */
export function dropTokens(tokens: readonly number[], p: number, generator: Generator): number[] {
  expectShare("dropTokens", "p", p);
  const kept = tokens.filter(() => generator.uniform() >= p);
  return kept.length > 0 || tokens.length === 0 ? kept : [tokens[generator.integer(tokens.length)]!];
}

/** Each token replaced with probability p by a random one from `low` to below `high`. @throws ValueError for p outside of [0, 1] and an empty range */
export function replaceTokens(
  tokens: readonly number[],
  p: number,
  [low, high]: readonly [number, number],
  generator: Generator,
): number[] {
  expectShare("replaceTokens", "p", p);
  expectCount("replaceTokens", "high - low", high - low);
  return tokens.map((token) => (generator.uniform() < p ? low + generator.integer(high - low) : token));
}

/** A normal number added to each value. @throws ValueError for a negative deviation */
export function addNoise(values: ArrayLike<number>, deviation: number, generator: Generator): Float32Array {
  expectFinite("addNoise", "deviation", deviation, 0);
  return Float32Array.from(values, (value) => value + deviation * generator.normal());
}

/**
 * Moves a signal in time: by `frames` later, or earlier if negative; what comes in is `fill`.
 * @param width numbers of one frame
 * @throws ValueError for parts of a frame
 */
export function timeShift(values: ArrayLike<number>, frames: number, { width = 1, fill = 0 } = {}): Float32Array {
  expectInteger("timeShift", "frames", frames);
  expectInteger("timeShift", "width", width, 1);
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
  expectCount("windows", "length", length);
  expectCount("windows", "stride", stride);
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

/**
 * Batches of items of similar length, so that little is padding: items in random order, sorted by length, cut into batches.
 * Give them to a loader that shuffles them: `new DataLoader(fromArray(batches), { batchSize: 1, shuffle: true, … })`.
 * @throws ValueError for a batch size below 1
 */
export function bucketByLength<T>(
  items: readonly T[],
  { batchSize, lengthOf, generator }: { batchSize: number; lengthOf: (item: T) => number; generator: Generator },
): T[][] {
  expectCount("bucketByLength", "batchSize", batchSize);
  // the sort is stable: items of one length stay in random order
  const order = Array.from(generator.permutation(items.length), (i) => items[i]!);
  order.sort((a, b) => lengthOf(a) - lengthOf(b));
  return Array.from({ length: Math.ceil(order.length / batchSize) }, (_, i) =>
    order.slice(i * batchSize, (i + 1) * batchSize),
  );
}
