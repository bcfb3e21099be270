import { cpuJs } from "@neurite/backend-cpu-js";
import { Generator, setDefaultDevice, type Tensor } from "@neurite/core";
import { describe, expect, it } from "vitest";
import {
  Conv2d,
  ConvTranspose2d,
  fans,
  gainOf,
  initConstant,
  initialize,
  initKaimingNormal,
  initKaimingUniform,
  initOrthogonal,
  initTruncatedNormal,
  initXavierNormal,
  initXavierUniform,
  Linear,
  MultiHeadAttention,
  Sequential,
} from "../src/index.js";
import { float64, values } from "./describe-layer.js";

setDefaultDevice(cpuJs());

const deviation = (x: Tensor) => Math.sqrt(values(x).reduce((total, v) => total + v * v, 0) / x.size);
const largest = (x: Tensor) => Math.max(...values(x).map(Math.abs));

describe("fans", () => {
  it("count the connections of a unit, by the names of the axes", () => {
    expect(fans([10, 20])).toEqual({ fanIn: 20, fanOut: 10 });
    expect(fans([3, 5, 8, 16])).toEqual({ fanIn: 8 * 15, fanOut: 16 * 15 });
    expect(fans([3, 5, 16, 8], { layout: "kh,kw,out,in" })).toEqual({ fanIn: 8 * 15, fanOut: 16 * 15 });
    expect(fans([30, 10], { layout: "3·out,in" })).toEqual({ fanIn: 10, fanOut: 30 });
    expect(() => fans([5])).toThrow(/fans: shape expects at least two axes, units in and out, but received \[5\]/);
  });
});

describe("initialisers", () => {
  const shape = [200, 300];
  const bounds = { xavier: Math.sqrt(6 / 500), kaiming: Math.sqrt(6 / 300) };

  it.each<[string, Tensor, number]>([
    ["Xavier", initXavierUniform(shape, float64()), bounds.xavier],
    [
      "Xavier with tanh's gain",
      initXavierUniform(shape, { gain: gainOf("tanh"), ...float64() }),
      (bounds.xavier * 5) / 3,
    ],
    ["Kaiming", initKaimingUniform(shape, float64()), bounds.kaiming],
    ["Kaiming by fan out", initKaimingUniform(shape, { mode: "out", ...float64() }), Math.sqrt(6 / 200)],
  ])("%s uniform fills its bounds evenly", (_, x, bound) => {
    expect(largest(x)).toBeLessThanOrEqual(bound);
    expect(largest(x)).toBeGreaterThan(0.999 * bound);
    // 60,000 draws: the deviation of a uniform variable is bound/√3
    expect(deviation(x) / (bound / Math.sqrt(3))).toBeCloseTo(1, 1.7);
  });

  it.each<[string, Tensor, number]>([
    ["Xavier", initXavierNormal(shape, float64()), Math.sqrt(2 / 500)],
    ["Kaiming", initKaimingNormal(shape, float64()), Math.sqrt(2 / 300)],
    [
      "Kaiming of a leaky ReLU",
      initKaimingNormal(shape, { gain: gainOf("leakyRelu", 0.5), ...float64() }),
      Math.sqrt(1.6 / 300),
    ],
  ])("%s normal has its deviation", (_, x, expected) => {
    expect(deviation(x) / expected).toBeCloseTo(1, 1.7);
    expect(largest(x)).toBeGreaterThan(3 * expected);
  });

  it("truncated normal stays within its bounds, and keeps the shape of the normal inside", () => {
    const x = initTruncatedNormal([60000], 0.5, float64());
    expect(largest(x)).toBeLessThanOrEqual(1);
    // variance of a normal cut at ±2: 1 − 4φ(2)/(2Φ(2) − 1) = 0.7737
    expect(deviation(x) / (0.5 * Math.sqrt(0.7737413))).toBeCloseTo(1, 1.7);
    const side = values(initTruncatedNormal([100], 1, { low: 0.5, high: 1, ...float64() }));
    expect(Math.min(...side)).toBeGreaterThanOrEqual(0.5);
    expect(Math.max(...side)).toBeLessThanOrEqual(1);
    expect(() => initTruncatedNormal([1], 1, { low: 2, high: 1 })).toThrow(/low and high expects low < high/);
    expect(() => initTruncatedNormal([1], 1, { low: 30, high: 31 })).toThrow(/received 30 and 31/);
  });

  it.each([
    [[4, 7], 4, 7],
    [[7, 4], 7, 4],
    [[1, 5], 1, 5],
    [[6, 6], 6, 6],
    [[2, 3, 4, 5], 24, 5],
  ])("orthogonal of %j has orthonormal rows or columns", (shape, rows, columns) => {
    const gain = 1.5;
    const x = initOrthogonal(shape, { gain, ...float64() });
    expect(x.shape).toEqual(shape);
    const data = values(x);
    const wide = rows <= columns;
    const entry = (i: number, k: number) => data[wide ? i * columns + k : k * columns + i]!;
    const [count, length] = [Math.min(rows, columns), Math.max(rows, columns)];
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < count; j++) {
        let dot = 0;
        for (let k = 0; k < length; k++) dot += entry(i, k) * entry(j, k);
        expect(dot).toBeCloseTo(i === j ? gain ** 2 : 0, 12);
      }
    }
  });

  it("give float32 on demand, and the same numbers from the same seed", () => {
    for (const make of [initOrthogonal, initXavierUniform, initKaimingNormal]) {
      const draw = () => make([3, 4], { generator: new Generator(5) });
      expect(draw().dtype).toBe("float32");
      expect(values(draw())).toEqual(values(draw()));
    }
    expect(values(initConstant([2], 0.25, { dtype: "float64" }))).toEqual([0.25, 0.25]);
    expect(() => initOrthogonal([2, 2], { dtype: "int32" })).toThrow(/float32 or float64/);
  });

  it("have PyTorch's gains", () => {
    expect(["linear", "sigmoid", "tanh", "relu", "selu"].map((name) => gainOf(name as "relu"))).toEqual([
      1,
      1,
      5 / 3,
      Math.SQRT2,
      0.75,
    ]);
    expect(gainOf("leakyRelu")).toBeCloseTo(Math.sqrt(2 / 1.0001), 14);
  });
});

describe("initialize", () => {
  it("gives a parameter a new value, by the axes of its layout", () => {
    const layers = [new Conv2d(4, 64, 3, float64()), new ConvTranspose2d(4, 64, 3, float64())];
    for (const { weight } of layers) {
      initialize(weight, initKaimingUniform, { mode: "out", generator: new Generator(1) });
      const bound = Math.sqrt(6 / (64 * 9));
      expect(largest(weight)).toBeLessThanOrEqual(bound);
      expect(largest(weight)).toBeGreaterThan(0.99 * bound);
      expect(weight.dtype).toBe("float64");
    }
  });

  it("gives all matrices of a module new values, and leaves vectors alone", () => {
    const net = new Sequential(new Linear(30, 20, float64()), new Linear(20, 10, float64()));
    const bias = values(net.parameters()["0.bias"]!);
    initialize(net, (shape, options) => initConstant(shape, 0.5, options));
    expect(new Set(values(net.parameters()["1.weight"]!))).toEqual(new Set([0.5]));
    expect(values(net.parameters()["0.bias"]!)).toEqual(bias);
    const attention = new MultiHeadAttention(64, 2, float64());
    initialize(attention.inProjWeight, initXavierUniform, { generator: new Generator(1) });
    expect(largest(attention.inProjWeight)).toBeGreaterThan(0.99 * Math.sqrt(6 / 256));
  });
});
