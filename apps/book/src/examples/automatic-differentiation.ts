/**
 * Automatic differentiation (Jiang §8.3.2): gradients of several rules against central differences of many steps h, in float64;
 * derivatives of derivatives; and Jacobians as pictures.
 *
 * Seed 1: at their best step, differences agree with all ten rules to 1.4e-10 or better. With too large a step rules with kinks
 * are far off, with too small a one rounding takes over.
 */
import { BACKENDS } from "@neurite/auto";
import { checkGradients, grad, inference, jacobian } from "@neurite/autograd";
import {
  attention,
  batchNorm,
  conv1d,
  conv2d,
  crossEntropy,
  type Device,
  fromHost,
  layerNorm,
  linear,
  lstmCell,
  maxPool2d,
  normal,
  relu,
  type Shape,
  softmax,
  sum,
  type Tensor,
  tanh,
  tensor,
} from "@neurite/core";
import { metricName } from "../contest.js";
import type { Example, Run } from "../example.js";
import { heatmap, lineChart, type Series } from "../pictures/chart.js";

interface Rule {
  readonly of: (...inputs: Tensor[]) => Tensor;
  readonly shapes: readonly Shape[];
}

const LABELS = Int32Array.from([0, 3, 1, 4]);

const RULES: Readonly<Record<string, Rule>> = {
  "full connection": { of: (x, w, b) => linear(x!, w!, b!), shapes: [[4, 6], [5, 6], [5]] },
  ReLU: { of: (x) => relu(x!), shapes: [[4, 6]] },
  softmax: { of: (x) => softmax(x!), shapes: [[4, 6]] },
  "cross-entropy": {
    of: (x) => crossEntropy(x!, fromHost(LABELS, "int32", [4], x!.device)),
    shapes: [[4, 6]],
  },
  convolution: {
    of: (x, filter) => conv2d(x!, filter!, { padding: "same" }),
    shapes: [
      [1, 5, 5, 2],
      [3, 3, 2, 2],
    ],
  },
  "max-pooling": { of: (x) => maxPool2d(x!, 2), shapes: [[1, 6, 6, 2]] },
  "batch norm": {
    of: (x, weight, bias) => batchNorm(x!, { weight: weight!, bias: bias! }).y,
    shapes: [[6, 4], [4], [4]],
  },
  "layer norm": {
    of: (x, weight, bias) => layerNorm(x!, { weight: weight!, bias: bias! }),
    shapes: [[6, 4], [4], [4]],
  },
  attention: {
    of: (q, k, v) => attention(q!, k!, v!),
    shapes: [
      [4, 6],
      [5, 6],
      [5, 6],
    ],
  },
  "LSTM cell": {
    of: (gates, c) => lstmCell(gates!, c!).h,
    shapes: [
      [3, 16],
      [3, 4],
    ],
  },
};

/** Steps 10⁻¹ … 10⁻¹², four in each power of ten. */
const STEPS = Array.from({ length: 45 }, (_, i) => 10 ** (-1 - i / 4));

/** Errors of each rule by the step of the differences; the smallest of each. */
async function compare(run: Run, device: Device): Promise<Record<string, number>> {
  const series: Series[] = [];
  const smallest: Record<string, number> = {};
  const steps = Object.keys(RULES).length * STEPS.length;
  let done = 0;
  for (const [name, { of, shapes }] of Object.entries(RULES)) {
    const inputs = shapes.map((shape) => normal(shape, 0, 1, { dtype: "float64", device, generator: run.generator }));
    const points: (readonly [number, number])[] = [];
    for (const step of STEPS) {
      const { maxError } = checkGradients(of, inputs, { step });
      points.push([step, maxError]);
      run.step({ step: ++done, steps, loss: maxError });
    }
    for (const input of inputs) input.dispose();
    series.push({ name, points });
    smallest[name] = Math.min(...points.map(([, error]) => error));
  }
  const axes = { title: "Gradients and central differences", x: "h", y: "largest difference", logX: true, logY: true };
  run.picture("differences", lineChart(series, axes));
  return smallest;
}

/** Draws tanh and its derivatives up to the third; the largest error of the second and third. */
async function drawOrders(run: Run, device: Device): Promise<number> {
  const grid = Float64Array.from({ length: 161 }, (_, i) => (i - 80) / 20);
  const x = fromHost(grid, "float64", [grid.length], device);
  const derivative = (fn: (x: Tensor) => Tensor) => grad((input: Tensor) => sum(fn(input)));
  const first = derivative(tanh);
  const second = derivative(first);
  const orders = { "tanh x": tanh, first, second, third: derivative(second) };
  const series: Series[] = [];
  for (const [name, fn] of Object.entries(orders)) {
    const values = await inference(fn)(x).data();
    series.push({ name, points: Array.from(grid, (at, i) => [at, Number(values[i])] as const) });
  }
  x.dispose();
  run.picture("orders", lineChart(series, { title: "tanh and its derivatives", x: "x", y: "y" }));
  const closedForms = [(t: number) => -2 * t * (1 - t * t), (t: number) => (6 * t * t - 2) * (1 - t * t)];
  return Math.max(
    ...closedForms.flatMap((form, i) => series[i + 2]!.points.map(([at, y]) => Math.abs(y - form(Math.tanh(at))))),
  );
}

/** Draws ∂y/∂x of the softmax, diag(y) − yyᵀ, and of a convolution, whose rows are the kernel moving along. */
async function drawJacobians(run: Run, device: Device): Promise<void> {
  const draw = async (name: string, title: string, fn: (x: Tensor) => Tensor, x: Tensor) => {
    const slopes = jacobian(fn, x);
    const columns = x.size;
    const values = await slopes.data();
    const rows = Array.from({ length: values.length / columns }, (_, i) =>
      Array.from({ length: columns }, (_, j) => Math.round(Number(values[i * columns + j]) * 100) / 100),
    );
    const names = (letter: string, length: number) => Array.from({ length }, (_, i) => `${letter}${i + 1}`);
    const axes = { x: "by", y: "of", columns: names("x", columns), rows: names("y", rows.length) };
    run.picture(name, heatmap(rows, { title, ...axes, numbers: true, cell: 44 }));
    for (const tensor of [slopes, x]) tensor.dispose();
  };
  const scores = tensor([2, 1, 0.5, 0, -0.5, -1], { dtype: "float64", device });
  await draw("jacobian-softmax", "Jacobian of the softmax", (x) => softmax(x), scores);
  const kernel = tensor([[[1]], [[-2]], [[0.5]]], { dtype: "float64", device });
  const signal = normal([1, 8, 1], 0, 1, { dtype: "float64", device, generator: run.generator });
  await draw("jacobian-convolution", "Jacobian of a convolution, f = 3", (x) => conv1d(x, kernel), signal);
  kernel.dispose();
}

export const automaticDifferentiation: Example = async (run) => {
  // the reference backend computes in float64
  const device = await BACKENDS["cpu-js"]();
  const errors = await compare(run, device);
  const derivativeError = await drawOrders(run, device);
  await drawJacobians(run, device);
  const x = normal([4, 6], 0, 1, { dtype: "float64", device, generator: run.generator });
  const second = checkGradients((input) => softmax(input), [x], { order: 2 });
  x.dispose();
  await device.close();
  const largestError = Math.max(...Object.values(errors));
  run.conclude(
    `At their best step, central differences agree with the gradients of all ${Object.keys(RULES).length} rules to ` +
      `${largestError.toExponential(0)}; second derivatives of the softmax to ${second.maxError.toExponential(0)}.`,
  );
  return {
    ...Object.fromEntries(Object.entries(errors).map(([name, error]) => [metricName(`error of ${name}`), error])),
    largestError,
    secondOrderError: second.maxError,
    errorOfTanhDerivatives: derivativeError,
  };
};
