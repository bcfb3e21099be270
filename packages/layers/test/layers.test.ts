import { checkGradients, valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import {
  type Device,
  Generator,
  manualSeed,
  matmul,
  normal,
  notEqual,
  type Parameter,
  scope,
  setDefaultDevice,
  slice,
  softmax,
  sum,
  tensor,
  transpose,
} from "@neurite/core";
import { beforeAll, describe, expect, it } from "vitest";
import { Attention, Dropout, Embedding, Linear, LSTM, LSTMCell } from "../src/index.js";

let device: Device;
beforeAll(() => {
  device = cpuJs();
  setDefaultDevice(device);
});

const float64 = () => ({ dtype: "float64", generator: new Generator(7) }) as const;
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Sets all weights to w + 0.1·position, so that a hand-made reference can use the same. */
function valuesOf(parameter: Parameter | null): number[] {
  return Array.from(parameter!.dataSync());
}

/** One LSTM step of one row, in plain numbers. */
function scalarStep(cell: LSTMCell, x: number[], h: number[], c: number[]) {
  const [wi, wh, bi, bh] = [cell.weightIh, cell.weightHh, cell.biasIh, cell.biasHh].map(valuesOf) as [
    number[],
    number[],
    number[],
    number[],
  ];
  const n = h.length;
  const gate = (k: number, j: number) => {
    const row = k * n + j;
    let total = bi[row]! + bh[row]!;
    x.forEach((value, i) => {
      total += wi[row * x.length + i]! * value;
    });
    h.forEach((value, i) => {
      total += wh[row * n + i]! * value;
    });
    return total;
  };
  const next = c.map((value, j) => sigmoid(gate(1, j)) * value + sigmoid(gate(0, j)) * Math.tanh(gate(2, j)));
  return { h: next.map((value, j) => sigmoid(gate(3, j)) * Math.tanh(value)), c: next };
}

describe("Linear", () => {
  it("is x·Wᵀ + b along the last axis", () => {
    const layer = new Linear(2, 3, float64());
    layer.loadStateDict({
      weight: tensor(new Float64Array([1, 2, 3, 4, 5, 6]), { shape: [3, 2] }),
      bias: tensor(new Float64Array([10, 20, 30])),
    });
    const y = layer.forward(tensor(new Float64Array([1, 1, 0, 2]), { shape: [2, 1, 2] }));
    expect(y.shape).toEqual([2, 1, 3]);
    expect([...y.dataSync()]).toEqual([13, 27, 41, 14, 28, 42]);
  });

  it("cuts off below 0 with activation relu, and its gradient there", () => {
    const layer = new Linear(2, 2, { activation: "relu", ...float64() });
    layer.loadStateDict({
      weight: tensor(new Float64Array([1, 2, -1, 1]), { shape: [2, 2] }),
      bias: tensor(new Float64Array([0, -1])),
    });
    const x = tensor(new Float64Array([1, 1, -3, 0]), { shape: [2, 2] });
    expect([...layer.forward(x).dataSync()]).toEqual([3, 0, 0, 2]);
    const { grads } = valueAndGrad(() => sum(layer.forward(x)), layer.parameters())();
    expect([...grads.weight!.dataSync()]).toEqual([1, 1, -3, 0]);
    expect([...grads.bias!.dataSync()]).toEqual([1, 1]);
  });

  it("starts uniform within 1/√inputs", () => {
    const values = new Linear(100, 50).weight.dataSync();
    const largest = Math.max(...values.map(Math.abs));
    expect(largest).toBeLessThanOrEqual(0.1);
    expect(largest).toBeGreaterThan(0.09);
  });
});

describe("Embedding", () => {
  it("looks rows up and refuses indices outside of the table", () => {
    const table = new Embedding(3, 2);
    const rows = table.forward(tensor(new Int32Array([2, 0, 2]), { shape: [3, 1] }));
    expect(rows.shape).toEqual([3, 1, 2]);
    const weight = table.weight.dataSync();
    expect([...rows.dataSync()]).toEqual([weight[4], weight[5], weight[0], weight[1], weight[4], weight[5]]);
    expect(() => table.forward(tensor(new Int32Array([3])))).toThrow(
      /indices expects integers from 0 to 2, but received 3/,
    );
  });
});

describe("Dropout", () => {
  it("drops while training, by the random stream it is given, and is the identity otherwise", () => {
    const x = tensor(new Array(1000).fill(1));
    const layer = new Dropout(0.25, { generator: new Generator(3) });
    const dropped = Array.from(layer.forward(x).dataSync());
    const zeros = dropped.filter((value) => value === 0).length;
    expect(zeros).toBeGreaterThan(180);
    expect(zeros).toBeLessThan(320);
    expect(dropped.every((value) => value === 0 || Math.abs(value - 4 / 3) < 1e-6)).toBe(true);
    const again = new Dropout(0.25, { generator: new Generator(3) });
    expect(Array.from(again.forward(x).dataSync())).toEqual(dropped);
    expect(layer.eval().forward(x)).toBe(x);
  });
});

describe("LSTM", () => {
  it("does in each cell what the definition says", () => {
    const cell = new LSTMCell(2, 3, float64());
    const [x, h, c] = [
      [0.3, -1],
      [0.1, 0.2, -0.4],
      [0.5, -0.6, 0.7],
    ];
    const row = (values: number[]) => tensor(Float64Array.from(values), { shape: [1, values.length] });
    const next = cell.forward(row(x!), { h: row(h!), c: row(c!) });
    const expected = scalarStep(cell, x!, h!, c!);
    next.h.dataSync().forEach((value, i) => void expect(value).toBeCloseTo(expected.h[i]!, 12));
    next.c.dataSync().forEach((value, i) => void expect(value).toBeCloseTo(expected.c[i]!, 12));
  });

  it("runs over time in both directions, and names its weights as PyTorch does", () => {
    const lstm = new LSTM(2, 3, { layers: 2, bidirectional: true, ...float64() });
    expect(Object.keys(lstm.parameters())).toHaveLength(16);
    expect(lstm.parameters().weightIhL1Reverse!.shape).toEqual([12, 6]);
    const single = new LSTM(2, 3, float64());
    const cell = new LSTMCell(2, 3, float64());
    cell.loadStateDict({
      weightIh: single.parameters().weightIhL0!,
      weightHh: single.parameters().weightHhL0!,
      biasIh: single.parameters().biasIhL0!,
      biasHh: single.parameters().biasHhL0!,
    });
    const x = normal([1, 4, 2], 0, 1, float64());
    const { output, state } = single.forward(x);
    let expected = { h: [0, 0, 0], c: [0, 0, 0] };
    for (let t = 0; t < 4; t++) {
      expected = scalarStep(cell, Array.from(slice(x, [0, t]).dataSync()), expected.h, expected.c);
      const here = slice(output, [0, t]).dataSync();
      expected.h.forEach((value, i) => void expect(here[i]).toBeCloseTo(value, 12));
    }
    state.c.dataSync().forEach((value, i) => void expect(value).toBeCloseTo(expected.c[i]!, 12));
  });

  it("gives a padded sequence the result of the sequence alone", () => {
    const lstm = new LSTM(2, 3, { bidirectional: true, ...float64() });
    const short = normal([1, 3, 2], 0, 1, float64());
    const padded = scope(() => {
      const data = new Float64Array(10).fill(99);
      data.set(short.dataSync());
      return tensor(data, { shape: [1, 5, 2] });
    });
    const mask = notEqual(tensor(new Int32Array([1, 1, 1, 0, 0]), { shape: [1, 5] }), 0);
    const alone = lstm.forward(short);
    const masked = lstm.forward(padded, { mask });
    expect(Array.from(masked.state.h.dataSync())).toEqual(Array.from(alone.state.h.dataSync()));
    expect(Array.from(slice(masked.output, [null, [0, 3]]).dataSync())).toEqual(Array.from(alone.output.dataSync()));
    expect(Array.from(slice(masked.output, [null, [3, 5]]).dataSync()).every((value) => value === 0)).toBe(true);
  });

  it("has the gradients of central differences, with a mask too", () => {
    const lstm = new LSTM(2, 2, { bidirectional: true, ...float64() });
    const x = normal([2, 3, 2], 0, 1, float64());
    const mask = notEqual(tensor(new Int32Array([1, 1, 1, 1, 1, 0]), { shape: [2, 3] }), 0);
    expect(checkGradients((input) => lstm.forward(input, { mask }).output, [x]).maxError).toBeLessThan(1e-7);
  });

  it("explains a wrong input", () => {
    const lstm = new LSTM(2, 3);
    expect(() => lstm.forward(normal([1, 4, 5]))).toThrow(/LSTM: x expects \[n, time, 2\], but received \[1, 4, 5\]/);
    const mask = notEqual(tensor(new Int32Array([1])), 0);
    expect(() => lstm.forward(normal([1, 4, 2]), { mask })).toThrow(/mask expects shape \[1, 4\]/);
  });
});

describe("Attention", () => {
  it("weights values by the softmax of the scores, among the keys allowed", () => {
    const attend = new Attention({ score: "dot" });
    const query = tensor([[[1, 0]]]);
    const keys = tensor([
      [
        [1, 0],
        [0, 1],
        [5, 5],
      ],
    ]);
    const values = tensor([[[1], [2], [300]]]);
    const mask = notEqual(tensor(new Int32Array([1, 1, 0]), { shape: [1, 1, 3] }), 0);
    const { context, weights } = attend.forward(query, keys, values, mask);
    const p = Math.E / (Math.E + 1);
    expect(weights.dataSync()[0]).toBeCloseTo(p, 6);
    expect(weights.dataSync()[2]).toBe(0);
    expect(context.itemSync()).toBeCloseTo(p + 2 * (1 - p), 6);
  });

  it("learns a bilinear form between query and key", () => {
    const attend = new Attention({ score: "bilinear", queryFeatures: 2, keyFeatures: 3, ...float64() });
    const [q, k, v] = [
      [1, 2, 2],
      [1, 4, 3],
      [1, 4, 2],
    ].map((shape) => normal(shape, 0, 1, float64()));
    const report = checkGradients((...xs) => attend.forward(xs[0]!, xs[1]!, xs[2]!).context, [q!, k!, v!]);
    expect(report.maxError).toBeLessThan(1e-7);
    const scores = matmul(matmul(q!, attend.weight!), transpose(k!));
    const { weights } = attend.forward(q!, k!, v!);
    expect(Array.from(weights.dataSync())).toEqual(Array.from(softmax(scores).dataSync()));
    expect(() => new Attention({ score: "bilinear" })).toThrow(/queryFeatures/);
  });
});

it("makes the same layers from the same seed", () => {
  const make = () => {
    manualSeed(11);
    return new LSTM(2, 2).parameters().weightHhL0!.dataSync();
  };
  expect(make()).toEqual(make());
});

it("frees everything a forward pass makes, in a scope", () => {
  const lstm = new LSTM(2, 3, { layers: 2, bidirectional: true });
  const x = normal([2, 4, 2]);
  const before = device.memory().storages;
  scope(() => {
    lstm.forward(x);
  });
  expect(device.memory().storages).toBe(before);
});
