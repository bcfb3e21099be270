/** Pictures of what a classifier does. */
import { sizeOf } from "@neurite/core";
import { type Classifier, predict, type Samples } from "../classify.js";
import { heatmap } from "./chart.js";
import { type Pixels, tile } from "./png.js";

/** A confusion matrix, its diagonal scaled like the rest. */
export function confusion(counts: readonly (readonly number[])[], names: readonly string[]): string {
  return heatmap(counts, {
    title: "What was taken for what",
    x: "answer",
    y: "truth",
    columns: names,
    rows: names,
    numbers: true,
    cell: 40,
  });
}

/** One example as pixels. */
export function imageOf({ data, shape }: Samples, index: number): Pixels {
  const size = sizeOf(shape);
  const [height, width, channels] = shape as [number, number, 1 | 3];
  return { width, height, channels, data: data.subarray(index * size, (index + 1) * size) };
}

/** The first examples that the model gets wrong. */
export async function mistakes(model: Classifier, samples: Samples, most = 60): Promise<Pixels> {
  const answers = await predict(model, samples);
  const wrong = [...answers.keys()].filter((i) => answers[i] !== samples.labels[i]).slice(0, most);
  return tile(
    wrong.map((i) => imageOf(samples, i)),
    { columns: 12 },
  );
}

export const DIGITS = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
