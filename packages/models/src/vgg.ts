/** VGG (Simonyan & Zisserman 2015), as torchvision has it. */
import type { Tensor } from "@neurite/core";
import { expectOneOf, expectOptions, type OptionKinds } from "@neurite/core/expect";
import {
  AdaptiveAvgPool2d,
  BatchNorm2d,
  Conv2d,
  Dropout,
  Flatten,
  initConstant,
  initialize,
  initKaimingNormal,
  initOptions,
  type Layer,
  Linear,
  MaxPool2d,
  Module,
  ReLU,
  Sequential,
} from "@neurite/layers";
import { CLASSIFIER, expectImages, type ImageClassifierOptions, widener } from "./images.js";

/** Convolutions in each of the five stages, between which the sides are halved: the paper's A, B, D and E. */
const STAGES = {
  11: [1, 1, 2, 2, 2],
  13: [2, 2, 2, 2, 2],
  16: [2, 2, 3, 3, 3],
  19: [2, 2, 4, 4, 4],
} as const;
const WIDTHS = [64, 128, 256, 512, 512] as const;

export interface VGGOptions extends ImageClassifierOptions {
  /** Batch normalisation after each convolution. Default false. */
  readonly batchNorm?: boolean;
  /** Default 0.5. */
  readonly dropout?: number;
}

const OPTIONS: OptionKinds<VGGOptions> = { ...CLASSIFIER, batchNorm: "boolean", dropout: "number" };

/**
 * Convolutions of 3 × 3 in five stages, then three fully connected layers. Parameters for 1000 classes: 132,863,336 (11
 * layers), 133,047,848 (13), 138,357,544 (16) and 143,667,240 (19). Made for images of 224 × 224; sides of at least 32 do.
 * Filters start Kaiming-normal by their fan-out, with zero biases.
 * @example
 * new VGG(16, { classes: 10, batchNorm: true }).forward(images);       // [8, 224, 224, 3] → [8, 10]
 */
export class VGG extends Module {
  readonly features: Sequential;
  readonly avgpool: AdaptiveAvgPool2d;
  readonly classifier: Sequential;
  readonly inChannels: number;

  constructor(
    readonly depth: 11 | 13 | 16 | 19,
    options: VGGOptions = {},
  ) {
    super();
    expectOptions("VGG", options, OPTIONS);
    const { classes = 1000, inChannels = 3, width = 1, batchNorm = false, dropout = 0.5, ...init } = options;
    expectOneOf("VGG", "depth", depth, Object.keys(STAGES).map(Number));
    const wide = widener("VGG", width);
    this.inChannels = inChannels;
    let channels = inChannels;
    const convolution = (outs: number): Layer[] => {
      const conv = new Conv2d(channels, outs, 3, { padding: 1, ...init });
      initialize(conv.weight, initKaimingNormal, { mode: "out", ...initOptions(init) });
      initialize(conv.bias!, (shape, options) => initConstant(shape, 0, options));
      channels = outs;
      return [conv, ...(batchNorm ? [new BatchNorm2d(outs, init)] : []), new ReLU()];
    };
    const features = STAGES[depth].flatMap((count, stage) => [
      ...Array.from({ length: count }, () => convolution(wide(WIDTHS[stage]!))).flat(),
      new MaxPool2d(2),
    ]);
    this.features = new Sequential(...features);
    this.avgpool = new AdaptiveAvgPool2d(7);
    this.classifier = new Sequential(
      new Flatten(),
      new Linear(49 * channels, wide(4096), init),
      new ReLU(),
      new Dropout(dropout, init),
      new Linear(wide(4096), wide(4096), init),
      new ReLU(),
      new Dropout(dropout, init),
      new Linear(wide(4096), classes, init),
    );
  }

  /**
   * @param x [n, height, width, inChannels]
   * @returns logits [n, classes]
   */
  forward(x: Tensor): Tensor {
    expectImages("VGG", x, this.inChannels, 32);
    return this.classifier.forward(this.avgpool.forward(this.features.forward(x)));
  }
}
