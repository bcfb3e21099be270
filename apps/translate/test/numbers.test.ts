/** The task itself: what is trained on, what is held out, and what a person may type. */
import { describe, expect, it } from "vitest";
import { digitsIn, digitsOf, makeCorpus, normalize, type Pair } from "../src/numbers.js";

const corpus = makeCorpus();
const numbersOf = (pairs: readonly Pair[]) => pairs.map(({ number }) => number);
const countByDigits = (pairs: readonly Pair[]) => {
  const counts = [0, 0, 0, 0, 0, 0];
  for (const { number } of pairs) counts[digitsOf(number) - 1]!++;
  return counts;
};

describe("the corpus", () => {
  it("shows every length equally often, and numbers of each kind again and again", () => {
    expect(countByDigits(corpus.train)).toEqual(Array.from({ length: 6 }, () => 4000));
    const times = new Map<number, number>();
    for (const number of numbersOf(corpus.train)) times.set(number, (times.get(number) ?? 0) + 1);
    for (const number of [0, 1, 9, 10, 12, 71, 80, 100, 200, 900, 1000, 7000, 100_000]) {
      expect(times.get(number) ?? 0, `times that ${number} is shown`).toBeGreaterThan(20);
    }
  });

  it("holds out 1,000 numbers for the test, of every length that allows it, and trains on none of them", () => {
    const test = numbersOf(corpus.test);
    const development = numbersOf(corpus.development);
    expect(countByDigits(corpus.test)).toEqual([0, 10, 90, 300, 300, 300]);
    const held = new Set([...test, ...development]);
    expect(held.size).toBe(test.length + development.length);
    expect(numbersOf(corpus.train).filter((number) => held.has(number))).toEqual([]);
  });

  it("is the same every time", () => {
    expect(numbersOf(makeCorpus().test)).toEqual(numbersOf(corpus.test));
  });
});

describe("what a person types", () => {
  it.each([
    ["three hundred", "three hundred"],
    ["Three Hundred", "three hundred"],
    ["a hundred and twenty one", "one hundred   twenty-one"],
    ["twenty - one", "twenty-one"],
    ["one thousand, two hundred and five", "one thousand  two hundred   five"],
    ["eighty‑eight", "eighty-eight"],
    ["sixty thousand", "sixty thousand"],
    ["seventy", "seventy"],
  ])("%s is %s", (typed, words) => {
    expect(normalize(typed)).toBe(words);
  });

  it.each([
    ["4711", 4711],
    ["4,711", 4711],
    ["4 711", 4711],
    ["007", 7],
    [" 12 ", 12],
    ["12,34", null],
    ["1.5", null],
    ["", null],
    ["twelve", null],
  ])("%s holds the digits of %s", (typed, number) => {
    expect(digitsIn(typed)).toBe(number);
  });
});
