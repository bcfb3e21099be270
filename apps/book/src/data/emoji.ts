/** Emoji as a small set of colour images, from the package `emoji-datasource-google` (Noto art). */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Generator } from "@neurite/core";
import { fromRGBA } from "@neurite/data";
import { PNG } from "pngjs";
import type { Samples } from "../classify.js";

/** Pixels of an image's side. */
export const EMOJI_SIDE = 32;
/** The eight classes; skin tones and components are left out. */
export const EMOJI_CLASSES = [
  "Smileys & Emotion",
  "Animals & Nature",
  "Food & Drink",
  "Travel & Places",
  "Activities",
  "Objects",
  "Symbols",
  "Flags",
] as const;

interface Entry {
  readonly image: string;
  readonly category: string;
  readonly has_img_google: boolean;
}

/** All images of the classes, on white, in a random order: one in ten is for development, one in five for the test. */
export async function loadEmoji(
  generator: Generator,
): Promise<{ readonly train: Samples; readonly dev: Samples; readonly test: Samples }> {
  const folder = dirname(createRequire(import.meta.url).resolve("emoji-datasource-google/package.json"));
  const entries = JSON.parse(await readFile(join(folder, "emoji.json"), "utf8")) as Entry[];
  const classes: readonly string[] = EMOJI_CLASSES;
  const wanted = entries.filter((entry) => entry.has_img_google && classes.includes(entry.category));
  const items = await Promise.all(
    wanted.map(async ({ image, category }) => {
      const png = PNG.sync.read(await readFile(join(folder, "img", "google", "64", image)));
      return { image: halved(fromRGBA(png).data, png.width), label: classes.indexOf(category) };
    }),
  );
  const order = Array.from(generator.permutation(items.length), (i) => items[i]!);
  const [first, last] = [Math.floor(order.length / 10), Math.floor(0.8 * order.length)];
  return {
    dev: samplesOf(order.slice(0, first)),
    train: samplesOf(order.slice(first, last)),
    test: samplesOf(order.slice(last)),
  };
}

/** Means of 2 × 2 pixels. */
function halved(data: ArrayLike<number>, side: number): Float32Array {
  const half = side / 2;
  const at = (y: number, x: number, c: number) => data[(y * side + x) * 3 + c]!;
  return Float32Array.from({ length: half * half * 3 }, (_, i) => {
    const c = i % 3;
    const x = 2 * (Math.floor(i / 3) % half);
    const y = 2 * Math.floor(i / 3 / half);
    return (at(y, x, c) + at(y, x + 1, c) + at(y + 1, x, c) + at(y + 1, x + 1, c)) / 4;
  });
}

function samplesOf(items: readonly { readonly image: Float32Array; readonly label: number }[]): Samples {
  const size = EMOJI_SIDE * EMOJI_SIDE * 3;
  const data = new Float32Array(items.length * size);
  items.forEach(({ image }, i) => void data.set(image, i * size));
  return { data, labels: Int32Array.from(items, ({ label }) => label), shape: [EMOJI_SIDE, EMOJI_SIDE, 3] };
}
