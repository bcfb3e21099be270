/** Several ways to train one classifier, side by side. */
import type { LearningCurves } from "@neurite/training";
import { type Classifier, type ClassifyOptions, classify, type Samples, stepsOf, test } from "./classify.js";
import { type Metrics, percent, type Run } from "./example.js";
import { lineChart, type Series } from "./pictures/chart.js";

/** What differs from contender to contender; made anew for each, so that all start from the same seed. */
export type Contender = () => Pick<ClassifyOptions, "model" | "optimizer"> & Partial<ClassifyOptions>;

export interface ContestOptions extends Pick<ClassifyOptions, "train" | "dev" | "batchSize" | "epochs" | "points"> {
  readonly contenders: Readonly<Record<string, Contender>>;
  readonly test: Samples;
}

export interface Outcome {
  readonly curves: LearningCurves;
  readonly model: Classifier;
  /** With the averages for weights where a contender has them. */
  readonly testAccuracy: number;
}

/** Trains all contenders on the same data. */
export async function contest(run: Run, options: ContestOptions): Promise<Readonly<Record<string, Outcome>>> {
  const { contenders, test: unseen, ...shared } = options;
  const names = Object.keys(contenders);
  const steps = stepsOf(shared);
  const outcomes: Record<string, Outcome> = {};
  for (const [i, name] of names.entries()) {
    const own = contenders[name]!();
    const progress = { before: i * steps, total: names.length * steps };
    const curves = await classify(run, { ...shared, ...own, ...progress });
    const measure = () => test(own.model, unseen);
    const { accuracy } = await (own.average?.during(measure) ?? measure());
    outcomes[name] = { curves, model: own.model, testAccuracy: accuracy };
  }
  return outcomes;
}

/** One of the three learning curves of all contenders in one chart. */
export function curvesOf(
  outcomes: Readonly<Record<string, Outcome>>,
  which: "objective" | "train" | "dev",
  title: string,
  { logY = false } = {},
): string {
  const series = Object.entries(outcomes).map(([name, { curves }]): Series => {
    const points = curves.points.flatMap((point) =>
      point[which] === null ? [] : [[point.step, point[which]] as const],
    );
    return { name, points };
  });
  const y = which === "objective" ? "mean loss" : `accuracy on ${which === "train" ? "training" : "development"} data`;
  return lineChart(series, { title, x: "step", y, logY });
}

/** A contender's name as a metric's: "warm-up, cosine" becomes `warmUpCosine`. */
export function metricName(name: string): string {
  const [first = "", ...rest] = name.toLowerCase().split(/[^a-z0-9]+/);
  return first + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

/** Test accuracies by contender. */
export function accuracies(outcomes: Readonly<Record<string, Outcome>>): Metrics {
  return Object.fromEntries(
    Object.entries(outcomes).map(([name, { testAccuracy }]) => [metricName(name), testAccuracy]),
  );
}

/** Test accuracies in words, the best first. */
export function ranking(outcomes: Readonly<Record<string, Outcome>>): string {
  return Object.entries(outcomes)
    .sort(([, a], [, b]) => b.testAccuracy - a.testAccuracy)
    .map(([name, { testAccuracy }]) => `${name} ${percent(testAccuracy)}`)
    .join("; ");
}
