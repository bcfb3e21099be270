/** Text: first names and Moby-Dick, from the packages `@stdlib/datasets-…`. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { parseCMUdict, parseLines } from "@neurite/data";

async function read(name: string, file: string): Promise<string> {
  const folder = dirname(createRequire(import.meta.url).resolve(`@stdlib/datasets-${name}/package.json`));
  return readFile(join(folder, "data", file), "utf8");
}

/** English first names of women and men in lower case, each once, those of plain letters only. */
export async function loadNames(): Promise<string[]> {
  const lists = await Promise.all(
    ["female", "male"].map(async (sex) => parseLines(await read(`${sex}-first-names-en`, "names.txt"))),
  );
  const names = lists.flat().map((name) => name.trim().toLowerCase());
  return [...new Set(names)].filter((name) => /^[a-z]+$/.test(name));
}

/** Chapters `from` … `to` of Moby-Dick (Melville 1851), lines joined, paragraphs apart by a line break. */
export async function loadMobyDick(from = 1, to = 135): Promise<string> {
  const files = Array.from({ length: to - from + 1 }, (_, i) => read("moby-dick", `chapter_${from + i}.txt`));
  const paragraphs = (await Promise.all(files)).flatMap((chapter) => chapter.split(/\r?\n\s*\r?\n/));
  return paragraphs
    .map((paragraph) => paragraph.replace(/\s+/g, " ").trim())
    .filter((paragraph) => paragraph !== "")
    .join("\n");
}

/** Words in lower case with their first pronunciation in ARPAbet without stress, such as `["f", ["EH", …]]`. */
export async function loadPronunciations(): Promise<(readonly [word: string, phonemes: readonly string[]])[]> {
  return [...parseCMUdict(await read("cmudict", "dict.txt"))]
    .filter(([word]) => /^[a-z]+$/.test(word))
    .map(([word, [first]]) => [word, first!.map((phoneme) => phoneme.replace(/\d$/, ""))] as const);
}
