/** A residual network (Jiang §8.2.3; He et al. 2016) tells eight kinds of emoji apart, from colour images of 32 × 32. */
import { colorJitter, inTurn, randomCrop, randomFlip } from "@neurite/data";
import { CifarResNet } from "@neurite/models";
import { AdamW, cosineDecay, warmup } from "@neurite/optimizers";
import { curvesToSVG } from "@neurite/training";
import { classify, stepsOf, test } from "../classify.js";
import { EMOJI_CLASSES, EMOJI_SIDE, loadEmoji } from "../data/emoji.js";
import type { Example } from "../example.js";
import { confusion, imageOf, mistakes } from "../pictures/classes.js";
import { tile } from "../pictures/png.js";

export const resnetEmoji: Example = async (run) => {
  const { train, test: unseen } = await loadEmoji(run.generator);
  const classes = EMOJI_CLASSES.length;
  const model = new CifarResNet(20, { classes, width: 0.5, generator: run.generator });
  const plan = { train, batchSize: 64, epochs: 20 };
  const total = stepsOf(plan);
  const optimizer = new AdamW(model.parameters(), {
    learningRate: warmup(20, cosineDecay({ rate: 3e-3, total: total - 20 })),
    weightDecay: 0.05,
  });
  const augment = inTurn(
    randomFlip(),
    randomCrop(EMOJI_SIDE, EMOJI_SIDE, { padding: 3, fill: 1 }),
    colorJitter({ brightness: 0.1, contrast: 0.1 }),
  );
  const curves = await classify(run, { ...plan, model, optimizer, dev: unseen, augment, classes, labelSmoothing: 0.1 });
  const matrix = await test(model, unseen, classes);
  run.picture("curves", curvesToSVG(curves));
  run.picture("confusion", confusion(matrix.counts, EMOJI_CLASSES));
  run.picture("mistakes", await mistakes(model, unseen, 36));
  run.picture(
    "images",
    tile(
      Array.from({ length: 48 }, (_, i) => imageOf(train, i)),
      { columns: 12 },
    ),
  );
  return { testAccuracy: matrix.accuracy, testImages: unseen.labels.length, macroF1: matrix.f1() };
};
