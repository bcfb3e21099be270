/**
 * Loss functions (Jiang §8.3.1): a classifier learns by the mean squared error, by cross-entropy, and with smoothed labels; and a
 * curve is fitted through outliers by squares, by Huber's loss and by absolute values.
 *
 * Seed 1: test accuracy 92.0 % by squares, 91.8 % by cross-entropy, 93.5 % with smoothed labels, whose answers are 13 % less sure
 * than right. Through outliers squares miss the curve by 0.39, absolute values by 0.03, Huber's loss by 0.02.
 */
import { inference, valueAndGrad } from "@neurite/autograd";
import { crossEntropy, fromHost, gather, max, softmax, type Tensor } from "@neurite/core";
import { Tanh } from "@neurite/layers";
import { huberLoss, l1Loss, mseLoss } from "@neurite/losses";
import { MLP } from "@neurite/models";
import { Adam, cosineDecay } from "@neurite/optimizers";
import { type Classifier, type ClassifyOptions, type Samples, slice } from "../classify.js";
import { accuracies, type Contender, contest, curvesOf, metricName, ranking } from "../contest.js";
import { loadDigits, SIDE } from "../data/mnist.js";
import type { Example, Metrics, Run } from "../example.js";
import { lineChart, type Series } from "../pictures/chart.js";

const PLAN = { batchSize: 50, epochs: 10 };
const EXAMPLES = 4000;
/** Steps of the three classifiers. */
const CLASSIFYING = (3 * PLAN.epochs * EXAMPLES) / PLAN.batchSize;

/** The share that the model gives to its answers, on average. */
async function confidence(model: Classifier, { data, labels, shape }: Samples): Promise<number> {
  const x = fromHost(Float32Array.from(data), "float32", [labels.length, ...shape]);
  model.eval();
  const shares = await inference(() => max(softmax(model.forward(x)), { axis: -1 }))().data();
  x.dispose();
  return Array.from(shares, Number).reduce((sum, share) => sum + share, 0) / labels.length;
}

/** Accuracies on unseen digits, and how much surer the answers are than right. */
async function classifiers(run: Run): Promise<Metrics> {
  const { train, dev, test } = await loadDigits();
  const eye = Float32Array.from({ length: 100 }, (_, i) => (i % 11 === 0 ? 1 : 0));
  const oneHot = fromHost(eye, "float32", [10, 10]);
  const losses: Readonly<Record<string, NonNullable<ClassifyOptions["loss"]>>> = {
    "squared error": (scores, labels) => mseLoss(softmax(scores), gather(oneHot, labels)),
    "cross-entropy": (scores, labels) => crossEntropy(scores, labels),
    "smoothed labels": (scores, labels) => crossEntropy(scores, labels, { labelSmoothing: 0.1 }),
  };
  const contenders: Record<string, Contender> = {};
  for (const [name, loss] of Object.entries(losses)) {
    contenders[name] = () => {
      const model = new MLP([SIDE * SIDE, 128, 10], { generator: run.generator.fork(0) });
      return { model, loss, optimizer: new Adam(model.parameters(), { learningRate: 1e-3 }) };
    };
  }
  const plan = { train: slice(train, 0, EXAMPLES), dev: slice(dev, 0, 1000), test };
  const outcomes = await contest(run, { ...PLAN, ...plan, points: 20, contenders });
  oneHot.dispose();
  run.picture(
    "objective",
    curvesOf(outcomes, "objective", "Three objectives, each with its own scale", { logY: true }),
  );
  run.picture("development", curvesOf(outcomes, "dev", "Accuracy on the way"));
  run.conclude(`Unseen digits: ${ranking(outcomes)}.`);
  const metrics: Record<string, number> = { ...accuracies(outcomes) };
  for (const [name, { model, testAccuracy }] of Object.entries(outcomes)) {
    metrics[metricName(`overconfidence of ${name}`)] = (await confidence(model, test)) - testAccuracy;
  }
  return metrics;
}

const POINTS = 200;
const STEPS = 1500;
/** Every eighth value is far too high. */
const OUTLIER = { every: 8, height: 3 };

const FITS: Readonly<Record<string, (prediction: Tensor, target: Tensor) => Tensor>> = {
  squares: mseLoss,
  Huber: (prediction, target) => huberLoss(prediction, target, { delta: 0.1 }),
  "absolute values": (prediction, target) => l1Loss(prediction, target),
};

const truth = (x: number) => Math.sin(4 * x);

/** √ of the mean squared distance from the curve without noise and outliers. */
async function curves(run: Run): Promise<Metrics> {
  const xs = Float32Array.from({ length: POINTS }, (_, i) => -1 + (2 * i) / (POINTS - 1));
  const noisy = xs.map((x, i) => {
    const outlier = i % OUTLIER.every === 0 ? OUTLIER.height * (0.5 + run.generator.uniform()) : 0;
    return truth(x) + 0.1 * run.generator.normal() + outlier;
  });
  const x = fromHost(xs, "float32", [POINTS, 1]);
  const y = fromHost(noisy, "float32", [POINTS, 1]);
  const metrics: Record<string, number> = {};
  const series: Series[] = [
    { name: "data", points: Array.from(xs, (at, i) => [at, noisy[i]!] as const), dots: true },
    { name: "truth", points: Array.from(xs, (at) => [at, truth(at)] as const) },
  ];
  for (const [i, [name, loss]] of Object.entries(FITS).entries()) {
    const activation = () => new Tanh();
    const model = new MLP([1, 32, 1], { activation, generator: run.generator.fork(0) });
    const optimizer = new Adam(model.parameters(), { learningRate: cosineDecay({ rate: 0.03, total: STEPS }) });
    const step = valueAndGrad(() => loss(model.forward(x), y), model.parameters());
    for (let done = 1; done <= STEPS; done++) {
      const { value, grads } = step();
      optimizer.step(grads);
      if (done % 50 > 0) continue;
      run.step({ step: i * STEPS + done, steps: Object.keys(FITS).length * STEPS, loss: await value.item() });
    }
    const fitted = Array.from(await inference(() => model.forward(x))().data(), Number);
    series.push({ name, points: Array.from(xs, (at, k) => [at, fitted[k]!] as const) });
    const squares = fitted.reduce((sum, value, k) => sum + (value - truth(xs[k]!)) ** 2, 0);
    metrics[metricName(`error of ${name}`)] = Math.sqrt(squares / POINTS);
  }
  for (const tensor of [x, y]) tensor.dispose();
  const misses = Object.keys(FITS).map((name) => `${name} ${metrics[metricName(`error of ${name}`)]!.toFixed(3)}`);
  run.conclude(`How far the fits miss the curve under its outliers: ${misses.join(", ")}.`);
  run.picture("outliers", lineChart(series, { title: "A curve through outliers", x: "x", y: "y" }));
  return metrics;
}

export const lossFunctions: Example = async (run) => {
  const fits = Object.keys(FITS).length * STEPS;
  const fitted = await curves({
    ...run,
    step: ({ step, loss }) => run.step({ step, steps: fits + CLASSIFYING, loss }),
  });
  const onwards: Run = {
    ...run,
    step: ({ step, steps, loss }) => run.step({ step: fits + step, steps: fits + steps, loss }),
  };
  return { ...(await classifiers(onwards)), ...fitted };
};
