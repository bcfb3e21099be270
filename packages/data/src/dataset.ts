/** Datasets: items by number. */
import { type Generator, ValueError } from "@neurite/core";

/** A fixed number of items; `get` may be asynchronous. */
export interface Dataset<T> {
  readonly length: number;
  get(index: number): T | Promise<T>;
}

/** The items of an array. */
export function fromArray<T>(items: readonly T[]): Dataset<T> {
  return { length: items.length, get: (index) => items[index]! };
}

/** Each item passed through `fn` when it is taken. */
export function mapDataset<T, U>(source: Dataset<T>, fn: (item: T, index: number) => U | Promise<U>): Dataset<U> {
  return { length: source.length, get: async (index) => fn(await source.get(index), index) };
}

/**
 * Splits items at random into parts of the given fractions; the last part takes what rounding leaves.
 * @param fractions between 0 and 1, adding up to at most 1
 * @example
 * const [train, dev, test] = randomSplit(items, [0.8, 0.1, 0.1], new Generator(1));
 */
export function randomSplit<T>(items: readonly T[], fractions: readonly number[], generator: Generator): T[][] {
  const total = fractions.reduce((a, b) => a + b, 0);
  if (fractions.length === 0 || fractions.some((fraction) => !(fraction >= 0)) || total > 1 + 1e-9) {
    throw new ValueError({
      op: "randomSplit",
      argument: "fractions",
      expected: "non-negative numbers that add up to at most 1",
      received: `[${fractions.join(", ")}]`,
    });
  }
  const order = generator.permutation(items.length);
  let start = 0;
  return fractions.map((fraction, i) => {
    const wanted =
      i === fractions.length - 1 ? Math.round(total * items.length) - start : Math.round(fraction * items.length);
    const end = Math.min(items.length, start + wanted);
    const part = Array.from(order.subarray(start, end), (index) => items[index]!);
    start = end;
    return part;
  });
}
