import { grad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import { Generator, ones, setDefaultDevice, sum, type Tensor, tensor } from "@neurite/core";
import { describe, expect, it, vi } from "vitest";
import {
  AlphaDropout,
  CELU,
  Dropout1d,
  Dropout2d,
  Dropout3d,
  ELU,
  GLU,
  Hardshrink,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  Identity,
  LeakyReLU,
  Linear,
  LogSigmoid,
  LogSoftmax,
  Mish,
  type Module,
  PReLU,
  ReLU6,
  Residual,
  SELU,
  Softplus,
  Softshrink,
  Softsign,
  Tanhshrink,
  Threshold,
  Upsample,
} from "../src/index.js";
import { distance, float64, random, values } from "./describe-layer.js";

setDefaultDevice(cpuJs());

type Unary = Module & { forward(x: Tensor): Tensor };
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

describe("activation modules", () => {
  const points = [-40, -7, -3, -1.5, -0.5, 0, 0.25, 1, 2.5, 3, 6.5, 40];
  it.each<[string, Unary, (x: number) => number]>([
    ["ReLU6", new ReLU6(), (x) => Math.min(Math.max(x, 0), 6)],
    ["LeakyReLU", new LeakyReLU(), (x) => (x > 0 ? x : 0.01 * x)],
    ["LeakyReLU of slope 0.3", new LeakyReLU(0.3), (x) => (x > 0 ? x : 0.3 * x)],
    ["PReLU", new PReLU(1, { dtype: "float64" }), (x) => (x > 0 ? x : 0.25 * x)],
    ["ELU", new ELU(), (x) => (x > 0 ? x : Math.exp(x) - 1)],
    ["ELU of 2", new ELU(2), (x) => (x > 0 ? x : 2 * (Math.exp(x) - 1))],
    ["CELU", new CELU(), (x) => (x > 0 ? x : Math.exp(x) - 1)],
    ["CELU of 2", new CELU(2), (x) => Math.max(0, x) + Math.min(0, 2 * (Math.exp(x / 2) - 1))],
    ["Threshold", new Threshold(1, 20), (x) => (x > 1 ? x : 20)],
    ["Hardshrink", new Hardshrink(), (x) => (Math.abs(x) > 0.5 ? x : 0)],
    ["Softshrink", new Softshrink(1.5), (x) => (x > 1.5 ? x - 1.5 : x < -1.5 ? x + 1.5 : 0)],
    ["Tanhshrink", new Tanhshrink(), (x) => x - Math.tanh(x)],
    ["SELU", new SELU(), (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * (Math.exp(x) - 1))],
    ["LogSigmoid", new LogSigmoid(), (x) => -Math.log(1 + Math.exp(-x))],
    ["Mish", new Mish(), (x) => x * Math.tanh(Math.log(1 + Math.exp(x)))],
    ["Softplus", new Softplus(), (x) => Math.log(1 + Math.exp(x))],
    ["Softplus of β 3", new Softplus(3), (x) => (x > 10 ? x : Math.log(1 + Math.exp(3 * x)) / 3)],
    ["Softsign", new Softsign(), (x) => x / (1 + Math.abs(x))],
    ["Hardsigmoid", new Hardsigmoid(), (x) => (x <= -3 ? 0 : x >= 3 ? 1 : x / 6 + 0.5)],
    ["Hardswish", new Hardswish(), (x) => (x <= -3 ? 0 : x >= 3 ? x : (x * (x + 3)) / 6)],
    ["Hardtanh", new Hardtanh(), (x) => Math.max(-1, Math.min(1, x))],
    ["Hardtanh to 2", new Hardtanh(-0.5, 2), (x) => Math.max(-0.5, Math.min(2, x))],
  ])("%s is its definition", (_, layer, f) => {
    const y = values(layer.forward(tensor(Float64Array.from(points))));
    expect(distance(y, points.map(f))).toBeLessThan(1e-12);
  });

  it("has slopes as in PyTorch where it bends, and lets NaN through", () => {
    const slopes = (layer: Unary, ...points: number[]) =>
      values(grad((x: Tensor) => sum(layer.forward(x)))(tensor(Float64Array.from(points))));
    expect(slopes(new CELU(2), -1e-12, 0, 1e-12)).toEqual([expect.closeTo(1, 11), 1, 1]);
    expect(slopes(new Threshold(1, 20), 0.9, 1, 1.1)).toEqual([0, 0, 1]);
    expect(slopes(new Hardshrink(), -0.6, -0.5, 0, 0.5, 0.6)).toEqual([1, 0, 0, 0, 1]);
    expect(slopes(new Softshrink(), -0.6, -0.5, 0, 0.5, 0.6)).toEqual([1, 0, 0, 0, 1]);
    for (const layer of [new CELU(), new Threshold(0, 1), new Hardshrink(), new Softshrink(), new Tanhshrink()]) {
      expect(values(layer.forward(tensor([Number.NaN])))).toEqual([Number.NaN]);
    }
  });

  it("GLU gates one half by the other, along any axis", () => {
    const x = tensor(new Float64Array([1, 2, 3, 4, 5, 6, 7, 8]), { shape: [2, 4] });
    const last = [1 * sigmoid(3), 2 * sigmoid(4), 5 * sigmoid(7), 6 * sigmoid(8)];
    expect(distance(values(new GLU().forward(x)), last)).toBeLessThan(1e-14);
    const first = [1 * sigmoid(5), 2 * sigmoid(6), 3 * sigmoid(7), 4 * sigmoid(8)];
    expect(distance(values(new GLU(0).forward(x)), first)).toBeLessThan(1e-14);
  });

  it("PReLU has a slope for each channel if asked, and LogSoftmax its axis", () => {
    const layer = new PReLU(2, { dtype: "float64" });
    layer.loadStateDict({ weight: tensor(new Float64Array([0.5, -1])) });
    const x = tensor(new Float64Array([-2, -2, 3, 3]), { shape: [2, 2] });
    expect(values(layer.forward(x))).toEqual([-1, 2, 3, 3]);
    const total = Math.log(Math.exp(-2) + Math.exp(3));
    expect(distance(values(new LogSoftmax(0).forward(x)), [-2 - total, -2 - total, 3 - total, 3 - total])).toBeLessThan(
      1e-14,
    );
  });
});

describe("AlphaDropout", () => {
  it("puts elements at SELU's lower end, and keeps mean 0 and variance 1", () => {
    const p = 0.3;
    const floor = -1.0507009873554805 * 1.6732632423543772;
    const scale = 1 / Math.sqrt((1 - p) * (1 + p * floor ** 2));
    const x = random([20_000]);
    const y = values(new AlphaDropout(p, { generator: new Generator(5) }).forward(x));
    const shift = -scale * p * floor;
    let dropped = 0;
    for (const [i, value] of values(x).entries()) {
      const kept = Math.abs(y[i]! - (scale * value + shift)) < 1e-12;
      if (!kept) dropped++;
      if (!kept) expect(y[i]).toBeCloseTo(scale * floor + shift, 12);
    }
    // four deviations each of a mean, a variance (of a mixture whose fourth moment is below 4) and a count
    const n = y.length;
    const mean = y.reduce((a, b) => a + b) / n;
    const variance = y.reduce((total, value) => total + (value - mean) ** 2, 0) / n;
    expect(Math.abs(dropped - p * n)).toBeLessThan(4 * Math.sqrt(n * p * (1 - p)));
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(3 / n));
  });
});

describe("spatial dropout", () => {
  it.each([
    [new Dropout1d(0.25, { generator: new Generator(1) }), [40, 6, 30]],
    [new Dropout2d(0.25, { generator: new Generator(2) }), [40, 2, 3, 30]],
    [new Dropout3d(0.25, { generator: new Generator(3) }), [40, 2, 1, 3, 30]],
  ])("of case %# drops whole channels of single examples, and scales the others", (layer, shape) => {
    const y = values(layer.forward(ones(shape, { dtype: "float64" })));
    const positions = 6;
    let dropped = 0;
    for (let n = 0; n < 40; n++) {
      for (let c = 0; c < 30; c++) {
        const channel = Array.from({ length: positions }, (_, i) => y[(n * positions + i) * 30 + c]!);
        expect(new Set(channel).size).toBe(1);
        if (channel[0] === 0) dropped++;
        else expect(channel[0]).toBeCloseTo(4 / 3, 12);
      }
    }
    // 1200 draws of probability ¼: 300 ± 5 deviations of 15
    expect(Math.abs(dropped - 300)).toBeLessThan(75);
  });

  it("does nothing with p = 0, and names itself where p makes no sense", () => {
    const x = random([2, 3, 4]);
    expect(new Dropout1d(0).forward(x)).toBe(x);
    expect(() => new Dropout2d(1)).toThrow(/Dropout2d: p expects a probability from 0 to below 1, but received 1/);
  });
});

describe("Identity, Residual and Upsample", () => {
  it("hand through, add and repeat", () => {
    const x = tensor(new Float64Array([1, 2, 3, 4]), { shape: [1, 2, 2, 1] });
    expect(new Identity().forward(x)).toBe(x);
    expect(values(new Residual(new LeakyReLU(), new Identity()).forward(x))).toEqual([2, 4, 6, 8]);
    const body = new Linear(3, 3, float64());
    const y = random([2, 3]);
    const expected = values(body.forward(y)).map((v, i) => v + values(y)[i]!);
    expect(values(new Residual(body).forward(y))).toEqual(expected);
    expect(values(new Upsample(2).forward(x))).toEqual([1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
    expect(values(new Upsample([1, 3]).forward(x))).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
    const volume = new Upsample(2).forward(random([2, 1, 2, 3, 4]));
    expect(volume.shape).toEqual([2, 2, 4, 6, 4]);
    const two = tensor(new Float64Array([1, 2, 3, 4]), { shape: [1, 2, 2] });
    expect(values(new Upsample().forward(two))).toEqual([1, 2, 1, 2, 3, 4, 3, 4]);
  });

  it("make a single tensor when they enlarge, in one copy", () => {
    const device = cpuJs();
    const copies = vi.spyOn(device.backend.kernels, "copy");
    const x = ones([2, 3, 4, 5, 6], { device });
    const { storages } = device.memory();
    const y = new Upsample([2, 3, 2]).forward(x);
    expect(y.shape).toEqual([2, 6, 12, 10, 6]);
    expect(copies).toHaveBeenCalledTimes(1);
    expect(device.memory().storages).toBe(storages + 1);
    y.dispose();
    x.dispose();
    expect(device.memory().storages).toBe(0);
    copies.mockRestore();
  });

  it("refuse factors that make no sense", () => {
    expect(() => new Upsample(0)).toThrow(
      /Upsample: factor expects a positive integer, or one per spatial axis, but received 0/,
    );
    expect(() => new Upsample([2, 1.5])).toThrow(/factor expects a positive integer/);
    expect(() => new Upsample().forward(random([2, 2]))).toThrow(/x expects \[n, …spatial, channels\]/);
  });
});
