import { valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import { type Device, Parameter, scope, setDefaultDevice, sum, type Tensor, tensor } from "@neurite/core";
import { beforeAll, describe, expect, it } from "vitest";
import { Adam, SGD } from "../src/index.js";

let device: Device;
beforeAll(() => {
  device = cpuJs();
  setDefaultDevice(device);
});

describe("modules, lists and trees", () => {
  /** What a module is to an optimizer. */
  const moduleOf = (parameters: Record<string, Parameter>) => ({ parameters: () => parameters });
  const value = (x: number) => new Parameter(tensor([x]));

  it("are stepped as one: two modules whose parameters have the same names", () => {
    const [a, b] = [moduleOf({ weight: value(1) }), moduleOf({ weight: value(2) })];
    const trees = [[a, b], { a, b }, { a, others: [b] }] as const;
    const names = [
      ["0.weight", "1.weight"],
      ["a.weight", "b.weight"],
      ["a.weight", "others.0.weight"],
    ];
    for (const [i, tree] of trees.entries()) {
      const before = [a, b].map((one) => one.parameters().weight!.dataSync()[0]!);
      const optimizer = new SGD(tree, { learningRate: 1 });
      expect(Object.keys(optimizer.parameters)).toEqual(names[i]);
      const step = valueAndGrad(() => sum(a.parameters().weight!.mul(3).add(b.parameters().weight!.mul(5))), tree);
      optimizer.step(step().grads);
      const after = [a, b].map((one) => one.parameters().weight!.dataSync()[0]!);
      expect(after).toEqual([before[0]! - 3, before[1]! - 5]);
    }
  });

  it("may be one module, and one parameter", () => {
    const w = value(1);
    for (const tree of [w, moduleOf({ w }), [w]]) {
      const before = w.dataSync()[0]!;
      const optimizer = new SGD(tree, { learningRate: 1 });
      optimizer.step(valueAndGrad(() => sum(w.mul(2)), tree)().grads);
      expect(w.dataSync()[0]).toBe(before - 2);
    }
  });
});

it("an optimizer gives back its state when it is disposed, and leaves the parameters alone", () => {
  const own = cpuJs();
  setDefaultDevice(own);
  const parameters = { w: new Parameter(tensor([1, 2])), b: new Parameter(tensor([3])) };
  const optimizer = new Adam(parameters, { learningRate: 0.1 });
  expect(own.memory().storages).toBe(6);
  optimizer.dispose();
  expect(own.memory().storages).toBe(2);
  expect(Array.from(parameters.w.dataSync())).toEqual([1, 2]);
  expect(() => optimizer.step({ w: tensor([1, 1]), b: tensor([1]) })).toThrow(/its optimizer was disposed/);
  setDefaultDevice(device);
});

describe("every optimizer", () => {
  it("refuses the state of another kind", () => {
    const parameters = { w: new Parameter(tensor([1])) };
    const adam = new Adam(parameters);
    expect(() => adam.restore(new SGD(parameters, { learningRate: 1 }).state())).toThrow(/a value for m\.w/);
  });

  it("takes the rate of the schedule at each step", () => {
    const w = new Parameter(tensor([0]));
    const optimizer = new SGD({ w }, { learningRate: (step) => step + 1 });
    for (let t = 0; t < 3; t++) optimizer.step({ w: tensor([1]) });
    expect(w.itemSync()).toBe(-6);
  });
});

function expectClose(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  actual.forEach((value, i) => void expect(Math.abs(value - expected[i]!)).toBeLessThan(tolerance));
}

describe("clipping", () => {
  const after = (options: { clipNorm?: number; clipValue?: number }, gradients: number[]) => {
    const w = new Parameter(tensor([0, 0]));
    new SGD({ w }, { learningRate: 1, ...options }).step({ w: tensor(gradients) });
    return Array.from(w.dataSync(), (value) => -value);
  };

  it("by norm scales all gradients alike, and leaves small ones alone", () => {
    expectClose(after({ clipNorm: 1 }, [3, 4]), [0.6, 0.8], 1e-5);
    expectClose(after({ clipNorm: 10 }, [3, 4]), [3, 4], 1e-6);
    expectClose(after({ clipNorm: 1 }, [0, 0]), [0, 0], 1e-12);
  });

  it("by value cuts each element", () => {
    expectClose(after({ clipValue: 1 }, [3, -0.5]), [1, -0.5], 1e-12);
  });
});

it("trains through valueAndGrad without growing", () => {
  const parameters = { w: new Parameter(tensor([4, -3])) };
  const optimizer = new Adam(parameters, { learningRate: 0.1 });
  const step = valueAndGrad(() => scope(() => sum(parameters.w.mul(parameters.w)) as never) as Tensor, parameters);
  const counts = new Set<number>();
  for (let t = 0; t < 300; t++) {
    optimizer.step(step().grads);
    counts.add(device.memory().storages);
  }
  expect(counts.size).toBe(1);
  expect(Math.max(...parameters.w.dataSync().map(Math.abs))).toBeLessThan(0.05);
});
