/**
 * ADAM and its relatives (Jiang §8.4.1) on one task: 10,000 digits, one hidden layer, two epochs for each.
 *
 * One learning rate for each, none tuned for the last digit. Seed 1, test accuracy: Adagrad and Nesterov 93 %, SGD without
 * momentum 90 %, all others 92 %: two epochs of one seed do not tell more.
 */
import type { Generator } from "@neurite/core";
import { MLP } from "@neurite/models";
import { Adadelta, Adagrad, AdaMax, Adam, AdamW, type Optimizer, RMSProp, SGD } from "@neurite/optimizers";
import { slice } from "../classify.js";
import { accuracies, contest, curvesOf, ranking } from "../contest.js";
import { loadDigits, SIDE } from "../data/mnist.js";
import type { Example } from "../example.js";

type Parameters = ReturnType<MLP["parameters"]>;

const OPTIMIZERS: Readonly<Record<string, (parameters: Parameters) => Optimizer>> = {
  SGD: (parameters) => new SGD(parameters, { learningRate: 0.1 }),
  momentum: (parameters) => new SGD(parameters, { learningRate: 0.1, momentum: 0.9 }),
  Nesterov: (parameters) => new SGD(parameters, { learningRate: 0.1, momentum: 0.9, nesterov: true }),
  Adagrad: (parameters) => new Adagrad(parameters, { learningRate: 0.02 }),
  Adadelta: (parameters) => new Adadelta(parameters, { learningRate: 1 }),
  RMSProp: (parameters) => new RMSProp(parameters, { learningRate: 1e-3 }),
  Adam: (parameters) => new Adam(parameters, { learningRate: 2e-3 }),
  // the book's form: ε² inside the root
  "Adam book": (parameters) => new Adam(parameters, { learningRate: 2e-3, epsilonInside: true }),
  AdaMax: (parameters) => new AdaMax(parameters, { learningRate: 4e-3 }),
  AdamW: (parameters) => new AdamW(parameters, { learningRate: 2e-3, weightDecay: 0.01 }),
};

export const optimizers: Example = async (run) => {
  const { train, dev, test } = await loadDigits();
  const start = (generator: Generator) => new MLP([SIDE * SIDE, 128, 10], { generator });
  const outcomes = await contest(run, {
    train: slice(train, 0, 10_000),
    dev: slice(dev, 0, 1000),
    test,
    batchSize: 64,
    epochs: 2,
    points: 24,
    contenders: Object.fromEntries(
      Object.entries(OPTIMIZERS).map(([name, make]) => [
        name,
        () => {
          const model = start(run.generator.fork(0));
          return { model, optimizer: make(model.parameters()) };
        },
      ]),
    ),
  });
  run.picture("objective", curvesOf(outcomes, "objective", "One network, ten ways to descend", { logY: true }));
  run.picture("development", curvesOf(outcomes, "dev", "Accuracy on the way"));
  run.conclude(`Unseen digits after two epochs: ${ranking(outcomes)}.`);
  return accuracies(outcomes);
};
