/**
 * A convolutional network on MNIST (Jiang §8.2.3): convolutions, ReLU and max-pooling, then full connections.
 *
 * Seed 1: 99.1 % of 10,000 test images.
 */
import { fromHost, reshape, type Tensor } from "@neurite/core";
import { Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sequential } from "@neurite/layers";
import { Adam, cosineDecay } from "@neurite/optimizers";
import { curvesToSVG } from "@neurite/training";
import { classify, stepsOf, test } from "../classify.js";
import { loadDigits } from "../data/mnist.js";
import { type Example, percent } from "../example.js";
import { confusion, DIGITS, imageOf, mistakes } from "../pictures/classes.js";
import { type Pixels, stretched, tile } from "../pictures/png.js";

/** Of the first layer; the second has twice as many. */
const FILTERS = 16;

export const cnnMnist: Example = async (run) => {
  const { train, dev, test: unseen } = await loadDigits();
  const { generator } = run;
  const first = new Conv2d(1, FILTERS, 5, { generator });
  const model = new Sequential(
    first,
    new ReLU(),
    new MaxPool2d(2),
    new Conv2d(FILTERS, 2 * FILTERS, 5, { generator }),
    new ReLU(),
    new MaxPool2d(2),
    new Flatten(),
    new Linear(4 * 4 * 2 * FILTERS, 128, { generator }),
    new ReLU(),
    new Dropout(0.4, { generator }),
    new Linear(128, 10, { generator }),
  );
  const plan = { train, batchSize: 128, epochs: 5 };
  const schedule = cosineDecay({ rate: 2e-3, total: stepsOf(plan) });
  const optimizer = new Adam(model.parameters(), { learningRate: schedule });
  const curves = await classify(run, { ...plan, model, optimizer, dev });
  const matrix = await test(model, unseen);
  run.picture("curves", curvesToSVG(curves));
  run.picture("confusion", confusion(matrix.counts, DIGITS));
  run.picture("mistakes", await mistakes(model, unseen));
  run.picture("filters", await plies(first.weight, 5));
  const digit = imageOf(unseen, 0);
  const x = fromHost(Float32Array.from(digit.data), "float32", [1, 28, 28, 1]);
  const maps = first.forward(x);
  run.picture("feature-plies", await plies(maps, 24));
  for (const tensor of [x, maps]) tensor.dispose();
  run.conclude(`The convolutional network reads ${percent(matrix.accuracy)} of ${unseen.labels.length} unseen digits.`);
  return { testAccuracy: matrix.accuracy, testImages: unseen.labels.length };
};

/** The plies of filters [5, 5, 1, plies] or of feature maps [1, 24, 24, plies] as images. */
async function plies(x: Tensor, side: number): Promise<Pixels> {
  const data = await reshape(x, [side * side, FILTERS]).data();
  const images = Array.from({ length: FILTERS }, (_, ply): Pixels => {
    const own = Float32Array.from({ length: side * side }, (_, i) => data[i * FILTERS + ply]!);
    return { width: side, height: side, channels: 1, data: stretched(own) };
  });
  return tile(images, { columns: 8, scale: side < 10 ? 12 : 2 });
}
