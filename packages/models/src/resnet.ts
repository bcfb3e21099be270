/** Residual networks (He et al. 2016): those for ImageNet as torchvision has them, and those of section 4.2 for CIFAR-10. */
import { relu, type Tensor, ValueError } from "@neurite/core";
import { expectInteger, expectOneOf, expectOptions } from "@neurite/core/expect";
import {
  BatchNorm2d,
  type Conv2d,
  GlobalAvgPool,
  type InitOptions,
  initialize,
  initKaimingNormal,
  initOptions,
  Linear,
  MaxPool2d,
  MOST_LAYERS,
  Module,
  Sequential,
} from "@neurite/layers";
import { CLASSIFIER, expectImages, type ImageClassifierOptions, widener } from "./images.js";
import { BasicBlock, Bottleneck, convolution, PaddedShortcut, projection } from "./resnet-blocks.js";

type Block = typeof BasicBlock | typeof Bottleneck;

/** Blocks of equal width, the first of which may halve the sides. */
function stage(
  block: Block,
  count: number,
  ins: number,
  width: number,
  stride: number,
  shortcut: "A" | "B",
  init: InitOptions,
): Sequential {
  const outs = width * block.expansion;
  const blocks = Array.from({ length: count }, (_, i) => {
    if (i > 0 || (stride === 1 && ins === outs)) return new block(i > 0 ? outs : ins, width, 1, null, init);
    const path = shortcut === "A" ? new PaddedShortcut(ins, outs, stride) : projection(ins, outs, stride, init);
    return new block(ins, width, stride, path, init);
  });
  return new Sequential(...blocks);
}

/** All filters start Kaiming-normal by their fan-out. */
function initializeFilters(model: Module, init: InitOptions): void {
  for (const parameter of Object.values(model.parameters())) {
    if (parameter.rank === 4) initialize(parameter, initKaimingNormal, { mode: "out", ...initOptions(init) });
  }
}

const CONFIGURATIONS = {
  18: { block: BasicBlock, counts: [2, 2, 2, 2] },
  34: { block: BasicBlock, counts: [3, 4, 6, 3] },
  50: { block: Bottleneck, counts: [3, 4, 6, 3] },
} as const;

/**
 * ResNet-18, -34 (basic blocks) and -50 (bottlenecks): 11,689,512, 21,797,672 and 25,557,032 parameters for 1000 classes.
 * Made for images of 224 × 224; sides of at least 32 do.
 * @example
 * new ResNet(18, { classes: 10 }).forward(images);           // [8, 224, 224, 3] → [8, 10]
 */
export class ResNet extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly maxpool: MaxPool2d;
  readonly layer1: Sequential;
  readonly layer2: Sequential;
  readonly layer3: Sequential;
  readonly layer4: Sequential;
  readonly avgpool: GlobalAvgPool;
  readonly fc: Linear;
  readonly inChannels: number;

  constructor(
    readonly depth: 18 | 34 | 50,
    options: ImageClassifierOptions = {},
  ) {
    super();
    expectOptions("ResNet", options, CLASSIFIER);
    const { classes = 1000, inChannels = 3, width = 1, ...init } = options;
    expectOneOf("ResNet", "depth", depth, Object.keys(CONFIGURATIONS).map(Number));
    const wide = widener("ResNet", width);
    const { block, counts } = CONFIGURATIONS[depth];
    const outs = (level: number) => wide(64 * 2 ** level) * block.expansion;
    const layer = (level: number) => {
      const ins = level === 0 ? wide(64) : outs(level - 1);
      return stage(block, counts[level]!, ins, wide(64 * 2 ** level), level === 0 ? 1 : 2, "B", init);
    };
    this.inChannels = inChannels;
    this.conv1 = convolution(inChannels, wide(64), 7, 2, init);
    this.bn1 = new BatchNorm2d(wide(64), init);
    this.maxpool = new MaxPool2d(3, { stride: 2, padding: 1 });
    this.layer1 = layer(0);
    this.layer2 = layer(1);
    this.layer3 = layer(2);
    this.layer4 = layer(3);
    this.avgpool = new GlobalAvgPool();
    this.fc = new Linear(outs(3), classes, init);
    initializeFilters(this, init);
  }

  /**
   * @param x [n, height, width, inChannels]
   * @returns logits [n, classes]
   */
  forward(x: Tensor): Tensor {
    expectImages("ResNet", x, this.inChannels, 32);
    const stem = this.maxpool.forward(relu(this.bn1.forward(this.conv1.forward(x))));
    const stages = [this.layer1, this.layer2, this.layer3, this.layer4];
    const features = stages.reduce((value, layer) => layer.forward(value), stem);
    return this.fc.forward(this.avgpool.forward(features));
  }
}

/**
 * ResNet-20, -32, -56 … of 6n + 2 layers for small images: three stages of n basic blocks with shortcuts that have no
 * parameters (option A): 269,722, 464,154 and 853,018 parameters for 10 classes.
 * @param depth 6n + 2 with n ≥ 1
 * @example
 * new CifarResNet(20).forward(images);                       // [128, 32, 32, 3] → [128, 10]
 */
export class CifarResNet extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly layer1: Sequential;
  readonly layer2: Sequential;
  readonly layer3: Sequential;
  readonly avgpool: GlobalAvgPool;
  readonly fc: Linear;
  readonly inChannels: number;

  constructor(
    readonly depth: number,
    options: ImageClassifierOptions = {},
  ) {
    super();
    expectOptions("CifarResNet", options, CLASSIFIER);
    const { classes = 10, inChannels = 3, width = 1, ...init } = options;
    expectInteger("CifarResNet", "depth", depth, 8, 6 * MOST_LAYERS + 2);
    const count = (depth - 2) / 6;
    if (!Number.isInteger(count)) {
      throw new ValueError({
        op: "CifarResNet",
        argument: "depth",
        expected: "6n + 2 with n ≥ 1: 8, 14, 20, 32, 44, 56, …",
        received: String(depth),
      });
    }
    const wide = widener("CifarResNet", width);
    const [a, b, c] = [wide(16), wide(32), wide(64)];
    this.inChannels = inChannels;
    this.conv1 = convolution(inChannels, a, 3, 1, init);
    this.bn1 = new BatchNorm2d(a, init);
    this.layer1 = stage(BasicBlock, count, a, a, 1, "A", init);
    this.layer2 = stage(BasicBlock, count, a, b, 2, "A", init);
    this.layer3 = stage(BasicBlock, count, b, c, 2, "A", init);
    this.avgpool = new GlobalAvgPool();
    this.fc = new Linear(c, classes, init);
    initializeFilters(this, init);
  }

  /**
   * @param x [n, height, width, inChannels]
   * @returns logits [n, classes]
   */
  forward(x: Tensor): Tensor {
    expectImages("CifarResNet", x, this.inChannels, 4);
    const stem = relu(this.bn1.forward(this.conv1.forward(x)));
    const features = [this.layer1, this.layer2, this.layer3].reduce((value, layer) => layer.forward(value), stem);
    return this.fc.forward(this.avgpool.forward(features));
  }
}
