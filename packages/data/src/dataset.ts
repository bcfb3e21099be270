/** Datasets: items by number. */
import { expectGenerator, type Generator, ValueError } from "@neurite/core";
import { badValue, describeValue, expectFinite, expectFunction, expectList } from "@neurite/core/expect";

/** A fixed number of items; `get` may be asynchronous. */
export interface Dataset<T> {
  readonly length: number;
  get(index: number): T | Promise<T>;
}

/** Throws unless `value` is a dataset. */
export function expectDataset(op: string, value: unknown): asserts value is Dataset<unknown> {
  const { length, get } = (value ?? {}) as Partial<Dataset<unknown>>;
  if (typeof get === "function" && Number.isSafeInteger(length) && length! >= 0) return;
  throw badValue(op, "dataset", "{ length, get }", value, "Make a dataset of an array with fromArray(items).");
}

/** The items of an array. */
export function fromArray<T>(items: readonly T[]): Dataset<T> {
  expectList("fromArray", "items", items, "items");
  return { length: items.length, get: (index) => items[index]! };
}

/** Each item passed through `fn` when it is taken. */
export function mapDataset<T, U>(source: Dataset<T>, fn: (item: T, index: number) => U | Promise<U>): Dataset<U> {
  expectDataset("mapDataset", source);
  expectFunction("mapDataset", "fn", fn);
  return { length: source.length, get: async (index) => fn(await source.get(index), index) };
}

/**
 * Splits items at random into parts of the given fractions; the last part takes what rounding leaves.
 * @param fractions between 0 and 1, adding up to at most 1
 * @example
 * const [train, dev, test] = randomSplit(items, [0.8, 0.1, 0.1], new Generator(1));
 */
export function randomSplit<T>(items: readonly T[], fractions: readonly number[], generator: Generator): T[][] {
  expectList("randomSplit", "items", items, "items");
  expectList("randomSplit", "fractions", fractions, "numbers");
  expectGenerator("randomSplit", generator);
  for (const [i, fraction] of fractions.entries()) expectFinite("randomSplit", `fractions[${i}]`, fraction, 0);
  const total = fractions.reduce((a, b) => a + b, 0);
  if (fractions.length === 0 || total > 1 + 1e-9) {
    throw new ValueError({
      op: "randomSplit",
      argument: "fractions",
      expected: "non-negative numbers that add up to at most 1",
      received: describeValue(fractions),
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
