import { checkGradients, checkpoint, valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import { Generator, mul, normal, scope, setDefaultDevice, sum, type Tensor, tensor } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { BatchNorm, BatchNorm1d, BatchNorm2d, BatchNorm3d, GroupNorm, LayerNorm, RMSNorm } from "../src/index.js";

const device = cpuJs();
setDefaultDevice(device);

const random = (shape: number[], seed = 1) => normal(shape, 0, 1, { dtype: "float64", generator: new Generator(seed) });
const values = (x: Tensor) => Array.from(x.dataSync());
const closeTo = (actual: number[], expected: number[], digits = 5) =>
  actual.forEach((value, i) => void expect(value).toBeCloseTo(expected[i]!, digits));
const float64 = { dtype: "float64" } as const;

describe("LayerNorm", () => {
  it("gives each vector mean 0 and variance 1, then scales and shifts", () => {
    const layer = new LayerNorm(4);
    // mean 2, variance 2
    closeTo(values(layer.forward(tensor([[0, 2, 2, 4]]))), [-Math.SQRT2, 0, 0, Math.SQRT2], 4);
    layer.loadStateDict({ weight: tensor([1, 2, 3, 4]), bias: tensor([0, 0, 1, 1]) });
    closeTo(values(layer.forward(tensor([[0, 2, 2, 4]]))), [-Math.SQRT2, 0, 1, 1 + 4 * Math.SQRT2], 4);
  });

  it("normalises the last axes it is given, and has only the parameters asked for", () => {
    expect(new LayerNorm([2, 3]).forward(tensor(new Float32Array(12), { shape: [2, 2, 3] })).shape).toEqual([2, 2, 3]);
    expect(Object.keys(new LayerNorm(3).parameters())).toEqual(["weight", "bias"]);
    expect(Object.keys(new LayerNorm(3, { bias: false }).parameters())).toEqual(["weight"]);
    expect(Object.keys(new LayerNorm(3, { affine: false }).parameters())).toEqual([]);
    expect(() => new LayerNorm([])).toThrow(/LayerNorm: shape expects at least one axis/);
    expect(() => new LayerNorm(3).forward(tensor([[1, 2]]))).toThrow(/layerNorm: weight expects shape \[2\]/);
  });
});

describe("RMSNorm and GroupNorm", () => {
  it("divide by the root mean square, and by the deviation over groups of channels", () => {
    closeTo(values(new RMSNorm(2).forward(tensor([[3, 4]]))), [3 / Math.sqrt(12.5), 4 / Math.sqrt(12.5)]);
    const x = tensor([[1, 3, 10, 30]]);
    closeTo(values(new GroupNorm(2, 4).forward(x)), [-1, 1, -1, 1], 4);
    expect(() => new GroupNorm(3, 4)).toThrow(/GroupNorm: groups expects a divisor of 4 channels, but received 3/);
  });
});

describe("BatchNorm", () => {
  const batch = () => tensor([[1, 10], [3, 10], [5, 40]]); // biome-ignore format: rows

  it("normalises by the batch while training, and moves the running statistics by a tenth", () => {
    const layer = new BatchNorm(2);
    const y = values(layer.forward(batch()));
    const deviations = [Math.sqrt(8 / 3), Math.sqrt(200)];
    closeTo(
      y,
      [-2, -10, 0, -10, 2, 20].map((value, i) => value / deviations[i % 2]!),
      4,
    );
    closeTo(values(layer.runningMean!), [0.3, 2]);
    // unbiased: 8/2 and 600/2
    closeTo(values(layer.runningVar!), [0.9 + 0.4, 0.9 + 30]);
    layer.forward(batch());
    closeTo(values(layer.runningMean!), [0.57, 3.8]);
  });

  it("normalises by the running statistics in evaluation, and leaves them alone", () => {
    const layer = new BatchNorm1d(2);
    layer.loadStateDict({
      weight: tensor([2, 1]),
      bias: tensor([0, 5]),
      runningMean: tensor([1, 10]),
      runningVar: tensor([4, 100]),
    });
    const y = values(layer.eval().forward(batch()));
    closeTo(y, [0, 5, 2, 5, 4, 8], 3);
    expect(values(layer.runningMean!)).toEqual([1, 10]);
  });

  it("takes another momentum, or no running statistics", () => {
    const layer = new BatchNorm(2, { momentum: 1 });
    layer.forward(batch());
    closeTo(values(layer.runningMean!), [3, 20]);
    const bare = new BatchNorm(2, { trackRunningStats: false, affine: false });
    expect(Object.keys(bare.stateDict())).toEqual([]);
    expect(values(bare.eval().forward(batch()))).toEqual(values(new BatchNorm(2).forward(batch())));
  });

  it("keeps running statistics as buffers in the state dict, without gradients", () => {
    const layer = new BatchNorm2d(3);
    expect(Object.keys(layer.parameters())).toEqual(["weight", "bias"]);
    expect(Object.keys(layer.buffers())).toEqual(["runningMean", "runningVar"]);
    layer.forward(normal([2, 3, 3, 3]));
    const other = new BatchNorm2d(3);
    other.loadStateDict(layer.stateDict());
    expect(values(other.runningVar!)).toEqual(values(layer.runningVar!));
  });

  it("writes its statistics once when a checkpoint runs it again, and leaks nothing", () => {
    const layer = new BatchNorm(2);
    const x = batch();
    const before = device.memory().storages;
    scope(() => {
      const block = checkpoint((input: Tensor) => layer.forward(input));
      valueAndGrad((input: Tensor) => sum(mul(block(input), input)), layer.parameters())(x);
    });
    closeTo(values(layer.runningMean!), [0.3, 2]);
    expect(device.memory().storages).toBe(before);
    layer.forward(x).dispose();
    expect(device.memory().storages).toBe(before);
  });

  it("refuses other ranks, other channels, and batches of one while training", () => {
    expect(() => new BatchNorm2d(3).forward(normal([2, 3]))).toThrow(
      /BatchNorm2d: x expects \[n, height, width, channels\] with 3 channels, but received \[2, 3\]/,
    );
    expect(() => new BatchNorm3d(3).forward(normal([2, 3]))).toThrow(/BatchNorm3d/);
    expect(() => new BatchNorm1d(4).forward(normal([2, 3]))).toThrow(/BatchNorm1d: x expects .* with 4 channels/);
    expect(() => new BatchNorm1d(3).forward(normal([1, 3]))).toThrow(/more than one element per channel/);
    expect(new BatchNorm1d(3).eval().forward(normal([1, 3])).shape).toEqual([1, 3]);
  });
});

describe("normalising layers", () => {
  const cases: [string, { forward(x: Tensor): Tensor }, number[]][] = [
    ["BatchNorm", new BatchNorm(2, float64), [4, 2]],
    ["BatchNorm in evaluation", new BatchNorm(2, float64).eval(), [4, 2]],
    ["LayerNorm", new LayerNorm([2, 2], float64), [3, 2, 2]],
    ["RMSNorm", new RMSNorm(3, float64), [2, 3]],
    ["GroupNorm", new GroupNorm(2, 4, float64), [2, 2, 4]],
  ];

  it.each(cases)("%s has the first and second gradients of central differences", (_, layer, shape) => {
    const report = checkGradients((x) => layer.forward(x), [random(shape)], { order: 2 });
    expect(report.maxError, report.worst).toBeLessThan(1e-6);
  });
});
