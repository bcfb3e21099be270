/** LeNet-5 (LeCun et al. 1998), as it is commonly built. */
import type { Tensor } from "@neurite/core";
import { expectOptions, expectSize, type OptionKinds } from "@neurite/core/expect";
import { AvgPool2d, Conv2d, Flatten, Linear, Module, Sequential, Tanh } from "@neurite/layers";
import { CLASSIFIER, expectImages, type ImageClassifierOptions, widener } from "./images.js";

export interface LeNet5Options extends ImageClassifierOptions {
  /** Height and width of the images, at least 12. Default 32. */
  readonly size?: number;
  /** Zeros around the images: 2 makes 28 × 28 digits the 32 × 32 of the paper. Default 0. */
  readonly padding?: number;
}

const OPTIONS: OptionKinds<LeNet5Options> = { ...CLASSIFIER, size: "size", padding: "count" };

/**
 * Two convolutions of 5 × 5 with tanh and average pooling, then 120, 84 and `classes` units: 61,706 parameters for 32 × 32
 * grey images and 10 classes. Against the paper, all 16 filters see all 6 maps, pooling has no weights, and the output is
 * linear.
 * @example
 * const net = new LeNet5({ size: 28, padding: 2 });
 * net.forward(digits);                           // [128, 28, 28, 1] → [128, 10]
 */
export class LeNet5 extends Module {
  readonly features: Sequential;
  readonly classifier: Sequential;
  readonly size: number;
  readonly inChannels: number;

  constructor(options: LeNet5Options = {}) {
    super();
    expectOptions("LeNet5", options, OPTIONS);
    const { classes = 10, inChannels = 1, width = 1, size = 32, padding = 0, ...init } = options;
    const wide = widener("LeNet5", width);
    // two valid convolutions of 5, each halved
    const side = Math.floor((Math.floor((size + 2 * padding - 4) / 2) - 4) / 2);
    expectSize("LeNet5", "size (what the second pooling leaves of it)", side);
    this.size = size;
    this.inChannels = inChannels;
    this.features = new Sequential(
      new Conv2d(inChannels, wide(6), 5, { padding, ...init }),
      new Tanh(),
      new AvgPool2d(2),
      new Conv2d(wide(6), wide(16), 5, init),
      new Tanh(),
      new AvgPool2d(2),
      new Flatten(),
    );
    this.classifier = new Sequential(
      new Linear(side * side * wide(16), wide(120), init),
      new Tanh(),
      new Linear(wide(120), wide(84), init),
      new Tanh(),
      new Linear(wide(84), classes, init),
    );
  }

  /**
   * @param x [n, size, size, inChannels]
   * @returns logits [n, classes]
   */
  forward(x: Tensor): Tensor {
    expectImages("LeNet5", x, this.inChannels, this.size);
    return this.classifier.forward(this.features.forward(x));
  }
}
