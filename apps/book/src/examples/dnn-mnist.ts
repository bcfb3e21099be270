/**
 * A fully connected network on MNIST (Jiang §8.2.2): ReLU layers with dropout between them.
 *
 * Seed 1: 98.3 % of 10,000 test images.
 */
import { MLP } from "@neurite/models";
import { Adam, cosineDecay } from "@neurite/optimizers";
import { curvesToSVG } from "@neurite/training";
import { classify, stepsOf, test } from "../classify.js";
import { loadDigits, SIDE } from "../data/mnist.js";
import { type Example, percent } from "../example.js";
import { confusion, DIGITS, mistakes } from "../pictures/classes.js";
import { type Pixels, stretched, tile } from "../pictures/png.js";

export const dnnMnist: Example = async (run) => {
  const { train, dev, test: unseen } = await loadDigits();
  const model = new MLP([SIDE * SIDE, 512, 256, 10], { dropout: 0.2, generator: run.generator });
  const plan = { train, batchSize: 128, epochs: 10 };
  const schedule = cosineDecay({ rate: 1e-3, total: stepsOf(plan) });
  const optimizer = new Adam(model.parameters(), { learningRate: schedule });
  const curves = await classify(run, { ...plan, model, optimizer, dev });
  const matrix = await test(model, unseen);
  run.picture("curves", curvesToSVG(curves));
  run.picture("confusion", confusion(matrix.counts, DIGITS));
  run.picture("mistakes", await mistakes(model, unseen));
  const weights = await Object.values(model.parameters())[0]!.data();
  const units = Array.from({ length: 64 }, (_, unit): Pixels => {
    const data = stretched(weights.subarray(unit * SIDE * SIDE, (unit + 1) * SIDE * SIDE));
    return { width: SIDE, height: SIDE, channels: 1, data };
  });
  run.picture("first-layer", tile(units, { columns: 16 }));
  run.conclude(
    `The fully connected network reads ${percent(matrix.accuracy)} of ${unseen.labels.length} unseen digits.`,
  );
  return { testAccuracy: matrix.accuracy, testImages: unseen.labels.length };
};
