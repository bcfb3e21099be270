/** The task: English number words to French ones, 0 … 999,999. A number occurs in one of the three sets only. */
import { Generator } from "@neurite/core";
import { toCardinal as toEnglish } from "n2words/en-US";
import { toCardinal as toFrench } from "n2words/fr-FR";

/** Largest number of the task. */
export const LARGEST = 999_999;

/** One number in both languages, as tokens. */
export interface Pair {
  readonly number: number;
  readonly source: readonly string[];
  readonly target: readonly string[];
}

/** Words and hyphens: "twenty-one" is three tokens. */
export function tokenize(text: string): string[] {
  return text.toLowerCase().match(/[^\s-]+|-/g) ?? [];
}

/** Tokens as text: hyphens close up to both sides. */
export function detokenize(tokens: readonly string[]): string {
  return tokens.join(" ").replaceAll(" - ", "-");
}

export function pairOf(number: number): Pair {
  return { number, source: tokenize(toEnglish(number)), target: tokenize(toFrench(number)) };
}

export interface Corpus {
  readonly train: readonly Pair[];
  readonly development: readonly Pair[];
  readonly test: readonly Pair[];
}

/** The sets are the same for every run, so that a number unseen by one checkpoint is unseen by all. */
const CORPUS_SEED = 20_240_601;
const SIZES = { train: 23_500, development: 500, test: 1_000 };

/**
 * Numbers of one to six digits, each length equally often as far as there are enough of it. Every fourth is made round, as
 * in speech: it ends in one to three zeros. Spelling depends on it ("deux cents" but "deux cent un"), and among numbers
 * drawn evenly only one in a hundred would show it.
 */
export function makeCorpus(): Corpus {
  const generator = new Generator(CORPUS_SEED);
  const total = SIZES.train + SIZES.development + SIZES.test;
  const numbers = new Set<number>();
  while (numbers.size < total) {
    const number = generator.integer(10 ** (1 + generator.integer(6)));
    const unit = generator.integer(4) === 0 ? 10 ** (1 + generator.integer(3)) : 1;
    numbers.add(number - (number % unit));
  }
  const pairs = Array.from(numbers, pairOf);
  const order = generator.permutation(total);
  const take = (from: number, count: number) => Array.from(order.subarray(from, from + count), (i) => pairs[i]!);
  return {
    train: take(0, SIZES.train),
    development: take(SIZES.train, SIZES.development),
    test: take(SIZES.train + SIZES.development, SIZES.test),
  };
}
