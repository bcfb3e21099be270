/**
 * The three learning curves (Jiang §8.4.3): objective, accuracy on training data, accuracy on development data, for a network
 * that is too small, one that overfits, and one that early stopping ends in time.
 *
 * Seed 1, test accuracy: 68 % (too small, after all 1,000 steps), 92 % (overfits, with training data at 100 %), 92 % (stopped
 * after 680 steps): stopping early saves time rather than accuracy here.
 */
import { MLP } from "@neurite/models";
import { Adam } from "@neurite/optimizers";
import { curvesToSVG } from "@neurite/training";
import { slice } from "../classify.js";
import { accuracies, contest, metricName } from "../contest.js";
import { loadDigits, SIDE } from "../data/mnist.js";
import { type Example, percent } from "../example.js";

export const learningCurves: Example = async (run) => {
  const { train, dev, test } = await loadDigits();
  const make = (hidden: number) => {
    const model = new MLP([SIDE * SIDE, hidden, 10], { generator: run.generator.fork(0) });
    return { model, optimizer: new Adam(model.parameters(), { learningRate: 2e-3 }) };
  };
  const outcomes = await contest(run, {
    train: slice(train, 0, 2000),
    dev: slice(dev, 0, 2000),
    test,
    batchSize: 50,
    epochs: 25,
    contenders: {
      "too small": () => make(4),
      overfits: () => make(512),
      "stopped early": () => ({ ...make(512), earlyStopping: { patience: 4 } }),
    },
  });
  const metrics: Record<string, number> = { ...accuracies(outcomes) };
  for (const [name, { curves }] of Object.entries(outcomes)) {
    run.picture(`curves-${name.replace(" ", "-")}`, curvesToSVG(curves));
    metrics[metricName(`${name} gap`)] = (curves.points.at(-1)!.train ?? 0) - (curves.points.at(-1)!.dev ?? 0);
    metrics[metricName(`${name} steps`)] = curves.points.at(-1)!.step;
  }
  const told = Object.keys(outcomes).map((name) => {
    const [gap, steps] = ["gap", "steps"].map((what) => metrics[metricName(`${name} ${what}`)]!) as [number, number];
    return `${name}: ${percent(metrics[metricName(name)]!)} after ${steps} steps, ${percent(gap)} between the curves`;
  });
  run.conclude(`On unseen digits, ${told.join("; ")}.`);
  return metrics;
};
