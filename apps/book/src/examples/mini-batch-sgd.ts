/**
 * Mini-batch SGD (Jiang §8.3.3): the same 6,000 examples, seen one by one, in mini-batches, or all at once; and how far the
 * gradient of a mini-batch is from that of all data.
 *
 * Seed 1, test accuracy after six epochs of 1,000 examples: 86 % one by one, 87 % by 16, 81 % by 128, 70 % all at once. The noise
 * of the gradient falls as B^−0.51.
 */
import { valueAndGrad } from "@neurite/autograd";
import { crossEntropy, fromHost } from "@neurite/core";
import { MLP } from "@neurite/models";
import { SGD } from "@neurite/optimizers";
import { classify, type Samples, test as score, slice, stepsOf } from "../classify.js";
import { metricName } from "../contest.js";
import { loadDigits, SIDE } from "../data/mnist.js";
import { type Example, percent, type Run } from "../example.js";
import { lineChart, type Series } from "../pictures/chart.js";

const EXAMPLES = 1000;
const EPOCHS = 6;
const DRAWS = 20;

interface Plan {
  readonly batchSize: number;
  /** Larger batches allow for larger steps. */
  readonly learningRate: number;
}

const PLANS: Readonly<Record<string, Plan>> = {
  "1 example": { batchSize: 1, learningRate: 0.01 },
  "16 examples": { batchSize: 16, learningRate: 0.1 },
  "128 examples": { batchSize: 128, learningRate: 0.3 },
  "all examples": { batchSize: EXAMPLES, learningRate: 0.5 },
};

const start = (run: Run) => new MLP([SIDE * SIDE, 64, 10], { generator: run.generator.fork(0) });

/** The gradient of some of the samples, as one long vector. */
async function gradient(model: MLP, { data, shape, labels }: Samples, chosen: readonly number[]): Promise<number[]> {
  const size = SIDE * SIDE;
  const pixels = new Float32Array(chosen.length * size);
  chosen.forEach((sample, i) => void pixels.set(data.subarray(sample * size, (sample + 1) * size), i * size));
  const x = fromHost(pixels, "float32", [chosen.length, ...shape]);
  const y = fromHost(
    Int32Array.from(chosen, (sample) => labels[sample]!),
    "int32",
    [chosen.length],
  );
  const { grads } = valueAndGrad(() => crossEntropy(model.forward(x), y), model.parameters())();
  const whole: number[] = [];
  for (const part of Object.values(grads)) {
    for (const value of await part.data()) whole.push(Number(value));
    part.dispose();
  }
  for (const tensor of [x, y]) tensor.dispose();
  return whole;
}

/** √ of the mean of ‖g_B − g‖² / ‖g‖², where g_B is the gradient of B samples, by B. */
async function noise(run: Run, samples: Samples): Promise<(readonly [size: number, noise: number])[]> {
  const model = start(run);
  const all = await gradient(model, samples, [...samples.labels.keys()]);
  const length = all.reduce((sum, value) => sum + value * value, 0);
  const points: (readonly [number, number])[] = [];
  for (const size of [1, 2, 4, 8, 16, 32, 64, 128, 256]) {
    let distance = 0;
    for (let draw = 0; draw < DRAWS; draw++) {
      const chosen = Array.from({ length: size }, () => run.generator.integer(samples.labels.length));
      const own = await gradient(model, samples, chosen);
      distance += own.reduce((sum, value, i) => sum + (value - all[i]!) ** 2, 0);
    }
    points.push([size, Math.sqrt(distance / DRAWS / length)]);
  }
  return points;
}

export const miniBatchSgd: Example = async (run) => {
  const { train, dev, test } = await loadDigits();
  const samples = slice(train, 0, EXAMPLES);
  const steps = Object.values(PLANS).map(({ batchSize }) => stepsOf({ train: samples, batchSize, epochs: EPOCHS }));
  const total = steps.reduce((sum, own) => sum + own, 0);
  const metrics: Record<string, number> = {};
  const objective: Series[] = [];
  const development: Series[] = [];
  let before = 0;
  for (const [i, [name, { batchSize, learningRate }]] of Object.entries(PLANS).entries()) {
    const model = start(run);
    const optimizer = new SGD(model.parameters(), { learningRate });
    const plan = { train: samples, dev: slice(dev, 0, 1000), batchSize, epochs: EPOCHS, points: 30, before, total };
    const { points } = await classify(run, { ...plan, model, optimizer });
    objective.push({ name, points: points.map((point) => [point.step * batchSize, point.objective] as const) });
    development.push({ name, points: points.map((point) => [point.step * batchSize, point.dev ?? 0] as const) });
    metrics[metricName(`accuracy ${name}`)] = (await score(model, test)).accuracy;
    before += steps[i]!;
  }
  const x = "examples seen";
  run.picture("objective", lineChart(objective, { title: "SGD by size of the batch", x, y: "mean loss" }));
  run.picture("development", lineChart(development, { title: "Accuracy on development data", x, y: "accuracy" }));
  const distances = await noise(run, samples);
  const [, one] = distances[0]!;
  const series = [
    { name: "measured", points: distances, dots: true },
    { name: "1 / √B", points: distances.map(([size]) => [size, one / Math.sqrt(size)] as const) },
  ];
  const axes = {
    title: "Noise of the gradient",
    x: "examples in a batch, B",
    y: "‖g_B − g‖ / ‖g‖",
    logX: true,
    logY: true,
  };
  run.picture("noise", lineChart(series, axes));
  const [size, last] = distances.at(-1)!;
  const noiseExponent = Math.log(last / one) / Math.log(size);
  const read = Object.keys(PLANS).map((name) => `${name} ${percent(metrics[metricName(`accuracy ${name}`)]!)}`);
  run.conclude(`After ${EPOCHS * EXAMPLES} examples, in batches of: ${read.join(", ")} of unseen digits are read.`);
  run.conclude(`A batch's gradient is off by B^${noiseExponent.toFixed(2)}; 1 / √B would be B^-0.50.`);
  return { ...metrics, noiseOfOne: one, noiseExponent };
};
