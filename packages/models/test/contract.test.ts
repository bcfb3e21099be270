import { cpuJs } from "@neurite/backend-cpu-js";
import { setDefaultDevice, type Tensor, tensor, zeros } from "@neurite/core";
import { type InitOptions, Module, Tanh } from "@neurite/layers";
import { expect, it } from "vitest";
import * as models from "../src/index.js";
import { describeModel, float64, type ModelRow, random } from "./describe-model.js";

const device = cpuJs();
setDefaultDevice(device);

const integers = (rows: readonly (readonly number[])[]) => () =>
  tensor(Int32Array.from(rows.flat()), { shape: [rows.length, rows[0]!.length] });
const sentences = integers([
  [4, 1, 5, 3],
  [2, 5, 4, 1],
]);
const padded = integers([
  [4, 1, 5],
  [2, 3, 0],
]);
const targets = integers([
  [1, 4, 2, 3],
  [1, 3, 3, 2],
]);

type Forward = { forward(...xs: Tensor[]): unknown };
/** Refuses an input of this shape. */
const shaped = (message: RegExp, shape: number[]) =>
  [message, (model: Forward) => model.forward(zeros(shape, { dtype: "float64" }))] as const;
const floatTokens = [
  /int32 \[n, time\] with at least one step, but received float64 \[1, 2\]/,
  (model: Forward) => model.forward(random([1, 2]), random([1, 2])),
] as const;
const unbuilt = (message: RegExp, make: () => Module) => [message, make] as const;

const images = (side: number, channels = 2) => [[2, side, side, channels]];

const cellRows = (["rnn", "gru", "lstm", "hornn"] as const).flatMap((cell): ModelRow[] => [
  {
    model: models.RNNLanguageModel,
    variant: `${cell}${cell === "gru" ? " with tied weights and two layers" : ""}`,
    make: (init) =>
      new models.RNNLanguageModel({
        tokens: 6,
        cell,
        features: 6,
        ...(cell === "gru" ? { tieWeights: true, layers: 2 } : { hidden: 8 }),
        ...init,
      }),
    inputs: [sentences],
    output: [2, 4, 6],
    refuses: [floatTokens],
    learningRate: 0.03,
  },
  {
    model: models.RecurrentEncoderDecoder,
    variant: `${cell}${cell === "gru" ? " in two layers" : ""}`,
    make: (init) =>
      new models.RecurrentEncoderDecoder({
        sourceTokens: 6,
        targetTokens: 5,
        cell,
        features: 4,
        hidden: 6,
        layers: cell === "gru" ? 2 : 1,
        attention: cell === "rnn" ? "additive" : "bilinear",
        ...init,
      }),
    inputs: [padded, targets],
    output: [2, 4, 5],
    refuses: [floatTokens],
    learningRate: 0.03,
  },
]);

const transformer = { features: 8, heads: 2, layers: 1, feedForward: 12, dropout: 0 } as const;

const rows: readonly ModelRow[] = [
  {
    model: models.MLP,
    make: (init) => new models.MLP([12, 16, 8, 3], { ...init, activation: () => new Tanh() }),
    inputs: [[5, 2, 2, 3]],
    output: [5, 3],
    refuses: [
      shaped(/\[n, …\] with 12 elements a row, but received \[2, 11\]/, [2, 11]),
      unbuilt(/sizes expects at least two.*received an array \[3\]/, () => new models.MLP([3])),
    ],
  },
  {
    model: models.MLP,
    variant: "with batch normalisation",
    make: (init) => new models.MLP([4, 16, 3], { batchNorm: true, ...init }),
    inputs: [[5, 4]],
    output: [5, 3],
    training: "batch",
    refuses: [],
  },
  {
    model: models.MLP,
    variant: "with dropout",
    make: (init) => new models.MLP([4, 16, 3], { dropout: 0.3, ...init }),
    inputs: [[5, 4]],
    output: [5, 3],
    training: "random",
    refuses: [],
  },
  {
    model: models.LeNet5,
    make: (init) => new models.LeNet5({ size: 14, padding: 1, width: 0.3, classes: 3, inChannels: 2, ...init }),
    inputs: images(14),
    output: [2, 3],
    refuses: [
      shaped(/\[n, height, width, 2\] with sides of at least 14/, [1, 14, 14, 1]),
      unbuilt(
        /size \(what the second pooling leaves of it\) expects a positive/,
        () => new models.LeNet5({ size: 11 }),
      ),
      unbuilt(/width expects a finite number above 0, but received 0/, () => new models.LeNet5({ width: 0 })),
    ],
  },
  {
    model: models.AlexNet,
    make: (init) => new models.AlexNet({ width: 0.03, classes: 3, inChannels: 2, ...init }),
    inputs: images(64),
    output: [2, 3],
    training: "random",
    refuses: [shaped(/sides of at least 63, but received \[1, 62, 64, 2\]/, [1, 62, 64, 2])],
  },
  {
    model: models.VGG,
    make: (init) => new models.VGG(11, { width: 0.02, classes: 3, inChannels: 2, dropout: 0, ...init }),
    inputs: images(32),
    output: [2, 3],
    refuses: [
      shaped(/sides of at least 32/, [1, 32, 31, 2]),
      unbuilt(/depth expects 11, 13, 16 or 19, but received 12/, () => new models.VGG(12 as 11)),
    ],
  },
  {
    model: models.VGG,
    variant: "with batch normalisation",
    make: (init) => new models.VGG(13, { width: 0.02, classes: 3, batchNorm: true, dropout: 0, ...init }),
    inputs: images(64, 3),
    output: [2, 3],
    training: "batch",
    refuses: [],
  },
  {
    model: models.ResNet,
    variant: "of basic blocks",
    make: (init) => new models.ResNet(18, { width: 0.04, classes: 3, inChannels: 2, ...init }),
    inputs: images(48),
    output: [2, 3],
    training: "batch",
    refuses: [
      shaped(/sides of at least 32/, [1, 31, 32, 2]),
      unbuilt(/depth expects 18, 34 or 50, but received 20/, () => new models.ResNet(20 as 18)),
    ],
  },
  {
    model: models.ResNet,
    variant: "of bottlenecks",
    make: (init) => new models.ResNet(50, { width: 0.02, classes: 3, ...init }),
    inputs: images(48, 3),
    output: [2, 3],
    training: "batch",
    refuses: [],
  },
  {
    model: models.CifarResNet,
    make: (init) => new models.CifarResNet(8, { width: 0.25, classes: 3, ...init }),
    inputs: images(8, 3),
    output: [2, 3],
    training: "batch",
    refuses: [
      shaped(/\[n, height, width, 3\]/, [1, 8, 8, 1]),
      unbuilt(/depth expects 6n \+ 2 with n ≥ 1.*received 18/, () => new models.CifarResNet(18)),
    ],
  },
  {
    model: models.FSMN,
    make: (init) => new models.FSMN({ inputs: 3, outputs: 2, features: 8, layers: 2, taps: 3, ...init }),
    inputs: [[2, 5, 3]],
    output: [2, 5, 2],
    refuses: [shaped(/FSMN: x expects \[n, time, 3\], but received \[2, 5, 2\]/, [2, 5, 2])],
  },
  {
    model: models.FSMN,
    variant: "in both directions, with skip paths",
    make: (init) =>
      new models.FSMN({ inputs: 3, outputs: 2, features: 8, taps: 3, ahead: 2, vector: false, skip: true, ...init }),
    inputs: [[2, 5, 3]],
    output: [2, 5, 2],
    refuses: [],
  },
  ...cellRows,
  {
    model: models.RecurrentEncoderDecoder,
    variant: "without attention, read in one direction",
    make: (init) =>
      new models.RecurrentEncoderDecoder({
        sourceTokens: 6,
        targetTokens: 5,
        features: 5,
        attention: null,
        bidirectional: false,
        dropout: 0.2,
        ...init,
      }),
    inputs: [padded, targets],
    output: [2, 4, 5],
    training: "random",
    learningRate: 0.03,
    refuses: [
      unbuilt(
        /hidden expects an even number.*received 5/,
        () => new models.RecurrentEncoderDecoder({ sourceTokens: 3, targetTokens: 3, features: 5 }),
      ),
      unbuilt(
        /cell expects rnn, gru, lstm or hornn, but received "cnn"/,
        () => new models.RecurrentEncoderDecoder({ sourceTokens: 3, targetTokens: 3, cell: "cnn" as "rnn" }),
      ),
    ],
  },
  {
    model: models.Translator,
    make: (init) => new models.Translator({ sourceTokens: 6, targetTokens: 5, features: 6, ...init }),
    inputs: [padded, targets],
    output: [2, 4, 5],
    refuses: [],
    learningRate: 0.03,
  },
  {
    model: models.TransformerTagger,
    make: (init) => new models.TransformerTagger({ tokens: 6, ...transformer, ...init }, 3),
    inputs: [sentences],
    output: [2, 4, 3],
    refuses: [
      floatTokens,
      unbuilt(
        /heads expects a divisor of 8 features/,
        () => new models.TransformerTagger({ tokens: 6, features: 8, heads: 3 }, 3),
      ),
    ],
  },
  {
    model: models.TransformerClassifier,
    variant: "with learned positions and dropout",
    make: (init) =>
      new models.TransformerClassifier(
        { tokens: 6, ...transformer, dropout: 0.2, normFirst: true, positions: "learned", length: 3, ...init },
        3,
      ),
    inputs: [padded],
    output: [2, 3],
    training: "random",
    refuses: [floatTokens, [/start expects positions from 0 to 2/, (model) => model.forward(sentences())]],
  },
  {
    model: models.TransformerLanguageModel,
    make: (init) => new models.TransformerLanguageModel({ tokens: 6, ...transformer, ...init }),
    inputs: [sentences],
    output: [2, 4, 6],
    refuses: [
      floatTokens,
      unbuilt(
        /positions expects sinusoidal or learned/,
        () => new models.TransformerLanguageModel({ tokens: 6, features: 8, heads: 2, positions: "none" as "learned" }),
      ),
    ],
  },
  {
    model: models.TransformerLanguageModel,
    variant: "normalising first, with an output matrix of its own",
    make: (init) =>
      new models.TransformerLanguageModel({ tokens: 6, ...transformer, normFirst: true, tieWeights: false, ...init }),
    inputs: [sentences],
    output: [2, 4, 6],
    refuses: [],
  },
  ...([false, true] as const).map(
    (normFirst): ModelRow => ({
      model: models.TransformerEncoderDecoder,
      variant: normFirst ? "normalising first, with all embeddings in one" : "normalising last",
      make: (init) =>
        new models.TransformerEncoderDecoder({
          sourceTokens: 6,
          targetTokens: normFirst ? 6 : 5,
          features: 8,
          heads: 2,
          encoderLayers: 1,
          decoderLayers: 1,
          feedForward: 12,
          dropout: 0,
          normFirst,
          tieWeights: normFirst ? "all" : "none",
          ...init,
        }),
      inputs: [padded, targets],
      output: [2, 4, normFirst ? 6 : 5],
      refuses: [
        floatTokens,
        unbuilt(
          /targetTokens expects 6, as many as the source has.*received 5/,
          () =>
            new models.TransformerEncoderDecoder({ sourceTokens: 6, targetTokens: 5, tieWeights: "all", features: 8 }),
        ),
      ],
    }),
  ),
  {
    model: models.ConvAutoencoder,
    make: (init) => new models.ConvAutoencoder({ size: 8, inChannels: 2, channels: [24, 32], code: 16, ...init }),
    inputs: images(8),
    output: [2, 8, 8, 2],
    refuses: [
      shaped(/\[n, height, width, 2\] with sides of at least 8/, [1, 6, 8, 2]),
      unbuilt(/size expects a multiple of 4.*received 10/, () => new models.ConvAutoencoder({ size: 10 })),
    ],
  },
  {
    model: models.WaveNet,
    make: (init) => new models.WaveNet({ levels: 6, layers: 2, cycles: 2, residual: 4, gated: 3, skip: 8, ...init }),
    inputs: [sentences],
    output: [2, 4, 6],
    learningRate: 0.03,
    call: (model: models.WaveNet, [samples]) => model.forward(samples!),
    refuses: [
      floatTokens,
      [/condition expects none/, (model) => model.forward(sentences(), { condition: random([2, 1, 3]) })],
      unbuilt(/cycles expects a positive integer/, () => new models.WaveNet({ cycles: 0 })),
    ],
  },
  {
    model: models.WaveNet,
    variant: "with a condition and filters of 3",
    make: (init) =>
      new models.WaveNet({ levels: 6, layers: 2, cycles: 1, size: 3, residual: 8, skip: 24, condition: 2, ...init }),
    inputs: [sentences, [2, 4, 2]],
    output: [2, 4, 6],
    learningRate: 0.03,
    call: (model: models.WaveNet, [samples, condition]) => model.forward(samples!, { condition }),
    refuses: [
      [/condition expects \[n, time or 1, 2\].*none/, (model) => model.forward(sentences())],
      [/condition expects shape \[2, 4, 2\]/, (model) => model.forward(sentences(), { condition: random([2, 3, 2]) })],
    ],
  },
];

for (const row of rows) describeModel(device, row);

/** Parts of models that are exported, too; their models' rows run them. */
const parts: readonly unknown[] = [
  models.BasicBlock,
  models.Bottleneck,
  models.PaddedShortcut,
  models.FSMNLayer,
  models.PositionedEmbedding,
  models.WaveNetLayer,
];

it("has a row for every exported model", () => {
  const exported = Object.values(models).filter(
    (value) => typeof value === "function" && value.prototype instanceof Module,
  );
  const covered = new Set<unknown>([...rows.map((row) => row.model), ...parts]);
  expect(exported.filter((value) => !covered.has(value)).map((value) => value.name)).toEqual([]);
  expect(covered.size).toBe(exported.length);
});

it("makes a model the same from the same seed", () => {
  const make = () => new models.ResNet(18, { width: 0.04, ...(float64(3) satisfies InitOptions) });
  const [a, b] = [make(), make()];
  expect(Array.from(a.layer4.parameters()["1.conv2.weight"]!.dataSync())).toEqual(
    Array.from(b.layer4.parameters()["1.conv2.weight"]!.dataSync()),
  );
});
