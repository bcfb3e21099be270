import { checkGradients, valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import {
  type Device,
  Generator,
  normal,
  notEqual,
  scope,
  setDefaultDevice,
  slice,
  sum,
  type Tensor,
  tensor,
} from "@neurite/core";
import { beforeAll, describe, expect, it } from "vitest";
import {
  causalMask,
  type LayerNorm,
  type Linear,
  MultiHeadAttention,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
} from "../src/index.js";

let device: Device;
beforeAll(() => {
  device = cpuJs();
  setDefaultDevice(device);
});

const float64 = (seed = 7) => ({ dtype: "float64", generator: new Generator(seed) }) as const;
const random = (shape: number[], seed = 1) => normal(shape, 0, 1, float64(seed));
const values = (x: Tensor) => Array.from(x.dataSync());
const closeTo = (actual: number[], expected: number[], digits = 10) => {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => void expect(value).toBeCloseTo(expected[i]!, digits));
};

// ---- the definitions in plain numbers: rows of one example

type Rows = number[][];
const rowsOf = (x: Tensor): Rows => {
  const width = x.shape[x.rank - 1]!;
  const data = values(x);
  return Array.from({ length: data.length / width }, (_, i) => data.slice(i * width, (i + 1) * width));
};
const dot = (a: number[], b: number[]) => a.reduce((total, value, i) => total + value * b[i]!, 0);
const affine = (x: Rows, weight: Rows, bias: number[]): Rows =>
  x.map((row) => weight.map((line, o) => dot(row, line) + bias[o]!));
const dense = (x: Rows, { weight, bias }: Linear) => affine(x, rowsOf(weight), values(bias!));
const plus = (a: Rows, b: Rows): Rows => a.map((row, i) => row.map((value, j) => value + b[i]![j]!));
const norm = (x: Rows, { weight, bias, eps }: LayerNorm): Rows =>
  x.map((row) => {
    const mean = dot(
      row,
      row.map(() => 1 / row.length),
    );
    const variance = row.reduce((total, value) => total + (value - mean) ** 2 / row.length, 0);
    const [w, b] = [values(weight!), values(bias!)];
    return row.map((value, i) => ((value - mean) / Math.sqrt(variance + eps)) * w[i]! + b[i]!);
  });

/** Multi-head attention of one example; `may` says which pairs are allowed. */
function attended(layer: MultiHeadAttention, query: Rows, memory: Rows, may = (_i: number, _j: number) => true): Rows {
  const { features, heads } = layer;
  const [weight, bias] = [rowsOf(layer.inProjWeight), values(layer.inProjBias!)];
  const part = (x: Rows, k: number) =>
    affine(x, weight.slice(k * features, (k + 1) * features), bias.slice(k * features, (k + 1) * features));
  const [q, k, v] = [part(query, 0), part(memory, 1), part(memory, 2)];
  const d = features / heads;
  const joined = q.map((row, i) =>
    Array.from({ length: heads }, (_, h) => {
      const own = (x: number[]) => x.slice(h * d, (h + 1) * d);
      const powers = k.map((key, j) => (may(i, j) ? Math.exp(dot(own(row), own(key)) / Math.sqrt(d)) : 0));
      const total = powers.reduce((a, b) => a + b, 0);
      return Array.from({ length: d }, (_, c) => powers.reduce((s, p, j) => s + (p / total) * own(v[j]!)[c]!, 0));
    }).flat(),
  );
  return dense(joined, layer.outProj);
}

const mask = (bits: number[], shape: number[]) => notEqual(tensor(new Int32Array(bits), { shape }), 0);

describe("MultiHeadAttention", () => {
  it("shows its weights, by head, with masks", () => {
    const layer = new MultiHeadAttention(4, 2, float64());
    const [x, memory] = [random([1, 3, 4]), random([1, 5, 4], 2)];
    const keyMask = mask([1, 1, 0, 1, 0], [1, 5]);
    const weights = layer.weights(x, memory, { keyMask });
    expect(weights.shape).toEqual([1, 2, 3, 5]);
    const [weight, bias] = [rowsOf(layer.inProjWeight), values(layer.inProjBias!)];
    const q = affine(rowsOf(x), weight.slice(0, 4), bias.slice(0, 4));
    const k = affine(rowsOf(memory), weight.slice(4, 8), bias.slice(4, 8));
    const expected = [0, 2].flatMap((from) =>
      q.flatMap((row) => {
        const powers = k.map((key, j) =>
          j === 2 || j === 4 ? 0 : Math.exp(dot(row.slice(from, from + 2), key.slice(from, from + 2)) / Math.sqrt(2)),
        );
        const total = powers.reduce((a, b) => a + b);
        return powers.map((power) => power / total);
      }),
    );
    closeTo(values(weights), expected);
    expect(() => layer.weights(random([1, 3, 5]))).toThrow(/query expects \[batch, length, 4\]/);
  });

  it("attends by each head on its share of the features", () => {
    const layer = new MultiHeadAttention(4, 2, float64());
    const x = random([1, 3, 4]);
    closeTo(values(layer.forward(x)), attended(layer, rowsOf(x), rowsOf(x)).flat());
    const memory = random([1, 5, 4], 2);
    closeTo(values(layer.forward(x, memory)), attended(layer, rowsOf(x), rowsOf(memory)).flat());
  });

  it("attends where masks are true, in every form of mask", () => {
    const layer = new MultiHeadAttention(4, 2, float64());
    const x = random([1, 3, 4]);
    const causal = attended(layer, rowsOf(x), rowsOf(x), (i, j) => j <= i).flat();
    closeTo(values(layer.forward(x, x, x, { mask: causalMask(3) })), causal);
    const lower = [1, 0, 0, 1, 1, 0, 1, 1, 1];
    closeTo(values(layer.forward(x, x, x, { mask: mask(lower, [1, 3, 3]) })), causal);
    closeTo(values(layer.forward(x, x, x, { mask: mask([...lower, ...lower], [1, 2, 3, 3]) })), causal);
    const padded = attended(layer, rowsOf(x), rowsOf(x), (i, j) => j <= i && j !== 1).flat();
    closeTo(values(layer.forward(x, x, x, { mask: causalMask(3), keyMask: mask([1, 0, 1], [1, 3]) })), padded);
    const keysOnly = attended(layer, rowsOf(x), rowsOf(x), (_, j) => j !== 1).flat();
    closeTo(values(layer.forward(x, x, x, { keyMask: mask([1, 0, 1], [1, 3]) })), keysOnly);
  });

  it("has PyTorch's parameters and their start", () => {
    const layer = new MultiHeadAttention(8, 2, { generator: new Generator(1) });
    expect(Object.keys(layer.parameters()).toSorted()).toEqual([
      "inProjBias",
      "inProjWeight",
      "outProj.bias",
      "outProj.weight",
    ]);
    const bound = Math.sqrt(6 / 32);
    const largest = Math.max(...values(layer.inProjWeight).map(Math.abs));
    expect(largest).toBeLessThanOrEqual(bound);
    expect(largest).toBeGreaterThan(0.95 * bound);
    expect([...values(layer.inProjBias!), ...values(layer.outProj.bias!)].every((value) => value === 0)).toBe(true);
    expect(Object.keys(new MultiHeadAttention(8, 2, { bias: false }).parameters())).toHaveLength(2);
  });

  it("drops attention weights while training only", () => {
    const layer = new MultiHeadAttention(4, 2, { dropout: 0.5, ...float64() });
    const x = random([1, 3, 4]);
    expect(values(layer.forward(x))).not.toEqual(values(layer.forward(x)));
    layer.eval();
    closeTo(values(layer.forward(x)), attended(layer, rowsOf(x), rowsOf(x)).flat());
  });

  it("explains wrong heads, inputs and masks", () => {
    expect(() => new MultiHeadAttention(6, 4)).toThrow(/heads expects a divisor of 6 features, but received 4/);
    const layer = new MultiHeadAttention(4, 2, float64());
    const x = random([2, 3, 4]);
    expect(() => layer.forward(random([2, 3, 5]))).toThrow(
      /query expects \[batch, length, 4\], but received \[2, 3, 5\]/,
    );
    expect(() => layer.forward(x, random([1, 3, 4]))).toThrow(/key expects \[2, length, 4\], but received \[1, 3, 4\]/);
    expect(() => layer.forward(x, x, x, { mask: mask([1], [1]) })).toThrow(/mask expects \[n, m\]/);
    expect(() => layer.forward(x, x, x, { keyMask: mask([1, 1], [1, 2]) })).toThrow(/keyMask expects shape \[2, 3\]/);
  });

  it("has the first and second gradients of central differences", () => {
    const layer = new MultiHeadAttention(4, 2, float64());
    const inputs = [random([1, 2, 4], 1), random([1, 3, 4], 2), random([1, 3, 4], 3)];
    const report = checkGradients((q, k, v) => layer.forward(q!, k!, v!), inputs, { order: 2 });
    expect(report.maxError, report.worst).toBeLessThan(1e-6);
  });
});

describe("causalMask", () => {
  it("lets each position see itself and what is before", () => {
    const before = device.memory().storages;
    const bits = causalMask(3);
    expect(values(bits)).toEqual([1, 0, 0, 1, 1, 0, 1, 1, 1]);
    bits.dispose();
    expect(device.memory().storages).toBe(before);
  });
});

const relu = (x: Rows): Rows => x.map((row) => row.map((value) => Math.max(value, 0)));

describe("TransformerEncoderLayer", () => {
  const options = { feedForward: 6, dropout: 0 };

  it("is attention and a feed-forward net in residuals, normalised after", () => {
    const layer = new TransformerEncoderLayer(4, 2, { ...options, ...float64() });
    const x = random([1, 3, 4]);
    const first = norm(plus(rowsOf(x), attended(layer.selfAttn, rowsOf(x), rowsOf(x))), layer.norm1);
    const fed = dense(relu(dense(first, layer.linear1)), layer.linear2);
    closeTo(values(layer.forward(x)), norm(plus(first, fed), layer.norm2).flat());
  });

  it("or normalised before", () => {
    const layer = new TransformerEncoderLayer(4, 2, { ...options, normFirst: true, ...float64() });
    const x = random([1, 3, 4]);
    const inner = norm(rowsOf(x), layer.norm1);
    const first = plus(
      rowsOf(x),
      attended(layer.selfAttn, inner, inner, (i, j) => j <= i),
    );
    const fed = dense(relu(dense(norm(first, layer.norm2), layer.linear1)), layer.linear2);
    closeTo(values(layer.forward(x, { mask: causalMask(3) })), plus(first, fed).flat());
  });

  it("names its parameters as PyTorch does", () => {
    const names = Object.keys(new TransformerEncoderLayer(4, 2, options).parameters());
    expect(names.toSorted()).toEqual(
      ["inProjBias", "inProjWeight", "outProj.bias", "outProj.weight"]
        .map((name) => `selfAttn.${name}`)
        .concat(["linear1", "linear2", "norm1", "norm2"].flatMap((name) => [`${name}.weight`, `${name}.bias`]))
        .toSorted(),
    );
  });

  it("drops while training and is exact in evaluation, with GELU too", () => {
    const layer = new TransformerEncoderLayer(4, 2, { feedForward: 6, activation: "gelu", ...float64() });
    const x = random([1, 3, 4]);
    expect(values(layer.forward(x))).not.toEqual(values(layer.forward(x)));
    layer.eval();
    expect(values(layer.forward(x))).toEqual(values(layer.forward(x)));
    expect(layer.selfAttn.training).toBe(false);
    expect(checkGradients((y) => layer.forward(y), [x]).maxError).toBeLessThan(1e-7);
  });

  it("loads the state dict of another one", () => {
    const [a, b] = [1, 2].map((seed) => new TransformerEncoderLayer(4, 2, { ...options, ...float64(seed) }));
    const x = random([1, 2, 4]);
    expect(values(b!.forward(x))).not.toEqual(values(a!.forward(x)));
    b!.loadStateDict(a!.stateDict());
    expect(values(b!.forward(x))).toEqual(values(a!.forward(x)));
  });

  it("frees everything but value and gradients in a training step", () => {
    const layer = new TransformerEncoderLayer(4, 2, { feedForward: 6, ...float64() });
    const x = random([2, 3, 4]);
    const before = device.memory().storages;
    scope(() => {
      const { grads } = valueAndGrad((input: Tensor) => sum(layer.forward(input)), layer.parameters())(x);
      expect(device.memory().storages - before).toBeLessThanOrEqual(1 + Object.keys(grads).length);
    });
    expect(device.memory().storages).toBe(before);
  });
});

describe("TransformerDecoderLayer", () => {
  const options = { feedForward: 6, dropout: 0 };

  it("attends to itself, then to the memory, then feeds forward", () => {
    const layer = new TransformerDecoderLayer(4, 2, { ...options, ...float64() });
    const [x, memory] = [random([1, 3, 4]), random([1, 2, 4], 2)];
    const [rows, keys] = [rowsOf(x), rowsOf(memory)];
    const first = norm(
      plus(
        rows,
        attended(layer.selfAttn, rows, rows, (i, j) => j <= i),
      ),
      layer.norm1,
    );
    const second = norm(
      plus(
        first,
        attended(layer.multiheadAttn, first, keys, (_, j) => j === 0),
      ),
      layer.norm2,
    );
    const fed = dense(relu(dense(second, layer.linear1)), layer.linear2);
    const y = layer.forward(x, memory, { mask: causalMask(3), memoryKeyMask: mask([1, 0], [1, 2]) });
    closeTo(values(y), norm(plus(second, fed), layer.norm3).flat());
    const masked = layer.forward(x, memory, { mask: causalMask(3), memoryMask: mask([1, 0, 1, 0, 1, 0], [3, 2]) });
    closeTo(values(masked), values(y));
  });

  it("shows no position what comes after it, with norms first too", () => {
    const layer = new TransformerDecoderLayer(4, 2, { ...options, normFirst: true, ...float64() });
    const [x, memory] = [random([1, 3, 4]), random([1, 2, 4], 2)];
    const early = (y: Tensor) => values(slice(y, [null, [0, 2]]));
    const data = values(x);
    const changed = tensor(Float64Array.from([...data.slice(0, 8), 9, 9, 9, 9]), { shape: [1, 3, 4] });
    const run = (input: Tensor) => layer.forward(input, memory, { mask: causalMask(3) });
    expect(early(run(changed))).toEqual(early(run(x)));
    expect(checkGradients((y, m) => layer.forward(y!, m!), [x, memory]).maxError).toBeLessThan(1e-7);
  });
});
