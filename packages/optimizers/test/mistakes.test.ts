/** What optimizers, clipping, averages and schedules are given by mistake, and what they say to it. */
import { cpuJs } from "@neurite/backend-cpu-js";
import { Parameter, setDefaultDevice, tensor, zeros } from "@neurite/core";
import { Linear, ReLU } from "@neurite/layers";
import { describe, expect, it } from "vitest";
import {
  Adam,
  clipByGlobalNorm,
  clipByValue,
  constantRate,
  GradientSum,
  globalNorm,
  ReduceOnPlateau,
  SGD,
  WeightAverage,
} from "../src/index.js";

setDefaultDevice(cpuJs());

const own = () => ({ w: new Parameter(tensor([1, 2])) });
const grads = () => ({ w: tensor([1, 1]) });
const plain = (options = {}) => new SGD(own(), { learningRate: 1, ...options });
/** A value that its type would not allow. */
const wrong = (value: unknown) => value as never;

const mistakes: readonly [string, () => unknown, RegExp][] = [
  ["no parameters", () => new Adam({}), /parameters expects modules or parameters, but received none.*Give the model/],
  [
    "a model without parameters",
    () => new Adam(new ReLU()),
    /parameters expects modules or parameters, but received none/,
  ],
  [
    "a parameter twice",
    () => {
      const w = new Parameter(tensor([1]));
      new Adam({ a: w, b: [w] });
    },
    /optimizer: parameters expects each tensor once, but received one as a and as b\.0/,
  ],
  [
    "modules that share a parameter",
    () => {
      const shared = new Linear(2, 2);
      new SGD([shared, shared], { learningRate: 1 });
    },
    /one as 0\.weight and as 1\.weight.*a shared tensor once/,
  ],
  ["nothing for parameters", () => new Adam(wrong(undefined)), /parameters expects.*received undefined/],
  ["tensors for parameters", () => new Adam(wrong({ w: tensor([1]) })), /parameters expects.*received a plain tensor/],
  ["no options", () => new SGD(own(), wrong(undefined)), /optimizer: options expects an object with the learning rate/],
  ["a word for a rate", () => plain({ learningRate: "0.1" }), /learningRate expects a finite number, 0 or above/],
  [
    "another form of weight decay",
    () => plain({ weightDecay: 1, weightDecayForm: "l1" }),
    /weightDecayForm expects l2, decoupled or book, but received "l1"/,
  ],
  [
    "one β",
    () => new Adam(own(), { betas: wrong([0.9]) }),
    /Adam: betas expects two numbers, but received an array \[0.9\]/,
  ],
  [
    "a schedule that ends",
    () => plain({ learningRate: (step: number) => [0.1][step + 1] }).step(grads()),
    /learningRate at step 0 expects a finite number, 0 or above, but received undefined/,
  ],
  ["no gradients", () => plain().step(wrong(undefined)), /step: grads expects gradients by name/],
  ["an array for a gradient", () => plain().step(wrong({ w: [1, 1] })), /grads\[w\] expects a tensor.*an array/],
  [
    "a negative number of steps",
    () => plain().restore({ steps: -1, tensors: {} }),
    /restore: steps expects an integer, 0 or above, but received -1/,
  ],
  [
    "a state of another dtype",
    () => {
      const half = { "m.w": zeros([2], { dtype: "float64" }), "v.w": zeros([2]) };
      new Adam(own()).restore({ steps: 1, tensors: half });
    },
    /restore: m\.w expects float32, but received float64/,
  ],
  ["no gradient to clip", () => clipByGlobalNorm({}, 1), /clipByGlobalNorm: grads expects at least one gradient/],
  ["no gradient to measure", () => globalNorm({}), /globalNorm: grads expects at least one gradient/],
  ["a negative norm", () => clipByGlobalNorm(grads(), -1), /clipByGlobalNorm: maxNorm expects a number, 0 or above/],
  ["a limit of NaN", () => clipByValue(grads(), Number.NaN), /clipByValue: limit expects.*received NaN/],
  [
    "gradients of other parameters",
    () => {
      const sum = new GradientSum();
      sum.add(grads());
      sum.add({ v: tensor([1]) });
    },
    /GradientSum.add: grads expects gradients named as those before: w, but received v/,
  ],
  ["an average of nothing", () => new WeightAverage({}), /WeightAverage: parameters expects.*received none/],
  [
    "a decay above 1",
    () => new WeightAverage(own(), { decay: () => 3 }).update(),
    /WeightAverage: decay expects a number from 0 to below 1, but received 3/,
  ],
  [
    "an average without its state",
    () => new WeightAverage(own()).restore(wrong({ updates: 1 })),
    /WeightAverage.restore: state expects a value for w/,
  ],
  ["a rate of NaN", () => constantRate(Number.NaN), /constantRate: rate expects a finite number/],
  ["a plateau of nothing", () => new ReduceOnPlateau({ rate: wrong(undefined) }), /rate expects a finite number/],
  [
    "a plateau of another mode",
    () => new ReduceOnPlateau({ rate: 0.1, mode: wrong("avg") }),
    /ReduceOnPlateau: mode expects min or max, but received "avg"/,
  ],
];

describe("a mistake", () => {
  it.each(mistakes)("is explained: %s", (_, call, message) => {
    expect(call).toThrow(message);
  });

  it("in gradients leaves a sum as it was", () => {
    const sum = new GradientSum();
    sum.add(grads());
    expect(() => sum.add({ v: tensor([1]) })).toThrow();
    expect(sum.count).toBe(1);
    expect(Array.from(sum.mean().w!.dataSync())).toEqual([1, 1]);
  });
});
