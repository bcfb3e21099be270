/** One forward pass of each family at the size of its paper. */
import { inference } from "@neurite/autograd";
import { wasm } from "@neurite/backend-wasm";
import { type Device, Generator, normal, randomIntegers, type Tensor } from "@neurite/core";
import type { InitOptions, Module } from "@neurite/layers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  AlexNet,
  CifarResNet,
  FSMN,
  LeNet5,
  RecurrentEncoderDecoder,
  ResNet,
  RNNLanguageModel,
  TransformerEncoderDecoder,
  VGG,
  WaveNet,
} from "../src/index.js";

/** Cheap numbers, as good as any for weights: 10⁸ of them are drawn here. */
class Quick extends Generator {
  #last = 1;
  override uniform(): number {
    this.#last = (Math.imul(this.#last, 1664525) + 1013904223) | 0;
    return (this.#last >>> 8) * 2 ** -24;
  }
  /** Of deviation 1, uniform. */
  override normal(): number {
    return Math.sqrt(12) * (this.uniform() - 0.5);
  }
}

let device: Device;
beforeEach(async () => {
  device = await wasm();
});
afterEach(() => device.close());

const pictures = (side: number, channels: number) => [
  normal([1, side, side, channels], 0, 1, { device, generator: new Quick(1) }),
];
const photo = () => pictures(224, 3);
const text = (...lengths: number[]) =>
  lengths.map((length) => randomIntegers([1, length], 1, 256, { device, generator: new Generator(1) }));

const families: readonly [string, (init: InitOptions) => Module, () => Tensor[], number[]][] = [
  ["AlexNet", (init) => new AlexNet(init), photo, [1, 1000]],
  ["VGG-16", (init) => new VGG(16, init), photo, [1, 1000]],
  ["ResNet-18", (init) => new ResNet(18, init), photo, [1, 1000]],
  ["ResNet-50", (init) => new ResNet(50, init), photo, [1, 1000]],
  [
    "the base transformer: d = 512, 8 heads of o = 64, 37,000 tokens",
    (init) => new TransformerEncoderDecoder({ sourceTokens: 37_000, targetTokens: 37_000, tieWeights: "all", ...init }),
    () => text(25, 30),
    [1, 30, 37_000],
  ],
  ["WaveNet", (init) => new WaveNet(init), () => text(4000), [1, 4000, 256]],
  ["LeNet-5", (init) => new LeNet5(init), () => pictures(32, 1), [1, 10]],
  ["CIFAR ResNet-56", (init) => new CifarResNet(56, init), () => pictures(32, 3), [1, 10]],
  [
    // Zaremba et al. 2014: the medium network
    "a language model of two LSTM layers of 650, 10,000 words",
    (init) => new RNNLanguageModel({ tokens: 10_000, features: 650, layers: 2, ...init }),
    () => text(35),
    [1, 35, 10_000],
  ],
  [
    // Bahdanau et al. 2015
    "an encoder–decoder of 1000 GRU units with additive attention, 30,000 words",
    (init) =>
      new RecurrentEncoderDecoder({
        sourceTokens: 30_000,
        targetTokens: 30_000,
        cell: "gru",
        features: 620,
        hidden: 1000,
        attention: "additive",
        ...init,
      }),
    () => text(12, 15),
    [1, 15, 30_000],
  ],
  [
    // Zhang et al. 2015: acoustic frames in, states out
    "an FSMN of six layers of 2048, 41 taps",
    (init) => new FSMN({ inputs: 123, outputs: 8991, features: 2048, layers: 6, taps: 21, ahead: 20, ...init }),
    () => [normal([1, 50, 123], 0, 1, { device, generator: new Quick(1) })],
    [1, 50, 8991],
  ],
];

describe("at the paper's size", () => {
  it.each(families)(
    "%s gives finite logits that are not all alike",
    async (_, make, inputs, shape) => {
      const model = make({ device, generator: new Quick(1) }).eval() as Module & { forward(...xs: Tensor[]): Tensor };
      const y = inference((...xs: Tensor[]) => model.forward(...xs))(...inputs());
      expect(y.shape).toEqual(shape);
      const logits = await y.data();
      let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      let finite = true;
      for (const value of logits) {
        finite &&= Number.isFinite(value);
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
      expect(finite).toBe(true);
      expect(high).toBeGreaterThan(low);
    },
    60_000,
  );
});
