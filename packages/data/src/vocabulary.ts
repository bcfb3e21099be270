/** Words as integers. */
import { ValueError } from "@neurite/core";
import { expectInteger, expectIterable, expectList, expectText } from "@neurite/core/expect";

/** Marks that every vocabulary starts with, in this order: padding, start, end, unknown. */
export const PADDING = 0;
export const START = 1;
export const END = 2;
export const UNKNOWN = 3;
const MARKS: readonly string[] = ["<pad>", "<start>", "<end>", "<unknown>"];

/** A list of tokens and their numbers. */
export class Vocabulary {
  readonly tokens: readonly string[];
  readonly #numbers: ReadonlyMap<string, number>;

  /** @param tokens without the marks; their order gives their numbers */
  constructor(tokens: readonly string[]) {
    expectList("Vocabulary", "tokens", tokens, "strings");
    for (let i = 0; i < tokens.length; i++) expectText("Vocabulary", `tokens[${i}]`, tokens[i]);
    // not spread: a call has room for some hundred thousand arguments only
    this.tokens = MARKS.concat(tokens);
    this.#numbers = new Map(this.tokens.map((token, i) => [token, i]));
    if (this.#numbers.size !== this.tokens.length) {
      throw new ValueError({
        op: "Vocabulary",
        argument: "tokens",
        expected: "each token once, and none of the marks",
        received: `${this.tokens.length - this.#numbers.size} repeated`,
      });
    }
  }

  /** The vocabulary of all tokens in `sentences` that occur at least `atLeast` times, most frequent first. */
  static build(sentences: Iterable<readonly string[]>, atLeast = 1): Vocabulary {
    expectIterable("Vocabulary.build", "sentences", sentences);
    expectInteger("Vocabulary.build", "atLeast", atLeast, 0);
    const counts = new Map<string, number>();
    for (const sentence of sentences) {
      expectList("Vocabulary.build", "sentence", sentence, "strings");
      for (const token of sentence) expectText("Vocabulary.build", "token", token);
      for (const token of sentence) counts.set(token, (counts.get(token) ?? 0) + 1);
    }
    const kept = [...counts].filter(([, count]) => count >= atLeast);
    // ties by name: the order must not depend on the data's
    kept.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    return new Vocabulary(kept.map(([token]) => token));
  }

  get size(): number {
    return this.tokens.length;
  }

  /** Numbers of the tokens; unknown ones become {@link UNKNOWN}. */
  encode(sentence: readonly string[]): number[] {
    expectList("Vocabulary.encode", "sentence", sentence, "strings");
    return sentence.map((token) => this.#numbers.get(token) ?? UNKNOWN);
  }

  /** Tokens up to the first end mark, without the marks. */
  decode(numbers: Iterable<number>): string[] {
    expectIterable("Vocabulary.decode", "numbers", numbers);
    const sentence: string[] = [];
    for (const number of numbers) {
      expectInteger("Vocabulary.decode", "number", number, 0);
      if (number === END) break;
      if (number !== PADDING && number !== START) sentence.push(this.tokens[number] ?? MARKS[UNKNOWN]!);
    }
    return sentence;
  }
}
