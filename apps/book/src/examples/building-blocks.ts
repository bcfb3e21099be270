/**
 * The blocks that connect layers (Jiang §8.2.1), one by one: activations, the softmax, how max-pooling hides small shifts of an
 * image, and what a convolution and a full connection cost.
 *
 * Seed 1: digits moved by one pixel change the features by 59 %, behind max-pooling /8 by 23 %. A convolution's time grows about
 * as its multiply-adds, d²·f²·p·k; the exponents differ from run to run by a tenth or two.
 */
import { inference, jacobian, vjp } from "@neurite/autograd";
import { conv2d, div, fromHost, linear, normal, onesLike, softmax, type Tensor, tensor } from "@neurite/core";
import { hostImage, shiftImage } from "@neurite/data";
import {
  Conv2d,
  ELU,
  Flatten,
  GELU,
  type Layer,
  LeakyReLU,
  Linear,
  MaxPool2d,
  ReLU,
  Sequential,
  Sigmoid,
  SiLU,
  Softplus,
  Tanh,
} from "@neurite/layers";
import { Adam } from "@neurite/optimizers";
import type { CurvePoint } from "@neurite/training";
import { classify, slice, stepsOf, test } from "../classify.js";
import { loadDigits, SIDE } from "../data/mnist.js";
import { type Example, type Metrics, percent, type Run } from "../example.js";
import { heatmap, lineChart, type Series } from "../pictures/chart.js";

const ACTIVATIONS: Readonly<Record<string, Layer>> = {
  sigmoid: new Sigmoid(),
  tanh: new Tanh(),
  ReLU: new ReLU(),
  "leaky ReLU": new LeakyReLU(0.1),
  ELU: new ELU(),
  GELU: new GELU(),
  SiLU: new SiLU(),
  softplus: new Softplus(),
};

/** The tensor's numbers, once: it is freed. */
async function taken(x: Tensor): Promise<Float32Array> {
  const values = Float32Array.from(await x.data());
  x.dispose();
  return values;
}

/** Draws the functions and their slopes. */
async function drawActivations(run: Run): Promise<void> {
  const grid = Float32Array.from({ length: 201 }, (_, i) => (i - 100) / 25);
  const x = fromHost(grid, "float32", [grid.length]);
  const one = onesLike(x);
  const draw = async (name: string, title: string, y: string, of: (layer: Layer) => Tensor) => {
    const series: Series[] = [];
    for (const [activation, layer] of Object.entries(ACTIVATIONS)) {
      const values = await taken(inference(() => of(layer))());
      series.push({ name: activation, points: Array.from(grid, (at, i) => [at, values[i]!] as const) });
    }
    run.picture(name, lineChart(series, { title, x: "x", y }));
  };
  await draw("activations", "Activations", "φ(x)", (layer) => layer.forward(x));
  await draw("slopes", "Their slopes", "φ′(x)", (layer) => vjp((input) => layer.forward(input), x, one));
  for (const values of [x, one]) values.dispose();
}

const SCORES = [2, 1, 0.5, 0, -1];
const TEMPERATURES = [0.2, 0.5, 1, 2, 10];

/** Draws softmax(x / T), and compares the Jacobian with diag(y) − yyᵀ. */
async function drawSoftmax(run: Run): Promise<Metrics> {
  const x = tensor(SCORES);
  const at = inference((temperature: number) => softmax(div(x, temperature)));
  const shares: number[][] = [];
  for (const temperature of TEMPERATURES) shares.push(Array.from(await taken(at(temperature))));
  const options = { title: "softmax(x / T)", x: "x", y: "T", numbers: true, cell: 52 };
  const [columns, rows] = [SCORES.map(String), TEMPERATURES.map(String)];
  const rounded = shares.map((row) => row.map((share) => Math.round(share * 1e3) / 1e3));
  run.picture("softmax", heatmap(rounded, { ...options, columns, rows }));
  const slopes = jacobian((input) => softmax(input), x);
  const y = shares[TEMPERATURES.indexOf(1)]!;
  const errors = Array.from(await slopes.data(), (slope, k) => {
    const [i, j] = [Math.floor(k / y.length), k % y.length];
    return Math.abs(slope - y[i]! * ((i === j ? 1 : 0) - y[j]!));
  });
  for (const values of [x, slopes]) values.dispose();
  return { softmaxJacobianError: Math.max(...errors) };
}

const energy = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);

const WINDOWS = [1, 2, 3, 4, 6, 8];
const SHIFTS = [1, 2, 3];

/** How much of a trained convolution's output changes when digits move, ‖f(x′) − f(x)‖ / ‖f(x)‖, by the pooling after it. */
async function shiftDigits(run: Run): Promise<{ readonly metrics: Metrics; readonly last: CurvePoint }> {
  const { train, dev, test: unseen } = await loadDigits();
  const { generator } = run;
  const convolution = new Sequential(new Conv2d(1, 16, 5, { generator }), new ReLU());
  const head = [new MaxPool2d(2), new Flatten(), new Linear(12 * 12 * 16, 10, { generator })];
  const model = new Sequential(convolution, ...head);
  const optimizer = new Adam(model.parameters(), { learningRate: 2e-3 });
  const plan = { train: slice(train, 0, 20_000), batchSize: 64, epochs: 1 };
  const total = stepsOf(plan) + MEASUREMENTS;
  const { points } = await classify(run, { ...plan, model, optimizer, dev: slice(dev, 0, 1000), total });
  const { data } = slice(unseen, 0, 300);
  const moved = (right: number) => {
    const shifted = new Float32Array(data.length);
    for (let at = 0; at < data.length; at += SIDE * SIDE) {
      const image = hostImage(data.subarray(at, at + SIDE * SIDE), SIDE, SIDE, 1);
      shifted.set(shiftImage(image, 0, right).data, at);
    }
    return fromHost(shifted, "float32", [data.length / SIDE ** 2, SIDE, SIDE, 1]);
  };
  const digits = [0, ...SHIFTS].map(moved);
  const changes: number[][] = SHIFTS.map(() => []);
  for (const window of WINDOWS) {
    const pool = new MaxPool2d(window);
    const features = inference((x: Tensor) => pool.forward(convolution.forward(x)));
    const still = await taken(features(digits[0]!));
    for (const [i] of SHIFTS.entries()) {
      const change = (await taken(features(digits[i + 1]!))).map((value, k) => value - still[k]!);
      changes[i]!.push(Math.sqrt(energy(change) / energy(still)));
    }
  }
  for (const x of digits) x.dispose();
  const series = SHIFTS.map((shift, i) => ({
    name: `moved by ${shift}`,
    points: WINDOWS.map((window, k) => [window, changes[i]![k]!] as const),
  }));
  const axes = { title: "Change of the features when digits move", x: "max-pooling /m", y: "‖f(x′) − f(x)‖ / ‖f(x)‖" };
  run.picture("shifts", lineChart(series, axes));
  const { accuracy } = await test(model, unseen);
  const change = Object.fromEntries(WINDOWS.map((window, k) => [`changePooled${window}`, changes[0]![k]!]));
  return { metrics: { testAccuracy: accuracy, ...change }, last: points.at(-1)! };
}

/** Shortest of several runs, in milliseconds. */
async function timeOf(compute: () => Tensor): Promise<number> {
  const run = inference(compute);
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 8; i++) {
    const started = performance.now();
    await taken(run());
    best = Math.min(best, performance.now() - started);
  }
  return best;
}

/** Slope of the straight line through the logarithms: n where y ~ xⁿ. */
function exponent(points: readonly (readonly [number, number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (axis: 0 | 1) => logs.reduce((sum, log) => sum + log[axis], 0) / logs.length;
  const [x0, y0] = [mean(0), mean(1)];
  const along = logs.reduce((sum, [x]) => sum + (x - x0) ** 2, 0);
  return logs.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0) / along;
}

/** Side d, filter size f, plies p and kernels k of a convolution; each grows while the others stay. */
const CONVOLUTION = { d: 64, f: 5, p: 32, k: 32 };
const GROWTH: Readonly<Record<string, readonly number[]>> = {
  d: [32, 64, 96, 128, 192],
  f: [3, 5, 7, 9, 11],
  p: [16, 32, 64, 128, 256],
  k: [16, 32, 64, 128, 256],
};
const WIDTHS = [256, 512, 1024, 2048];
const MEASUREMENTS = Object.values(GROWTH).flat().length + WIDTHS.length;

/** Measures what the blocks cost, and draws it against d²·f²·p·k and n·d multiply-adds. */
async function measure(run: Run, { step: before, objective }: CurvePoint): Promise<Metrics> {
  const { generator } = run;
  let step = before;
  const timed = async (compute: () => Tensor) => {
    const time = await timeOf(compute);
    run.step({ step: ++step, steps: before + MEASUREMENTS, loss: objective });
    return time;
  };
  const metrics: Record<string, number> = {};
  const series: Series[] = [];
  const all: (readonly [number, number])[] = [];
  for (const [axis, sizes] of Object.entries(GROWTH)) {
    const times: (readonly [number, number])[] = [];
    const points: (readonly [number, number])[] = [];
    for (const size of sizes) {
      const { d, f, p, k }: typeof CONVOLUTION = { ...CONVOLUTION, [axis]: size };
      const x = normal([1, d, d, p], 0, 1, { generator });
      const filter = normal([f, f, p, k], 0, 1, { generator });
      const time = await timed(() => conv2d(x, filter, { padding: "same" }));
      times.push([size, time]);
      points.push([d * d * f * f * p * k, time]);
      for (const values of [x, filter]) values.dispose();
    }
    metrics[`exponentOf${axis.toUpperCase()}`] = exponent(times);
    series.push({ name: `convolution, ${axis} grows`, points });
    all.push(...points);
  }
  metrics.exponentOfConvolution = exponent(all);
  const full: (readonly [number, number])[] = [];
  for (const n of WIDTHS) {
    const x = normal([64, n], 0, 1, { generator });
    const weight = normal([n, n], 0, 1, { generator });
    full.push([n * n, await timed(() => linear(x, weight))]);
    for (const values of [x, weight]) values.dispose();
  }
  metrics.exponentOfFullConnection = exponent(full);
  series.push({ name: "64 full connections", points: full.map(([work, time]) => [64 * work, time] as const) });
  const axes = { title: "Time by work", x: "multiply-adds", y: "milliseconds", logX: true, logY: true };
  run.picture("cost", lineChart(series, axes));
  return metrics;
}

export const buildingBlocks: Example = async (run) => {
  await drawActivations(run);
  const exact = await drawSoftmax(run);
  const { metrics, last } = await shiftDigits(run);
  const costs = await measure(run, last);
  const [least, most] = [WINDOWS[0]!, WINDOWS.at(-1)!].map((window) => percent(metrics[`changePooled${window}`]!));
  run.conclude(`Digits moved by one pixel change the features by ${least}, behind max-pooling /8 by ${most}.`);
  const powers = Object.keys(GROWTH).map((axis) => `${axis}^${costs[`exponentOf${axis.toUpperCase()}`]!.toFixed(1)}`);
  run.conclude(`A convolution's time grows as ${powers.join(", ")}; its multiply-adds as d², f², p and k.`);
  return { ...exact, ...metrics, ...costs };
};
