/** Convolutional autoencoder: convolutions make images small, transposed convolutions make them large again (Jiang §8.6). */
import { reshape, type Tensor, ValueError } from "@neurite/core";
import { expectOptions, expectSize, type OptionKinds } from "@neurite/core/expect";
import {
  Conv2d,
  ConvTranspose2d,
  Flatten,
  INIT_OPTIONS,
  type InitOptions,
  type Layer,
  Linear,
  Module,
  ReLU,
  Sequential,
} from "@neurite/layers";
import { expectImages } from "./images.js";

export interface ConvAutoencoderOptions extends InitOptions {
  /** Height and width of the images; divisible by 2 for each entry of `channels`. Default 28. */
  readonly size?: number;
  /** Default 1. */
  readonly inChannels?: number;
  /** Channels after each halving. Default [16, 32]. */
  readonly channels?: readonly number[];
  /** Length of the code. Default 32. */
  readonly code?: number;
}

const OPTIONS: OptionKinds<ConvAutoencoderOptions> = {
  ...INIT_OPTIONS,
  size: "size",
  inChannels: "size",
  channels: "list",
  code: "size",
};

/**
 * Images to a code and back. `decode` gives logits: take `sigmoid` for pixels in [0, 1] with a binary cross-entropy, or train on
 * them as they are with the squared error.
 * @example
 * const net = new ConvAutoencoder({ code: 8 });
 * const logits = net.forward(digits);            // [128, 28, 28, 1] → the same
 * const drawn = sigmoid(net.decode(normal([16, 8])));
 */
export class ConvAutoencoder extends Module {
  readonly encoder: Sequential;
  readonly expand: Sequential;
  readonly decoder: Sequential;
  readonly size: number;
  readonly inChannels: number;
  readonly #small: readonly [side: number, side: number, channels: number];

  constructor(options: ConvAutoencoderOptions = {}) {
    super();
    expectOptions("ConvAutoencoder", options, OPTIONS);
    const { size = 28, inChannels = 1, channels = [16, 32], code = 32, ...init } = options;
    expectSize("ConvAutoencoder", "length of channels", channels.length);
    for (const [i, outs] of channels.entries()) expectSize("ConvAutoencoder", `channels[${i}]`, outs);
    const side = size / 2 ** channels.length;
    if (!Number.isInteger(side) || side < 1) {
      throw new ValueError({
        op: "ConvAutoencoder",
        argument: "size",
        expected: `a multiple of ${2 ** channels.length}, as it is halved ${channels.length} times`,
        received: String(size),
      });
    }
    const widths = [inChannels, ...channels];
    const last = channels.at(-1)!;
    const flat = side * side * last;
    const halve = { stride: 2, padding: 1, ...init };
    this.size = size;
    this.inChannels = inChannels;
    this.#small = [side, side, last];
    this.encoder = new Sequential(
      ...channels.flatMap((outs, i): Layer[] => [new Conv2d(widths[i]!, outs, 3, halve), new ReLU()]),
      new Flatten(),
      new Linear(flat, code, init),
    );
    this.expand = new Sequential(new Linear(code, flat, init), new ReLU());
    this.decoder = new Sequential(
      ...channels
        .map((_, i): Layer[] => [
          new ConvTranspose2d(widths[i + 1]!, widths[i]!, 3, { outputPadding: 1, ...halve }),
          ...(i > 0 ? [new ReLU()] : []),
        ])
        .reverse()
        .flat(),
    );
  }

  /** [n, size, size, inChannels] → [n, code] */
  encode(x: Tensor): Tensor {
    expectImages("ConvAutoencoder", x, this.inChannels, this.size);
    return this.encoder.forward(x);
  }

  /** [n, code] → logits [n, size, size, inChannels] */
  decode(code: Tensor): Tensor {
    return this.decoder.forward(reshape(this.expand.forward(code), [code.shape[0]!, ...this.#small]));
  }

  /** [n, size, size, inChannels] → logits of the same shape */
  forward(x: Tensor): Tensor {
    return this.decode(this.encode(x));
  }
}
