/** One forward pass of each family at the size of its paper. */
import { inference } from "@neurite/autograd";
import { wasm } from "@neurite/backend-wasm";
import { type Device, Generator, normal, randomIntegers, type Tensor } from "@neurite/core";
import type { InitOptions, Module } from "@neurite/layers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AlexNet, ResNet, TransformerEncoderDecoder, VGG, WaveNet } from "../src/index.js";

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

const photo = () => [normal([1, 224, 224, 3], 0, 1, { device, generator: new Quick(1) })];
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
