import { cpuJs } from "@neurite/backend-cpu-js";
import {
  type Device,
  defaultGenerator,
  Generator,
  ones,
  type Shape,
  setDefaultDevice,
  tensor,
  zeros,
} from "@neurite/core";
import {
  Conv1d,
  ConvTranspose1d,
  Linear,
  MaxPool1d,
  type Module,
  MultiHeadAttention,
  Sequential,
  WeightNorm,
} from "@neurite/layers";
import { beforeAll, describe, expect, it } from "vitest";
import {
  AlexNet,
  CifarResNet,
  dryDevice,
  LeNet5,
  MLP,
  ResNet,
  RNNLanguageModel,
  type SummaryInput,
  summary,
  TransformerEncoderDecoder,
  TransformerLanguageModel,
  VGG,
  WaveNet,
} from "../src/index.js";
import { values } from "./describe-model.js";

let device: Device;
beforeAll(() => {
  device = cpuJs();
  setDefaultDevice(device);
});

const dry = () => ({ device: dryDevice() });
const photo: Shape = [1, 224, 224, 3];
const tokens = (...shape: number[]): SummaryInput => ({ shape, dtype: "int32" });

/** Sides [in, out] with bias. */
const dense = (...sizes: number[]) => sizes.slice(1).reduce((sum, size, i) => sum + size * (sizes[i]! + 1), 0);
/** A transformer layer of d features: `attentions` of four d × d matrices, the feed-forward net, as many normalisations and one. */
const transformerLayer = (d: number, hidden: number, attentions: number) =>
  attentions * 4 * dense(d, d) + dense(d, hidden, d) + (attentions + 1) * 2 * d;

type Count = readonly [name: string, count: number, make: () => Module, input: Shape | readonly SummaryInput[]];
const counts: readonly Count[] = [
  ["AlexNet", 61_100_840, () => new AlexNet(dry()), photo],
  ["VGG-11", 132_863_336, () => new VGG(11, dry()), photo],
  ["VGG-13", 133_047_848, () => new VGG(13, dry()), photo],
  ["VGG-16", 138_357_544, () => new VGG(16, dry()), photo],
  ["VGG-19", 143_667_240, () => new VGG(19, dry()), photo],
  // torchvision's, two numbers more for each of 4224 channels
  ["VGG-16 with batch normalisation", 138_365_992, () => new VGG(16, { batchNorm: true, ...dry() }), photo],
  ["ResNet-18", 11_689_512, () => new ResNet(18, dry()), photo],
  ["ResNet-34", 21_797_672, () => new ResNet(34, dry()), photo],
  ["ResNet-50", 25_557_032, () => new ResNet(50, dry()), photo],
  ...[20, 32, 56].map((depth): Count => {
    const n = (depth - 2) / 6;
    const conv = (a: number, b: number) => 9 * a * b + 2 * b;
    const later = (a: number, b: number) => conv(a, b) + (2 * n - 1) * conv(b, b);
    const count = conv(3, 16) + 2 * n * conv(16, 16) + later(16, 32) + later(32, 64) + 650;
    return [`CIFAR ResNet-${depth}`, count, () => new CifarResNet(depth, dry()), [1, 32, 32, 3]];
  }),
  ["CIFAR ResNet-20, as stated", 269_722, () => new CifarResNet(20, dry()), [1, 32, 32, 3]],
  ["CIFAR ResNet-32, as stated", 464_154, () => new CifarResNet(32, dry()), [1, 32, 32, 3]],
  ["CIFAR ResNet-56, as stated", 853_018, () => new CifarResNet(56, dry()), [1, 32, 32, 3]],
  ["LeNet-5", 61_706, () => new LeNet5(dry()), [1, 32, 32, 1]],
  ["LeNet-5 for digits", 61_706, () => new LeNet5({ size: 28, padding: 2, ...dry() }), [1, 28, 28, 1]],
  ["MLP", dense(784, 256, 128, 10), () => new MLP([784, 256, 128, 10], dry()), [1, 28, 28, 1]],
  [
    "the base transformer, 37,000 shared tokens",
    37_000 * 512 + 6 * transformerLayer(512, 2048, 1) + 6 * transformerLayer(512, 2048, 2),
    () => new TransformerEncoderDecoder({ sourceTokens: 37_000, targetTokens: 37_000, tieWeights: "all", ...dry() }),
    [tokens(1, 20), tokens(1, 22)],
  ],
  [
    "the base transformer, as stated",
    63_082_496,
    () => new TransformerEncoderDecoder({ sourceTokens: 37_000, targetTokens: 37_000, tieWeights: "all", ...dry() }),
    [tokens(1, 20), tokens(1, 22)],
  ],
  [
    // Radford et al. 2019: 12 layers of 768, 1024 positions, 50,257 tokens
    "a language model of GPT-2's size",
    (50_257 + 1024) * 768 + 12 * transformerLayer(768, 3072, 1) + 2 * 768,
    () =>
      new TransformerLanguageModel({
        tokens: 50_257,
        features: 768,
        heads: 12,
        layers: 12,
        feedForward: 3072,
        positions: "learned",
        length: 1024,
        normFirst: true,
        ...dry(),
      }),
    [tokens(1, 1024)],
  ],
  [
    "a tied LSTM language model",
    10_000 * 200 + 2 * 4 * (200 * 200 * 2 + 400) + 10_000,
    () => new RNNLanguageModel({ tokens: 10_000, features: 200, layers: 2, tieWeights: true, ...dry() }),
    [tokens(20, 35)],
  ],
  [
    "WaveNet",
    256 * 64 + 30 * (2 * 64 * 128 + 128 + dense(64, 256)) + 29 * dense(64, 64) + dense(256, 256, 256),
    () => new WaveNet(dry()),
    [tokens(1, 4000)],
  ],
];

describe("parameters of the papers' sizes, by a dry run", () => {
  it.each(counts)("%s has %i", (_, count, make, input) => {
    const buffers = process.memoryUsage().arrayBuffers;
    const { counter } = defaultGenerator().state();
    const { trainable, rows } = summary(make(), input);
    expect(trainable).toBe(count);
    expect(rows[0]!.path).toBe("");
    expect(process.memoryUsage().arrayBuffers - buffers).toBeLessThan(2 ** 24);
    expect(defaultGenerator().state().counter).toBe(counter);
  });
});

/** Positions and filters: [side of the output, size, channels, filters]. */
type Conv = readonly [side: number, size: number, channels: number, filters: number];
const work = (convs: readonly Conv[], sizes: readonly number[]) =>
  convs.reduce((sum, [side, size, channels, filters]) => sum + side ** 2 * size ** 2 * channels * filters, 0) +
  sizes.slice(1).reduce((sum, size, i) => sum + size * sizes[i]!, 0);
/** Of layers [size, stride]: 1 + Σ (size − 1)·Π earlier strides. */
const reach = (layers: readonly (readonly [size: number, stride: number])[]) => {
  let [field, jump] = [1, 1];
  for (const [size, stride] of layers) {
    field += (size - 1) * jump;
    jump *= stride;
  }
  return field;
};
const convs = (count: number) => new Array<readonly [number, number]>(count).fill([3, 1]);

const vgg16: readonly Conv[] = [
  [224, 3, 3, 64],
  [224, 3, 64, 64],
  [112, 3, 64, 128],
  [112, 3, 128, 128],
  [56, 3, 128, 256],
  [56, 3, 256, 256],
  [56, 3, 256, 256],
  [28, 3, 256, 512],
  [28, 3, 512, 512],
  [28, 3, 512, 512],
  [14, 3, 512, 512],
  [14, 3, 512, 512],
  [14, 3, 512, 512],
];
const alexNet: readonly Conv[] = [
  [55, 11, 3, 64],
  [27, 5, 64, 192],
  [13, 3, 192, 384],
  [13, 3, 384, 256],
  [13, 3, 256, 256],
];
const resNet18: readonly Conv[] = [
  [112, 7, 3, 64],
  ...new Array<Conv>(4).fill([56, 3, 64, 64]),
  ...[
    [28, 64, 128],
    [14, 128, 256],
    [7, 256, 512],
  ].flatMap(([side, a, b]): Conv[] => [
    [side!, 3, a!, b!],
    [side!, 1, a!, b!],
    ...new Array<Conv>(3).fill([side!, 3, b!, b!]),
  ]),
];

describe("summary", () => {
  it("counts the multiply-adds of products", () => {
    expect(summary(new VGG(16, dry()), photo).multiplyAdds).toBe(work(vgg16, [25_088, 4096, 4096, 1000]));
    expect(summary(new AlexNet(dry()), photo).multiplyAdds).toBe(work(alexNet, [9216, 4096, 4096, 1000]));
    expect(summary(new ResNet(18, dry()), photo).multiplyAdds).toBe(work(resNet18, [512, 1000]));
    const twice = summary(new AlexNet(dry()), [2, 224, 224, 3]).multiplyAdds;
    expect(twice).toBe(2 * work(alexNet, [9216, 4096, 4096, 1000]));
  });

  it("counts those of attention, groups and transposed convolutions", () => {
    // four products with matrices, and 3 × 3 scores and their sums over two heads of 4 features
    expect(summary(new MultiHeadAttention(8, 2, dry()), [5, 3, 8]).multiplyAdds).toBe(5 * (4 * 3 * 64 + 2 * 9 * 8));
    expect(summary(new Conv1d(6, 4, 3, { groups: 2, ...dry() }), [1, 10, 6]).multiplyAdds).toBe(8 * 4 * 3 * 3);
    expect(summary(new ConvTranspose1d(6, 4, 3, { stride: 2, ...dry() }), [1, 10, 6]).multiplyAdds).toBe(
      10 * 6 * 3 * 4,
    );
  });

  it("tells receptive fields", () => {
    const last = (model: Module, part: string, input: Shape = photo) =>
      summary(model, input).rows.find((row) => row.path === part)!.receptiveField;
    const stages = [2, 2, 3, 3, 3].flatMap((count) => [...convs(count), [2, 2] as const]);
    expect(reach(stages)).toBe(212);
    expect(last(new VGG(16, dry()), "features")).toEqual([212, 212]);
    const alex = [
      [11, 4],
      [3, 2],
      [5, 1],
      [3, 2],
      [3, 1],
      [3, 1],
      [3, 1],
      [3, 2],
    ] as const;
    expect(last(new AlexNet(dry()), "features")).toEqual([reach(alex), reach(alex)]);
    const basic = [[7, 2], [3, 2], ...convs(4), ...[1, 2, 3].flatMap(() => [[3, 2] as const, ...convs(3)])] as const;
    expect(last(new ResNet(18, dry()), "layer4")).toEqual([reach(basic), reach(basic)]);
    const bottlenecks = [
      [7, 2],
      [3, 2],
      ...convs(3),
      [3, 2],
      ...convs(3),
      [3, 2],
      ...convs(5),
      [3, 2],
      ...convs(2),
    ] as const;
    expect(last(new ResNet(50, dry()), "layer4")).toEqual([reach(bottlenecks), reach(bottlenecks)]);
    expect(last(new CifarResNet(20, dry()), "layer1", [1, 32, 32, 3])).toEqual([15, 15]);
    expect(last(new VGG(16, dry()), "classifier")).toBe(null);
    const net = new WaveNet(dry());
    expect(summary(net, [tokens(1, 9)]).rows[0]!.receptiveField).toEqual([1 + 3 * 1023]);
    expect(net.receptiveField).toBe(3070);
  });

  it.each([3, 4, 5])(
    "tells the receptive field that changes of the input show, with a transposed filter of %i",
    (size) => {
      const net = new Sequential(
        new Conv1d(1, 1, 3, { stride: 2 }),
        new Conv1d(1, 1, 2, { dilation: 3 }),
        new MaxPool1d(2),
        new ConvTranspose1d(1, 1, size, { stride: 2 }),
      );
      const x = new Float32Array(60).map((_, i) => 3 + Math.sin(i));
      const run = (data: Float32Array) => values(net.forward(tensor(data, { shape: [1, 60, 1] })));
      const plain = run(x);
      let widest = 0;
      plain.forEach((value, at) => {
        const seen = Array.from(x.keys()).filter((i) => run(x.with(i, 1e4 * (i % 2 ? 1 : -1)))[at] !== value);
        if (seen.length > 0) widest = Math.max(widest, seen.at(-1)! - seen[0]! + 1);
      });
      expect(summary(net, [1, 60, 1]).rows[0]!.receptiveField).toEqual([widest]);
    },
  );

  it("leaves a model on a real device as it was, and holds nothing afterwards", () => {
    const model = new ResNet(18, { width: 0.04 });
    model.layer1.eval();
    const before = {
      storages: device.memory().storages,
      state: Object.values(model.stateDict()).map((x) => x.storage),
    };
    summary(model, [1, 32, 32, 3]);
    expect(device.memory().storages).toBe(before.storages);
    expect(Object.values(model.stateDict()).map((x) => x.storage)).toEqual(before.state);
    expect([model.training, model.layer1.training, model.layer2.training]).toEqual([true, false, true]);
    const normed = new WeightNorm(new Linear(3, 2));
    const y = values(normed.forward(ones([1, 3])));
    summary(normed, [1, 3]);
    expect(values(normed.forward(ones([1, 3])))).toEqual(y);
  });

  it("gives each number to one module, so that columns add up", () => {
    const model = new RNNLanguageModel({ tokens: 10, features: 6, tieWeights: true, ...dry() });
    const { rows, trainable, multiplyAdds } = summary(model, [tokens(1, 4)]);
    expect(rows.map(({ path, type, trainable: n }) => [path, type, n])).toEqual([
      ["", "RNNLanguageModel", 0],
      ["embedding", "Embedding", 60],
      ["dropout", "Dropout", 0],
      ["recurrent", "LSTM", 4 * (6 * 6 * 2 + 12)],
      ["output", "Linear", 10],
    ]);
    expect(trainable).toBe(Object.values(model.parameters()).reduce((n, parameter) => n + parameter.size, 0));
    expect(multiplyAdds).toBe(4 * (2 * 6 * 24 + 60));
    const normalised = summary(new MLP([4, 8, 3], { batchNorm: true }), [5, 4]);
    expect([normalised.trainable, normalised.untrained]).toEqual([4 * 8 + 8 + 16 + 27, 16]);
    expect(normalised.bytes).toBe(4 * (normalised.trainable + 16));
  });

  it("prints a table of 80 columns", () => {
    const text = String(summary(new VGG(16, dry()), [128, 224, 224, 3]));
    const lines = text.trimEnd().split("\n");
    expect(lines.every((line) => line.length <= 80)).toBe(true);
    expect(lines).toContain("  28 Conv2d                 [128, 14, 14, 512]    2,359,808      196    59.190 G");
    expect(text).toContain("Parameters      138,357,544: 138,357,544 trainable, 0 not\n");
    expect(text).toContain("Size            527.79 MiB\n");
  });

  it("refuses what is no module, and inputs that the model refuses, by the module's path", () => {
    expect(() => summary("net" as unknown as Module, [1, 2])).toThrow(/summary: model expects a module/);
    expect(() => summary(new MLP([4, 3], dry()), [1, 5])).toThrow(/MLP: x expects \[n, …\] with 4 elements/);
    const net = new Sequential(new Linear(4, 3), new Linear(4, 3));
    expect(() => summary(net, [1, 4])).toThrow(/linear: weight expects.*\(in module 1\)/);
  });
});

describe("dryDevice", () => {
  it("tells shapes and what a real device would hold, but no numbers", async () => {
    const own = dryDevice();
    const layer = new Linear(1000, 2000, { device: own, generator: new Generator(1) });
    expect(own.memory()).toEqual({ storages: 2, bytes: 4 * (2_000_000 + 2000) });
    const y = layer.forward(zeros([5, 1000], { device: own }));
    expect(y.shape).toEqual([5, 2000]);
    expect(() => y.dataSync()).toThrow(/dryDevice: data expects a device that holds numbers/);
    await expect(y.data()).rejects.toThrow(/dryDevice/);
  });
});
