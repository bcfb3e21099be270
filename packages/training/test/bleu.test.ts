import { describe, expect, it } from "vitest";
import { bleu } from "../src/index.js";

const words = (text: string) => text.split(" ");

describe("bleu", () => {
  it("is 100 for equal sentences and 0 without a common word", () => {
    expect(bleu([words("a b c d e")], [words("a b c d e")])).toBeCloseTo(100, 10);
    expect(bleu([words("a b c d")], [words("e f g h")])).toBe(0);
  });

  it("clips repeated words and punishes short outputs, as in the paper", () => {
    // precisions 4/5, 3/4, 2/3, 1/2; lengths equal
    const output = words("the cat sat on it");
    const reference = words("the cat sat on mats");
    expect(bleu([output], [reference])).toBeCloseTo(100 * (0.8 * 0.75 * (2 / 3) * 0.5) ** 0.25, 10);
    // all precisions 1 except for the brevity penalty e^{1 − 5/4}
    expect(bleu([words("a b c d")], [words("a b c d e")])).toBeCloseTo(100 * Math.exp(1 - 5 / 4), 10);
    // "the" counts once although said four times: 1/4 and no bigram matches
    expect(bleu([words("the the the the")], [words("the cat is here")])).toBe(0);
  });

  it("counts over the whole corpus, not sentence by sentence", () => {
    const score = bleu([words("a b c d"), words("x y")], [words("a b c d"), words("x z")]);
    expect(score).toBeCloseTo(100 * ((5 / 6) * (3 / 4) * 1 * 1) ** 0.25, 10);
  });
});
