/** Residual blocks (He et al. 2016), with torchvision's names. Read next: `resnet.ts`. */
import { add, pad, relu, slice, type Tensor } from "@neurite/core";
import { BatchNorm2d, Conv2d, type InitOptions, type Layer, Module, Sequential } from "@neurite/layers";

/** A convolution without bias that keeps the side, or divides it by the stride. */
export const convolution = (ins: number, outs: number, size: number, stride: number, init: InitOptions): Conv2d =>
  new Conv2d(ins, outs, size, { stride, padding: (size - 1) / 2, bias: false, ...init });

/** Option B: a convolution of 1 × 1 with batch normalisation. */
export const projection = (ins: number, outs: number, stride: number, init: InitOptions): Layer =>
  new Sequential(convolution(ins, outs, 1, stride, init), new BatchNorm2d(outs, init));

/** Option A: every second position, and zeros for the channels that are more, half of them on each side. No parameters. */
export class PaddedShortcut extends Module {
  constructor(
    readonly channels: number,
    readonly outs: number,
    readonly stride: number,
  ) {
    super();
  }

  /** @param x [n, height, width, channels] */
  forward(x: Tensor): Tensor {
    const step = [null, null, this.stride] as const;
    const more = this.outs - this.channels;
    const before = Math.floor(more / 2);
    return pad(slice(x, [null, step, step]), [{}, {}, {}, { before, after: more - before }]);
  }
}

/** What a block is made of: channels coming in, its width, stride, and the shortcut where shapes change. */
type BlockArguments = [ins: number, width: number, stride: number, downsample: Layer | null, init: InitOptions];

/** relu(x + BN(conv(relu(BN(conv x))))), convolutions of 3 × 3: [n, h, w, ins] → [n, h / stride, w / stride, width]. */
export class BasicBlock extends Module {
  static readonly expansion = 1;
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly downsample: Layer | null;

  constructor(...[ins, width, stride, downsample, init]: BlockArguments) {
    super();
    this.conv1 = convolution(ins, width, 3, stride, init);
    this.bn1 = new BatchNorm2d(width, init);
    this.conv2 = convolution(width, width, 3, 1, init);
    this.bn2 = new BatchNorm2d(width, init);
    this.downsample = downsample;
  }

  forward(x: Tensor): Tensor {
    const y = relu(this.bn1.forward(this.conv1.forward(x)));
    const body = this.bn2.forward(this.conv2.forward(y));
    return relu(add(body, this.downsample ? this.downsample.forward(x) : x));
  }
}

/**
 * The same with three convolutions, of 1 × 1, 3 × 3 and 1 × 1, the last of four times the width. The stride is that of the
 * middle one, as in torchvision (the paper has it in the first).
 */
export class Bottleneck extends Module {
  static readonly expansion = 4;
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly conv3: Conv2d;
  readonly bn3: BatchNorm2d;
  readonly downsample: Layer | null;

  constructor(...[ins, width, stride, downsample, init]: BlockArguments) {
    super();
    this.conv1 = convolution(ins, width, 1, 1, init);
    this.bn1 = new BatchNorm2d(width, init);
    this.conv2 = convolution(width, width, 3, stride, init);
    this.bn2 = new BatchNorm2d(width, init);
    this.conv3 = convolution(width, 4 * width, 1, 1, init);
    this.bn3 = new BatchNorm2d(4 * width, init);
    this.downsample = downsample;
  }

  forward(x: Tensor): Tensor {
    const first = relu(this.bn1.forward(this.conv1.forward(x)));
    const second = relu(this.bn2.forward(this.conv2.forward(first)));
    const body = this.bn3.forward(this.conv3.forward(second));
    return relu(add(body, this.downsample ? this.downsample.forward(x) : x));
  }
}
