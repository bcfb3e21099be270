/** What an example is, and what it gets to work with. */
import type { Generator } from "@neurite/core";
import type { StepReport } from "@neurite/training";
import type { Pixels } from "./pictures/png.js";

/** Figures by name, e.g. `testAccuracy`. */
export type Metrics = Readonly<Record<string, number>>;

/** A share as text: 0.9871 becomes `98.7 %`, with a space at which no line breaks. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)}\u00a0%`;

/** One run of an example. Its device is the default device. */
export interface Run {
  readonly seed: number;
  /** Random numbers from the seed. */
  readonly generator: Generator;
  /** Moves the progress bar. One bar serves several trainings in a row: `steps` is their sum. */
  step(report: StepReport): void;
  /** A line of text under the bar. */
  say(line: string): void;
  /** What the figures of this run show, in a sentence: printed at the end. */
  conclude(lesson: string): void;
  /** Keeps a picture: SVG text or pixels, named without its ending. */
  picture(name: string, content: string | Pixels): void;
  /** Keeps a file beside the pictures, such as a sound, named with its ending. */
  file(name: string, content: Uint8Array): void;
}

/** Trains something, and tells how well it went. */
export type Example = (run: Run) => Promise<Metrics>;

/** An example in the list. */
export interface Entry {
  readonly name: string;
  /** Of the chapter: Jiang, Machine Learning Fundamentals, ch. 8. */
  readonly section: string;
  readonly title: string;
  readonly load: () => Promise<Example>;
}
