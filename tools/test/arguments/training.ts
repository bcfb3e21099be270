// Valid calls of losses and optimizers.

import { Parameter, type Tensor } from "@neurite/core";
import * as losses from "@neurite/losses";
import * as optimizers from "@neurite/optimizers";
import { type Calls, options, some, whole } from "./walk.js";

const reduction = { reduction: "mean" } as const;
const pair = () => [some([2, 3]), some([2, 3])];
const classes = () => [some([2, 4]), some([2], "int32")];

export const LOSSES: Calls = {
  mseLoss: { run: losses.mseLoss, args: () => [...pair(), options({ ...reduction })] },
  l1Loss: { run: losses.l1Loss, args: () => [...pair(), options({ ...reduction })] },
  smoothL1Loss: { run: losses.smoothL1Loss, args: () => [...pair(), options({ ...reduction, beta: 1 })] },
  huberLoss: { run: losses.huberLoss, args: () => [...pair(), options({ ...reduction, delta: 1 })] },
  bceLoss: { run: losses.bceLoss, args: () => [...pair(), options({ ...reduction })] },
  hingeLoss: { run: losses.hingeLoss, args: () => [...pair(), options({ ...reduction })] },
  bceWithLogitsLoss: {
    run: losses.bceWithLogitsLoss,
    args: () => [...pair(), options({ ...reduction, posWeight: some([3]) })],
  },
  klDivLoss: { run: losses.klDivLoss, args: () => [...pair(), options({ reduction: "batchMean", logTarget: true })] },
  crossEntropyLoss: {
    run: losses.crossEntropyLoss,
    args: () => [
      ...classes(),
      options({ ...reduction, ignoreIndex: whole(0), labelSmoothing: 0.1, weight: some([4]) }),
    ],
  },
  nllLoss: {
    run: losses.nllLoss,
    args: () => [...classes(), options({ ...reduction, ignoreIndex: whole(0), weight: some([4]) })],
  },
  cosineSimilarity: { run: losses.cosineSimilarity, args: () => [...pair(), whole(0)] },
  cosineEmbeddingLoss: {
    run: losses.cosineEmbeddingLoss,
    args: () => [...pair(), some([2]), options({ ...reduction, margin: 0.5 })],
  },
  l2Penalty: { run: losses.l2Penalty, args: () => [{ w: some([2]) }, 0.1] },
};

const parameters = () => ({ w: new Parameter(some([2])) });
const rule = { learningRate: 0.1, weightDecay: 0.1, weightDecayForm: "decoupled", clipNorm: 1, clipValue: 1 } as const;
type Made = new (parameters: never, options: never) => optimizers.Optimizer;
const optimizer = (Made: unknown, own: object) => ({
  run: (named: never, given: never) => {
    const made = new (Made as Made)(named, given);
    made.step({ w: some([2]) });
  },
  args: () => [parameters(), options({ ...rule, ...own, groups: [{ where: (name: string) => name === "w" }] })],
});

export const OPTIMIZERS: Calls = {
  SGD: optimizer(optimizers.SGD, { momentum: 0.9, dampening: 0.1, nesterov: false }),
  Adam: optimizer(optimizers.Adam, { betas: [0.9, 0.99], epsilon: 1e-8, epsilonInside: true, amsgrad: true }),
  AdamW: optimizer(optimizers.AdamW, { betas: [0.9, 0.99], epsilon: 1e-8 }),
  AdaMax: optimizer(optimizers.AdaMax, { betas: [0.9, 0.99], epsilon: 1e-8 }),
  Adagrad: optimizer(optimizers.Adagrad, { learningRateDecay: 0.1, initialAccumulator: 0.1, epsilon: 1e-8 }),
  Adadelta: optimizer(optimizers.Adadelta, { rho: 0.9, epsilon: 1e-6, previousRoot: true }),
  RMSProp: optimizer(optimizers.RMSProp, { alpha: 0.9, momentum: 0.5, centered: true }),
  clipByGlobalNorm: {
    run: optimizers.clipByGlobalNorm,
    args: () => [{ w: some([2]) }, 1, options({ keepGrads: true })],
  },
  clipByValue: { run: optimizers.clipByValue, args: () => [{ w: some([2]) }, 1, options({ keepGrads: true })] },
  globalNorm: { run: optimizers.globalNorm, args: () => [{ w: some([2]) }] },
  WeightAverage: {
    run: (named: never, given: never) => new optimizers.WeightAverage(named, given).update(),
    args: () => [parameters(), options({ decay: 0.9 })],
  },
  GradientSum: { run: (grads: never) => new optimizers.GradientSum().add(grads), args: () => [{ w: some([2]) }] },
  ReduceOnPlateau: {
    run: (given: never) => new optimizers.ReduceOnPlateau(given),
    args: () => [
      options({ rate: 0.1, mode: "min", factor: 0.5, patience: 2, threshold: 0.1, cooldown: 0, minimum: 0 }),
    ],
  },
  "Optimizer, its step": {
    run: (grads: Record<string, Tensor>, given: object) =>
      new optimizers.SGD(parameters(), { learningRate: 0.1 }).step(grads, given),
    args: () => [{ w: some([2]) }, options({ keepGrads: true })],
  },
  constantRate: { run: optimizers.constantRate, args: () => [0.1] },
  stepDecay: { run: optimizers.stepDecay, args: () => [options({ rate: 0.1, every: 2, factor: 0.5 })] },
  multiStepDecay: {
    run: optimizers.multiStepDecay,
    args: () => [options({ rate: 0.1, milestones: [1, 2], factor: 0.5 })],
  },
  exponentialDecay: { run: optimizers.exponentialDecay, args: () => [options({ rate: 0.1, factor: 0.5, every: 2 })] },
  linearDecay: { run: optimizers.linearDecay, args: () => [options({ rate: 0.1, total: 4, end: 0 })] },
  cosineDecay: { run: optimizers.cosineDecay, args: () => [options({ rate: 0.1, total: 4, end: 0 })] },
  cosineRestarts: {
    run: optimizers.cosineRestarts,
    args: () => [options({ rate: 0.1, period: 4, growth: 2, end: 0 })],
  },
  inverseSqrt: { run: optimizers.inverseSqrt, args: () => [options({ width: 4, warmup: 2, scale: 1 })] },
  oneCycle: {
    run: optimizers.oneCycle,
    args: () => [options({ peak: 0.1, total: 10, rising: 0.3, startDivisor: 25, endDivisor: 1e4 })],
  },
  warmup: { run: optimizers.warmup, args: () => [2, () => 0.1] },
  inSequence: { run: optimizers.inSequence, args: () => [[{ schedule: () => 0.1, steps: 2 }]] },
  perEpoch: { run: optimizers.perEpoch, args: () => [2, () => 0.1] },
  warmupLinear: { run: optimizers.warmupLinear, args: () => [options({ peak: 0.1, warmup: 2, total: 4, end: 0 })] },
  warmupExponential: {
    run: optimizers.warmupExponential,
    args: () => [options({ peak: 0.1, warmup: 2, halfLife: 4 })],
  },
};

/** What those who write an optimizer use. */
export const OPTIMIZERS_TRUSTED: readonly string[] = ["updateRule", "ruleFamily", "withDefaults", "equalDecay"];
