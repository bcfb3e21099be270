/** The task: English number words to French ones, 0 … 999,999. A number held out for development or test is never trained on. */
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

const TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety";
const UNITS = "one|two|three|four|five|six|seven|eight|nine";
/** Digits with or without a mark between thousands: 4711, 4,711, 4 711. */
const DIGITS = /^\d+$|^\d{1,3}([ ,'’_]\d{3})+$/;

/** The number that a text writes in digits; null when it is none. */
export function digitsIn(text: string): number | null {
  const trimmed = text.trim();
  return DIGITS.test(trimmed) ? Number(trimmed.replace(/\D/g, "")) : null;
}

/** Number words as the network learned them: "A hundred and twenty one" is "one hundred twenty-one". */
export function normalize(text: string): string {
  return text
    .toLowerCase()
    .replace(/[‐‑–]/g, "-")
    .replace(/,/g, " ")
    .replace(/\band\b/g, " ")
    .replace(/\ba (?=hundred|thousand)/g, "one ")
    .replace(new RegExp(`\\b(${TENS})[\\s-]+(?=(${UNITS})\\b)`, "g"), "$1-");
}

/** Tokens as text: hyphens close up to both sides. */
export function detokenize(tokens: readonly string[]): string {
  return tokens.join(" ").replaceAll(" - ", "-");
}

export function pairOf(number: number): Pair {
  return { number, source: tokenize(toEnglish(number)), target: tokenize(toFrench(number)) };
}

export interface Corpus {
  /** Drawn with repetition: there are only ten numbers of one digit. */
  readonly train: readonly Pair[];
  readonly development: readonly Pair[];
  readonly test: readonly Pair[];
}

/**
 * The sets are the same for every run, so that a number unseen by one checkpoint is unseen by all. Checkpoints keep this
 * number: with other sets, other tokens stand behind the rows of their weights.
 */
export const CORPUS_SEED = 20_261_129;

/**
 * Pairs of each set by number of digits. Training sees every length equally often. Nothing of one digit is held out: each
 * of those is a word of its own, which nobody could guess.
 */
const SIZES = {
  train: [4000, 4000, 4000, 4000, 4000, 4000],
  development: [0, 6, 44, 150, 150, 150],
  test: [0, 10, 90, 300, 300, 300],
};

/** Number of digits, 1 … 6. */
export function digitsOf(number: number): number {
  return String(number).length;
}

/** A number of so many digits, all of them equally likely. */
function drawEvenly(digits: number, generator: Generator): number {
  const least = digits === 1 ? 0 : 10 ** (digits - 1);
  return least + generator.integer(10 ** digits - least);
}

/** The parts that a number is said in, largest first: three hundred | twelve thousand | four hundred | five. */
const PARTS = [
  { unit: 100_000, most: 9 },
  { unit: 1000, most: 99 },
  { unit: 100, most: 9 },
  { unit: 1, most: 99 },
];

/**
 * A number of so many digits of which 1, 2, … or all parts are said, equally often. People say round numbers, and spelling
 * depends on what follows ("deux cents" but "deux cent un"); among numbers drawn evenly few would show it.
 */
function drawSpoken(digits: number, generator: Generator): number {
  const least = digits === 1 ? 0 : 10 ** (digits - 1);
  const lead = PARTS.findIndex(({ unit }) => unit <= Math.max(least, 1));
  const { unit, most } = PARTS[lead]!;
  const first = Math.ceil(least / unit);
  const number = unit * (first + generator.integer(Math.min(most, Math.ceil(10 ** digits / unit) - 1) + 1 - first));
  const rest = PARTS.slice(lead + 1);
  const said = generator.permutation(rest.length).subarray(0, generator.integer(rest.length + 1));
  return said.reduce((sum, i) => sum + rest[i]!.unit * (1 + generator.integer(rest[i]!.most)), number);
}

/**
 * Whether a number is put together of words that occur in others in the same roles, so that it can be translated unseen: 32
 * or 76 ("soixante-seize"), but not twelve, thirty, 71 ("soixante et onze"), or round ones like 300.
 */
function isComposed(number: number): boolean {
  return number > 20 && number % 100 !== 0 && (number > 100 || number % 10 > 1);
}

export function makeCorpus(): Corpus {
  const generator = new Generator(CORPUS_SEED);
  const heldOut = new Set<number>();
  const take = (sizes: readonly number[], draw: typeof drawEvenly, accept: (number: number) => boolean): Pair[] => {
    const numbers = sizes.flatMap((size, i) => {
      const taken: number[] = [];
      while (taken.length < size) {
        const number = draw(i + 1, generator);
        if (accept(number)) taken.push(number);
      }
      return taken;
    });
    return Array.from(generator.permutation(numbers.length), (i) => pairOf(numbers[i]!));
  };
  const holdOut = (number: number): boolean => {
    if (!isComposed(number) || heldOut.has(number)) return false;
    heldOut.add(number);
    return true;
  };
  const test = take(SIZES.test, drawEvenly, holdOut);
  const development = take(SIZES.development, drawEvenly, holdOut);
  return { train: take(SIZES.train, drawSpoken, (number) => !heldOut.has(number)), development, test };
}
