import { Generator } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { BPETokenizer } from "../src/index.js";

const TEXT = "low low low low low lower lower newest newest newest newest newest newest widest widest widest";
const bytes = (text: string) => Array.from(new TextEncoder().encode(text));

/** Training by recounting everything after each merge. */
function slowMerges(text: string, merges: number): [number, number][] {
  const words = (text.match(/ ?\p{L}[\p{L}\p{M}]*| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu) ?? []).map(bytes);
  const made: [number, number][] = [];
  for (let m = 0; m < merges; m++) {
    const counts = new Map<string, number>();
    for (const word of words) {
      for (let i = 0; i + 1 < word.length; i++) {
        const key = `${word[i]} ${word[i + 1]}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    const pairs = [...counts].map(([key, count]) => ({ pair: key.split(" ").map(Number) as [number, number], count }));
    pairs.sort((a, b) => b.count - a.count || a.pair[0] - b.pair[0] || a.pair[1] - b.pair[1]);
    const [best] = pairs;
    if (!best || best.count < 2) break;
    made.push(best.pair);
    for (const word of words) {
      for (let i = 0; i + 1 < word.length; i++) {
        if (word[i] === best.pair[0] && word[i + 1] === best.pair[1]) word.splice(i, 2, 256 + m);
      }
    }
  }
  return made;
}

/** Text of few letters, so that pairs overlap (as in aaa) and tie. */
function randomText(seed: number): string {
  const generator = new Generator(seed);
  return Array.from({ length: 400 }, () => "aab c\n9é"[generator.integer(8)]).join("");
}

/** Encoding by looking for the best pair anew after each merge. */
function slowEncode(tokenizer: BPETokenizer, word: string): number[] {
  let tokens = bytes(word);
  for (const [rank, [left, right]] of tokenizer.merges.entries()) {
    const next: number[] = [];
    for (let i = 0; i < tokens.length; i++) {
      if (tokens[i] === left && tokens[i + 1] === right) {
        next.push(256 + rank);
        i++;
      } else next.push(tokens[i]!);
    }
    tokens = next;
  }
  return tokens;
}

describe("encoding a word", () => {
  const generator = new Generator(3);
  const letters = (n: number, of: string) =>
    Array.from({ length: n }, () => of[generator.integer(of.length)]!).join("");

  it("merges as if each merge were looked for anew, whatever the word", () => {
    const tokenizer = BPETokenizer.train(letters(4000, "aabc "), { merges: 120 });
    for (let i = 0; i < 300; i++) {
      const word = letters(1 + generator.integer(60), "aabcd");
      expect(tokenizer.encode(word), word).toEqual(slowEncode(tokenizer, word));
    }
    expect(tokenizer.encode("a".repeat(301))).toEqual(slowEncode(tokenizer, "a".repeat(301)));
  });

  it("takes time in its length for a word of 200,000 letters", () => {
    const tokenizer = BPETokenizer.train(letters(20_000, "abcdef "), { merges: 2000 });
    const word = letters(200_000, "abcdef");
    const tokens = tokenizer.encode(word);
    expect(tokens.length).toBeLessThan(100_000);
    expect(tokenizer.decode(tokens)).toBe(word);
  });
});

describe("BPETokenizer", () => {
  it("merges the most frequent pair first", () => {
    const tokenizer = BPETokenizer.train(TEXT, { merges: 3 });
    // in 9 words "es" and "st" tie; "e" (101) comes before "s" (115)
    expect(tokenizer.merges).toEqual([
      [101, 115],
      [256, 116],
      [108, 111],
    ]);
    expect(tokenizer.encode("est")).toEqual([257]);
    expect(tokenizer.encode("tse")).toEqual(bytes("tse"));
    expect(tokenizer.size).toBe(259);
  });

  it("finds the merges that recounting finds", () => {
    for (let seed = 0; seed < 8; seed++) {
      const text = randomText(seed);
      const tokenizer = BPETokenizer.train(text, { merges: 60 });
      expect(tokenizer.merges).toEqual(slowMerges(text, 60));
      expect(tokenizer.merges.length).toBeGreaterThan(20);
    }
    expect(BPETokenizer.train("abc", { merges: 5 }).merges).toEqual([]);
    expect(BPETokenizer.train(["low low", " lower"], { merges: 2 }).merges).toEqual([
      [108, 111],
      [256, 119],
    ]);
  });

  it("gives back every string exactly", () => {
    const tokenizer = BPETokenizer.train(`${TEXT} Ünïcödé 漢字漢字 👩‍👩‍👧 👩‍👩‍👧`, { merges: 50, specials: ["<pad>"] });
    const strings = [
      "",
      " ",
      "  two  spaces \n\n\t tabs\r\n",
      "<pad> is text here",
      "漢字 👩‍👩‍👧 e\u0301 ñ \u0000 \uffff \ufffd",
      "\ud800",
      "lone \udc00 and \ud83d surrogates \ude00\ud83d",
      ...Array.from({ length: 20 }, (_, seed) => {
        const generator = new Generator(seed);
        return String.fromCharCode(...Array.from({ length: 50 }, () => generator.integer(65_536)));
      }),
    ];
    for (const text of strings) expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    for (const text of strings) expect(tokenizer.encode(text)).not.toContain(0);
    expect(tokenizer.encode("漢字").length).toBeLessThan(6);
  });

  it("numbers specials first, and leaves them out of the text", () => {
    const tokenizer = BPETokenizer.train(TEXT, { merges: 4, specials: ["<pad>", "<end>"] });
    expect([tokenizer.special("<pad>"), tokenizer.special("<end>")]).toEqual([0, 1]);
    expect(tokenizer.encode("zz")).toEqual([124, 124]);
    expect(tokenizer.decode([0, ...tokenizer.encode("lowest"), 1])).toBe("lowest");
    expect(() => tokenizer.special("<mask>")).toThrow(/one of <pad>, <end>, but received "<mask>"/);
  });

  it("is the same after a journey through JSON", () => {
    const tokenizer = BPETokenizer.train(TEXT, { merges: 10, specials: ["<pad>"] });
    const copy = BPETokenizer.fromJSON(JSON.parse(JSON.stringify(tokenizer)));
    expect(copy.toJSON()).toEqual(tokenizer.toJSON());
    expect(copy.encode("the newest low")).toEqual(tokenizer.encode("the newest low"));
  });

  it("replaces bytes that are no text", () => {
    const tokenizer = new BPETokenizer([]);
    const decoded = (...tokens: number[]) => tokenizer.decode(tokens);
    // lone continuation, overlong form, cut character, above U+10FFFF, no lead byte
    expect(decoded(0x80, 65)).toBe("\ufffdA");
    expect(decoded(0xc1, 0x81)).toBe("\ufffd\ufffd");
    expect(decoded(0xe6, 0xbc)).toBe("\ufffd\ufffd");
    expect(decoded(0xf4, 0x90, 0x80, 0x80)).toBe("\ufffd".repeat(4));
    expect(decoded(0xff, 65)).toBe("\ufffdA");
  });

  it("refuses what makes no tokenizer, and tokens it does not have", () => {
    expect(() => BPETokenizer.train(TEXT, { merges: -1 })).toThrow(
      /merges expects an integer, 0 or above, but received -1/,
    );
    expect(() => new BPETokenizer([], { specials: ["a", "a"] })).toThrow(/specials expects each token once/);
    expect(() => new BPETokenizer([[0, 256]])).toThrow(/merges\[0\] expects a new pair of tokens from 0 to 255/);
    expect(
      () =>
        new BPETokenizer([
          [0, 1],
          [0, 1],
        ]),
    ).toThrow(/merges\[1\]/);
    expect(() => new BPETokenizer([]).decode([256])).toThrow(/integers from 0 to 255, but received 256/);
    for (const json of [
      null,
      {},
      { type: "bpe", version: 2, specials: [], merges: [] },
      { type: "bpe", version: 1, specials: [], merges: [1] },
    ]) {
      expect(() => BPETokenizer.fromJSON(json)).toThrow(/what toJSON\(\) gave/);
    }
  });
});
