/** Text: lines, words and characters of a corpus, and the CMU pronouncing dictionary. */
import { ValueError } from "@neurite/core";
import { expectText } from "@neurite/core/expect";

/** Lines without their ends (\n, \r\n, \r) and the spaces around them; empty ones are left out. */
export function parseLines(text: string): string[] {
  expectText("parseLines", "text", text);
  return text
    .replace(/^\ufeff/, "")
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** Words and signs: letters with inner apostrophes, numbers, and each other sign by itself. */
export function splitWords(text: string): string[] {
  expectText("splitWords", "text", text);
  return text.match(/\p{L}[\p{L}\p{M}]*(?:['’]\p{L}+)*|\p{N}+|[^\s\p{L}\p{N}]/gu) ?? [];
}

/** Characters as readers see code points; a pair of surrogates is one. */
export function splitCharacters(text: string): string[] {
  expectText("splitCharacters", "text", text);
  return Array.from(text);
}

/**
 * Pronunciations by word in lower case, each a list of ARPAbet phonemes such as `["HH", "AH0"]`. Variants like `A(1)` join
 * their word; lines that begin with `;;;` and comments behind `#` are left out.
 * @throws ValueError for a line without phonemes
 */
export function parseCMUdict(text: string): Map<string, string[][]> {
  const words = new Map<string, string[][]>();
  for (const line of parseLines(text)) {
    if (line.startsWith(";;;")) continue;
    const [entry, ...phonemes] = line.replace(/\s#\s.*$/, "").split(/\s+/);
    if (phonemes.length === 0 || !phonemes.every((phoneme) => /^[A-Za-z]+[0-2]?$/.test(phoneme))) {
      throw new ValueError({
        op: "parseCMUdict",
        argument: "line",
        expected: "a word and its phonemes",
        received: JSON.stringify(line.slice(0, 60)),
      });
    }
    const word = entry!.replace(/\(\d+\)$/, "").toLowerCase();
    const known = words.get(word);
    const pronunciation = phonemes.map((phoneme) => phoneme.toUpperCase());
    if (known) known.push(pronunciation);
    else words.set(word, [pronunciation]);
  }
  return words;
}
