import { valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import {
  type Device,
  greater,
  mean,
  Parameter,
  setDefaultDevice,
  square,
  sub,
  type Tensor,
  tensor,
} from "@neurite/core";
import { beforeEach, describe, expect, it } from "vitest";
import { equalDecay, GradientSum, SGD, WeightAverage } from "../src/index.js";

let device: Device;
beforeEach(() => {
  device = cpuJs();
  setDefaultDevice(device);
});

const make = (...values: number[]) => ({ w: new Parameter(tensor(Float64Array.from(values))) });
const set = ({ w }: { w: Parameter }, ...values: number[]) => w.assign(tensor(Float64Array.from(values)));

describe("WeightAverage", () => {
  it("copies the first weights, then decays", () => {
    const parameters = make(1, 2);
    const average = new WeightAverage(parameters, { decay: 0.75 });
    average.update();
    set(parameters, 5, -2);
    average.update();
    average.swap();
    expect([...parameters.w.dataSync()]).toEqual([2, 1]);
    average.swap();
    expect([...parameters.w.dataSync()]).toEqual([5, -2]);
    expect(average.updates).toBe(2);
  });

  it("gives all steps the same weight with equalDecay", () => {
    const parameters = make(0);
    const average = new WeightAverage(parameters, { decay: equalDecay });
    for (const value of [3, 5, 10, -2]) {
      set(parameters, value);
      average.update();
    }
    average.swap();
    expect(parameters.w.itemSync()).toBeCloseTo(4, 12);
  });

  it("lends the averages for as long as a function runs, even a failing one", async () => {
    const parameters = make(1);
    const average = new WeightAverage(parameters, { decay: 0.5 });
    average.update();
    set(parameters, 3);
    average.update();
    expect(await average.during(async () => parameters.w.itemSync())).toBe(2);
    const failing = average.during(async () => {
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(parameters.w.itemSync()).toBe(3);
  });

  it("changes nothing where `when` is false, continues from its state, and leaks nothing", () => {
    const parameters = make(1, 2);
    const average = new WeightAverage(parameters, { decay: 0.75 });
    average.update();
    set(parameters, 9, 9);
    const when = greater(tensor(0), 1);
    const before = device.memory().storages;
    average.update({ when });
    expect([...average.state().tensors.w!.dataSync()]).toEqual([1, 2]);
    const other = new WeightAverage(parameters, { decay: 0.75 });
    other.restore(average.state());
    other.update();
    average.update();
    expect(other.state().tensors.w!.dataSync()).toEqual(average.state().tensors.w!.dataSync());
    average.swap();
    average.swap();
    // the other average's value is the one storage more
    expect(device.memory().storages).toBe(before + 1);
  });

  it("refuses impossible decays, foreign states and swapping before the first update", () => {
    expect(() => new WeightAverage(make(1), { decay: 1 })).toThrow(/decay expects a number from 0 to below 1/);
    const average = new WeightAverage(make(1));
    expect(() => average.swap()).toThrow(/averages expects at least one update/);
    expect(() => average.restore({ updates: 1, tensors: {} })).toThrow(/a value for w/);
    expect(() => average.restore({ updates: 1, tensors: { w: tensor([1, 2]) } })).toThrow(/expects shape \[1\]/);
  });
});

describe("GradientSum", () => {
  it("gives the gradient of the large batch from its parts, and leaks nothing", () => {
    const parameters = make(0.5);
    const run = valueAndGrad((x: Tensor) => mean(square(sub(x.mul(parameters.w), 1))), parameters);
    const batch = (...values: number[]) => tensor(Float64Array.from(values));
    const [whole, first, second] = [batch(1, 2, 3, 4), batch(1, 2), batch(3, 4)];
    const expected = run(whole).grads.w.itemSync();
    const sum = new GradientSum();
    sum.add(run(first).grads);
    sum.add(run(second).grads);
    expect(sum.count).toBe(2);
    const mean2 = sum.mean();
    expect(mean2.w!.itemSync()).toBeCloseTo(expected, 12);
    expect(sum.count).toBe(0);
    const optimizer = new SGD(parameters, { learningRate: 1 });
    optimizer.step(mean2);
    const before = device.memory().storages;
    for (let i = 0; i < 3; i++) {
      for (const part of [first, second]) sum.add(run(part).grads);
      optimizer.step(sum.mean());
    }
    sum.add(run(first).grads);
    sum.dispose();
    expect(device.memory().storages).toBe(before);
    expect(() => sum.mean()).toThrow(/at least one, but received none/);
  });
});
