import { checkGradients, grad, valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import {
  copy,
  Generator,
  normal,
  pow,
  scope,
  setDefaultDevice,
  sum,
  type Tensor,
  tensor,
  zerosLike,
} from "@neurite/core";
import { describe, expect, it } from "vitest";
import {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveAvgPool3d,
  AvgPool1d,
  AvgPool2d,
  AvgPool3d,
  Conv1d,
  Conv2d,
  Conv3d,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  Dropout,
  Flatten,
  GELU,
  GlobalAvgPool,
  Linear,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
  type Module,
  ReLU,
  Sequential,
  Sigmoid,
  SiLU,
  Softmax,
  Tanh,
} from "../src/index.js";
import { distance, gradientError } from "./describe-layer.js";

const device = cpuJs();
setDefaultDevice(device);

const float64 = (seed = 7) => ({ dtype: "float64", generator: new Generator(seed) }) as const;
const random = (shape: number[], seed = 1) => normal(shape, 0, 1, { dtype: "float64", generator: new Generator(seed) });
const values = (x: Tensor) => Array.from(x.dataSync());
const image = (rows: number[][]) => tensor(rows.flat(), { shape: [1, rows.length, rows[0]!.length, 1] });

const errorOf = (layer: Module & { forward(x: Tensor): Tensor }, x: Tensor) =>
  gradientError(layer, ([y]) => layer.forward(y!), [x]).error;

const square = [
  [1, 2, 3],
  [4, 5, 6],
  [7, 8, 9],
];

describe("Conv2d", () => {
  it("slides its filter over an image as in cross-correlation", () => {
    const layer = new Conv2d(1, 1, 2);
    layer.loadStateDict({ weight: tensor([1, 10, 100, 1000], { shape: [2, 2, 1, 1] }), bias: tensor([0.5]) });
    const y = layer.forward(image(square));
    expect(y.shape).toEqual([1, 2, 2, 1]);
    expect(values(y)).toEqual([5421.5, 6532.5, 8754.5, 9865.5]);
  });

  it("keeps the length with padding same, and divides it by the stride", () => {
    const x = random([2, 7, 8, 3]);
    const layer = (stride: number) => new Conv2d(3, 4, 3, { padding: "same", stride, ...float64() });
    expect(layer(1).forward(x).shape).toEqual([2, 7, 8, 4]);
    expect(layer(2).forward(x).shape).toEqual([2, 4, 4, 4]);
  });

  it("names and lays out its parameters, which start as in PyTorch", () => {
    const layer = new Conv2d(4, 6, [3, 5], { groups: 2, generator: new Generator(3) });
    expect(Object.keys(layer.parameters())).toEqual(["weight", "bias"]);
    expect([layer.weight.shape, layer.weight.layout]).toEqual([[3, 5, 2, 6], "kh,kw,in,out"]);
    const bound = 1 / Math.sqrt(2 * 15);
    const largest = Math.max(...values(layer.weight).map(Math.abs));
    expect(largest).toBeLessThanOrEqual(bound);
    expect(largest).toBeGreaterThan(0.9 * bound);
    expect(Math.max(...values(layer.bias!).map(Math.abs))).toBeLessThanOrEqual(bound);
    expect(new Conv2d(1, 1, 1, { bias: false }).bias).toBeNull();
  });

  it("refuses sizes that make no sense, and names itself where an image does not fit", () => {
    expect(() => new Conv2d(3, 4, 0)).toThrow(/Conv2d: size expects a positive integer.*but received 0/);
    expect(() => new Conv2d(3, 4, [3])).toThrow(/Conv2d: size expects a number, or 2 of them/);
    expect(() => new Conv2d(3, 4, 3, { groups: 2 })).toThrow(/Conv2d: groups expects a positive integer that divides/);
    const net = new Sequential(new Conv2d(3, 4, 3));
    expect(() => net.forward(random([1, 5, 5, 2]))).toThrow(/conv2d: .*\(in module 0\)/);
  });
});

describe("convolutional layers", () => {
  const layers: [string, Module & { forward(x: Tensor): Tensor }, number[], number[]][] = [
    ["Conv1d", new Conv1d(2, 3, 3, { stride: 2, padding: 1, ...float64() }), [2, 5, 2], [2, 3, 3]],
    ["Conv2d", new Conv2d(2, 2, 2, { dilation: 2, ...float64() }), [1, 4, 3, 2], [1, 2, 1, 2]],
    ["Conv2d by channel", new Conv2d(3, 3, 3, { groups: 3, padding: 1, ...float64() }), [1, 3, 2, 3], [1, 3, 2, 3]],
    ["Conv3d", new Conv3d(1, 2, [2, 1, 2], float64()), [1, 2, 2, 3, 1], [1, 1, 2, 2, 2]],
    ["ConvTranspose1d", new ConvTranspose1d(2, 3, 3, { stride: 2, ...float64() }), [2, 3, 2], [2, 7, 3]],
    [
      "ConvTranspose2d",
      new ConvTranspose2d(2, 4, 3, { stride: 2, padding: 1, outputPadding: 1, groups: 2, ...float64() }),
      [1, 2, 2, 2],
      [1, 4, 4, 4],
    ],
    ["ConvTranspose3d", new ConvTranspose3d(1, 1, 2, { bias: false, ...float64() }), [1, 1, 2, 2, 1], [1, 2, 3, 3, 1]],
  ];

  it.each(layers)("%s has the gradients of central differences by input and parameters", (_, layer, shape, out) => {
    const x = random(shape);
    expect(layer.forward(x).shape).toEqual(out);
    expect(errorOf(layer, x)).toBeLessThan(1e-8);
  });

  it.each(layers)("%s gives its parameters back in a state dict", (_, layer) => {
    const saved = Object.fromEntries(Object.entries(layer.stateDict()).map(([name, value]) => [name, copy(value)]));
    for (const parameter of Object.values(layer.stateDict())) parameter.assign(zerosLike(parameter));
    expect(values(layer.parameters().weight!).every((value) => value === 0)).toBe(true);
    layer.loadStateDict(saved);
    for (const [name, value] of Object.entries(layer.stateDict())) expect(values(value)).toEqual(values(saved[name]!));
  });

  it("that are transposed start by the fan-in of PyTorch, and say so in their layout", () => {
    const layer = new ConvTranspose2d(8, 4, 2, { groups: 2, generator: new Generator(1) });
    expect([layer.weight.shape, layer.weight.layout]).toEqual([[2, 2, 2, 8], "kh,kw,out,in"]);
    const bound = 1 / Math.sqrt(2 * 4);
    expect(Math.max(...values(layer.weight).map(Math.abs))).toBeLessThanOrEqual(bound);
    expect(Math.max(...values(layer.weight).map(Math.abs))).toBeGreaterThan(0.9 * bound);
  });
});

describe("pooling layers", () => {
  const x = image(square);

  it("take the largest or the mean of each window", () => {
    expect(values(new MaxPool2d(2, { stride: 1 }).forward(x))).toEqual([5, 6, 8, 9]);
    expect(values(new AvgPool2d(2, { stride: 1 }).forward(x))).toEqual([3, 4, 6, 7]);
    expect(values(new AvgPool2d(2, { padding: 1 }).forward(x))).toEqual([0.25, 1.25, 2.75, 7]);
    expect(values(new AvgPool2d(2, { padding: 1, countIncludePad: false }).forward(x))).toEqual([1, 2.5, 5.5, 7]);
    expect(values(new AdaptiveAvgPool2d(2).forward(x))).toEqual([3, 4, 6, 7]);
    expect(values(new GlobalAvgPool().forward(x))).toEqual([5]);
  });

  it("work along one and three axes", () => {
    const line = tensor([1, 4, 2, 3], { shape: [1, 4, 1] });
    expect(values(new MaxPool1d(2).forward(line))).toEqual([4, 3]);
    expect(values(new AvgPool1d(2).forward(line))).toEqual([2.5, 2.5]);
    expect(values(new AdaptiveAvgPool1d(1).forward(line))).toEqual([2.5]);
    const cube = tensor([1, 2, 3, 4, 5, 6, 7, 8], { shape: [1, 2, 2, 2, 1] });
    expect(values(new MaxPool3d(2).forward(cube))).toEqual([8]);
    expect(values(new AvgPool3d([1, 2, 2]).forward(cube))).toEqual([2.5, 6.5]);
    expect(values(new AdaptiveAvgPool3d([2, 1, 1]).forward(cube))).toEqual([2.5, 6.5]);
  });
});

it("convolution and pooling have gradients of the third order", () => {
  // what the pooling sees must bend, or no error of the second order depends on x
  const layers = [new Conv2d(1, 2, 2, float64()), new Tanh(), new MaxPool2d(2, { stride: 1 }), new AvgPool2d(2)];
  const net = new Sequential(...layers);
  const slope = grad((x: Tensor) => sum(pow(net.forward(x), 3)));
  const report = checkGradients((x) => slope(x), [random([1, 4, 4, 1])], { order: 2 });
  expect(report.maxError, report.worst).toBeLessThan(1e-6);
});

describe("Flatten", () => {
  it("joins all axes but the batch, or those it is given", () => {
    expect(new Flatten().forward(random([2, 3, 4])).shape).toEqual([2, 12]);
    expect(new Flatten(0, 1).forward(random([2, 3, 4])).shape).toEqual([6, 4]);
    expect(new Flatten().forward(random([2, 3])).shape).toEqual([2, 3]);
    expect(() => new Flatten(2, 1).forward(random([2, 3, 4]))).toThrow(/Flatten: end expects an axis from 2 on/);
  });
});

describe("activation modules", () => {
  it("are the functions of their names", () => {
    const x = tensor(new Float64Array([-1, 0, 2]));
    const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
    const close = (layer: Module & { forward(y: Tensor): Tensor }, f: (v: number) => number) =>
      values(layer.forward(x)).forEach((y, i) => void expect(y).toBeCloseTo(f([-1, 0, 2][i]!), 6));
    close(new ReLU(), (v) => Math.max(v, 0));
    close(new Tanh(), Math.tanh);
    close(new Sigmoid(), sigmoid);
    close(new SiLU(), (v) => v * sigmoid(v));
    // values of Φ(−1) and Φ(2) from tables
    close(new GELU(), (v) => v * ({ "-1": 0.15865525, 0: 0.5, 2: 0.97724987 }[v] ?? 0));
    const inner = (v: number) => Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3);
    close(new GELU("tanh"), (v) => 0.5 * v * (1 + Math.tanh(inner(v))));
    const total = Math.exp(-1) + 1 + Math.exp(2);
    close(new Softmax(), (v) => Math.exp(v) / total);
    expect(values(new Softmax(0).forward(x.reshape([1, 3])))).toEqual([1, 1, 1]);
  });
});

describe("Sequential", () => {
  const build = (seed = 7) =>
    new Sequential(
      new Conv2d(1, 2, 3, { padding: 1, ...float64(seed) }),
      new ReLU(),
      new MaxPool2d(2),
      new Flatten(),
      new Dropout(0.5, { generator: new Generator(2) }),
      new Linear(8, 3, float64(seed)),
    );

  it("feeds each output to the next, and names parameters by position", () => {
    const net = build();
    expect(Object.keys(net.parameters())).toEqual(["0.weight", "0.bias", "5.weight", "5.bias"]);
    expect(net.forward(random([2, 4, 4, 1])).shape).toEqual([2, 3]);
    expect([net.length, [...net][1], net[1]]).toEqual([6, net[1], net[1]]);
  });

  it("switches its layers to evaluation", () => {
    const net = build();
    const x = random([2, 4, 4, 1]);
    expect(values(net.forward(x))).not.toEqual(values(net.forward(x)));
    net.eval();
    expect(values(net.forward(x))).toEqual(values(net.forward(x)));
    expect(net[4]!.training).toBe(false);
  });

  it("has the gradients of central differences through all its layers", () => {
    expect(errorOf(build().eval(), random([1, 4, 4, 1]))).toBeLessThan(1e-7);
  });

  it("loads the state dict of another one, and refuses what is no module", () => {
    const [a, b] = [build(1).eval(), build(2).eval()];
    const x = random([1, 4, 4, 1]);
    expect(values(b.forward(x))).not.toEqual(values(a.forward(x)));
    b.loadStateDict(a.stateDict());
    expect(values(b.forward(x))).toEqual(values(a.forward(x)));
    expect(() => new Sequential(Math.abs as never)).toThrow(/Sequential: layer 0 expects a module/);
  });

  it("frees everything but value and gradients in a training step", () => {
    const net = build();
    const x = random([2, 4, 4, 1]);
    const before = device.memory().storages;
    const step = valueAndGrad((input: Tensor) => sum(net.forward(input)), net.parameters());
    scope(() => {
      const { grads } = step(x);
      expect(Object.keys(grads)).toHaveLength(4);
      expect(device.memory().storages - before).toBe(5);
    });
    expect(device.memory().storages).toBe(before);
  });
});

describe("pooling in ceilMode", () => {
  /** PyTorch's rules along one axis: windows begin before the end of x, and padding counts but not what is behind it. */
  function expected(kind: "max" | "mean", x: readonly number[], size: number, stride: number, padding: number) {
    const y: number[] = [];
    const count = Math.ceil((x.length + 2 * padding - size) / stride) + 1;
    for (let i = 0; i < count; i++) {
      const start = i * stride - padding;
      if (start >= x.length) break;
      const seen = x.slice(Math.max(start, 0), start + size);
      const counted = Math.min(start + size, x.length + padding) - start;
      y.push(kind === "max" ? Math.max(...seen) : seen.reduce((a, b) => a + b, 0) / counted);
    }
    return y;
  }

  it.each([
    [7, 2, 2, 0],
    [8, 3, 3, 1],
    [10, 3, 2, 1],
    [6, 3, 2, 0],
    [5, 2, 3, 1],
    [1, 1, 4, 0],
    [3, 3, 1, 1],
  ])(
    "of %i elements by windows of %i, steps of %i and padding %i takes the last window",
    (length, size, stride, padding) => {
      const x = random([1, length, 1]);
      const options = { stride, padding, ceilMode: true };
      const max = new MaxPool1d(size, options).forward(x);
      expect(distance(values(max), expected("max", values(x), size, stride, padding))).toBe(0);
      const mean = new AvgPool1d(size, options).forward(x);
      expect(distance(values(mean), expected("mean", values(x), size, stride, padding))).toBeLessThan(1e-15);
    },
  );

  it("counts no padding if told so, and changes nothing where windows fit or padding is same", () => {
    const x = tensor(new Float64Array([1, 2, 3, 4, 5, 6]), { shape: [1, 6, 1] });
    const options = { stride: 4, padding: 1, countIncludePad: false, ceilMode: true };
    // 1 2 | 4 5 6
    expect(values(new AvgPool1d(3, options).forward(x))).toEqual([1.5, 5]);
    expect(values(new AvgPool1d(4, { ...options, stride: 3 }).forward(x))).toEqual([2, 4.5, 6]);
    for (const padding of ["same", "valid", [[1, 0]]] as const) {
      const plain = new MaxPool1d(2, { padding }).forward(x);
      const size = padding === "same" || padding === "valid" ? 3 : 4;
      expect(values(new MaxPool1d(2, { padding, ceilMode: true }).forward(x))).toHaveLength(size);
      if (padding !== "valid") expect(plain.shape[1]).toBe(3);
    }
  });

  it("has the lengths and dilation of each axis", () => {
    const x = random([2, 7, 7, 3]);
    expect(new MaxPool2d([2, 3], { stride: [2, 3], ceilMode: true }).forward(x).shape).toEqual([2, 4, 3, 3]);
    expect(new MaxPool2d(2, { stride: 3, dilation: [3, 1], ceilMode: true }).forward(x).shape).toEqual([2, 2, 3, 3]);
  });
});
