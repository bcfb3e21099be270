import { Parameter, tensor } from "@neurite/core";
import { describe, expect, it } from "vitest";
import * as optimizers from "../src/index.js";
import { Adadelta, Adagrad, AdaMax, Adam, AdamW, Optimizer, RMSProp, SGD } from "../src/index.js";
import { describeOptimizer } from "./describe-optimizer.js";

const betas = [
  [{ betas: [1, 0.9] }, /betas expects numbers from 0 to below 1, but received 1/],
  [{ betas: [0.9, -0.1] }, /betas expects numbers from 0 to below 1/],
] as const;
const epsilon = [{ epsilon: -1 }, /epsilon expects a finite number/] as const;

const described: Record<string, () => void> = {
  SGD: () => {
    describeOptimizer("SGD", {
      make: (p, options) => new SGD(p, options),
      options: { learningRate: 0.1 },
      refused: [[{ momentum: -1 }, /momentum expects a finite number/]],
    });
    describeOptimizer("SGD with momentum", {
      make: (p, options) => new SGD(p, options),
      options: { learningRate: 0.05, momentum: 0.9 },
      refused: [
        [{ momentum: 0, nesterov: true }, /nesterov expects a momentum above 0/],
        [{ dampening: 0.1, nesterov: true }, /nesterov expects a momentum above 0 with it, and no dampening/],
        [{ dampening: -1 }, /dampening expects a finite number/],
      ],
    });
  },
  Adam: () => {
    describeOptimizer("Adam", {
      make: (p, options) => new Adam(p, options),
      options: { learningRate: 0.1 },
      refused: [...betas, epsilon],
    });
    describeOptimizer("Adam with AMSGrad and ε inside", {
      make: (p, options) => new Adam(p, options),
      options: { learningRate: 0.1, amsgrad: true, epsilonInside: true },
    });
  },
  AdamW: () =>
    describeOptimizer("AdamW", {
      make: (p, options) => new AdamW(p, options),
      options: { learningRate: 0.1, weightDecay: 0.001 },
      refused: betas,
    }),
  AdaMax: () =>
    describeOptimizer("AdaMax", {
      make: (p, options) => new AdaMax(p, options),
      options: { learningRate: 0.1 },
      refused: [...betas, epsilon],
    }),
  Adagrad: () =>
    describeOptimizer("Adagrad", {
      make: (p, options) => new Adagrad(p, options),
      options: { learningRate: 1, initialAccumulator: 0.1 },
      initial: 0.1,
      refused: [
        epsilon,
        [{ initialAccumulator: -1 }, /initialAccumulator expects a finite number/],
        [{ learningRateDecay: -1 }, /learningRateDecay expects a finite number/],
      ],
    }),
  Adadelta: () =>
    describeOptimizer("Adadelta", {
      make: (p, options) => new Adadelta(p, options),
      options: { learningRate: 1, epsilon: 1e-3 },
      refused: [epsilon, [{ rho: 1 }, /rho expects a number from 0 to below 1/]],
    }),
  RMSProp: () => {
    describeOptimizer("RMSProp", {
      make: (p, options) => new RMSProp(p, options),
      options: { learningRate: 0.02 },
      refused: [
        epsilon,
        [{ alpha: 1 }, /alpha expects a number from 0 to below 1/],
        [{ momentum: -1 }, /momentum expects a finite number/],
      ],
    });
    describeOptimizer("RMSProp, centered, with momentum", {
      make: (p, options) => new RMSProp(p, options),
      options: { learningRate: 0.01, centered: true, momentum: 0.5, epsilon: 0.1 },
      tolerance: 0.05,
    });
  },
};

for (const describeOne of Object.values(described)) describeOne();

describe("the contract", () => {
  it("covers every exported optimizer", () => {
    const exported = Object.entries(optimizers)
      .filter(([, value]) => typeof value === "function" && value.prototype instanceof Optimizer)
      .map(([name]) => name);
    expect(exported.sort()).toEqual(Object.keys(described).sort());
  });

  it("lets a group choose any option of its rule, the first that fits counts", () => {
    const parameters = { w: new Parameter(tensor([1])), bias: new Parameter(tensor([1])) };
    const optimizer = new SGD(parameters, {
      learningRate: 0.1,
      groups: [
        { where: (name) => name === "bias", momentum: 0.5, learningRate: (step) => step + 1 },
        { where: (_, { rank }) => rank === 1, weightDecay: 0.5 },
      ],
    });
    for (let t = 0; t < 2; t++) optimizer.step({ w: tensor([1]), bias: tensor([1]) });
    // bias: 1 − 1·1 − 2·1.5; w: 1 − 0.1·1.5 = 0.85, then 0.85 − 0.1·1.425
    expect(parameters.bias.itemSync()).toBe(-3);
    expect(parameters.w.itemSync()).toBeCloseTo(0.7075, 6);
    expect(Object.keys(optimizer.state().tensors)).toEqual(["u.bias"]);
    expect(optimizer.rate).toBe(0.1);
  });
});
