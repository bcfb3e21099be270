/** AlexNet in one tower (Krizhevsky 2014), as torchvision has it. */
import type { Tensor } from "@neurite/core";
import { expectOptions, type OptionKinds } from "@neurite/core/expect";
import {
  AdaptiveAvgPool2d,
  Conv2d,
  Dropout,
  Flatten,
  Linear,
  MaxPool2d,
  Module,
  ReLU,
  Sequential,
} from "@neurite/layers";
import { CLASSIFIER, expectImages, type ImageClassifierOptions, widener } from "./images.js";

export interface AlexNetOptions extends ImageClassifierOptions {
  /** Default 0.5. */
  readonly dropout?: number;
}

const OPTIONS: OptionKinds<AlexNetOptions> = { ...CLASSIFIER, dropout: "number" };

/**
 * Five convolutions and three fully connected layers, in the form of "One weird trick" (without the two towers and the
 * response normalisation of 2012): 61,100,840 parameters for 1000 classes. Made for images of 224 × 224; sides of at least
 * 63 do, as the last pooling always gives 6 × 6.
 * @example
 * new AlexNet({ classes: 10 }).forward(images);  // [8, 224, 224, 3] → [8, 10]
 */
export class AlexNet extends Module {
  readonly features: Sequential;
  readonly avgpool: AdaptiveAvgPool2d;
  readonly classifier: Sequential;
  readonly inChannels: number;

  constructor(options: AlexNetOptions = {}) {
    super();
    expectOptions("AlexNet", options, OPTIONS);
    const { classes = 1000, inChannels = 3, width = 1, dropout = 0.5, ...init } = options;
    const wide = widener("AlexNet", width);
    const pool = () => new MaxPool2d(3, { stride: 2 });
    const conv = (ins: number, outs: number, size: number, stride: number, padding: number) =>
      new Conv2d(ins, wide(outs), size, { stride, padding, ...init });
    this.inChannels = inChannels;
    this.features = new Sequential(
      conv(inChannels, 64, 11, 4, 2),
      new ReLU(),
      pool(),
      conv(wide(64), 192, 5, 1, 2),
      new ReLU(),
      pool(),
      conv(wide(192), 384, 3, 1, 1),
      new ReLU(),
      conv(wide(384), 256, 3, 1, 1),
      new ReLU(),
      conv(wide(256), 256, 3, 1, 1),
      new ReLU(),
      pool(),
    );
    this.avgpool = new AdaptiveAvgPool2d(6);
    this.classifier = new Sequential(
      new Flatten(),
      new Dropout(dropout, init),
      new Linear(36 * wide(256), wide(4096), init),
      new ReLU(),
      new Dropout(dropout, init),
      new Linear(wide(4096), wide(4096), init),
      new ReLU(),
      new Linear(wide(4096), classes, init),
    );
  }

  /**
   * @param x [n, height, width, inChannels]
   * @returns logits [n, classes]
   */
  forward(x: Tensor): Tensor {
    expectImages("AlexNet", x, this.inChannels, 63);
    return this.classifier.forward(this.avgpool.forward(this.features.forward(x)));
  }
}
