// Valid calls of models, searches, the trainer and its metrics.
import { Generator, mean } from "@neurite/core";
import { DataLoader, fromArray, stackArrays } from "@neurite/data";
import { Linear } from "@neurite/layers";
import * as models from "@neurite/models";
import { SGD } from "@neurite/optimizers";
import * as training from "@neurite/training";
import { type Calls, count, options, some, whole } from "./walk.js";

const init = () => ({ dtype: "float32", generator: new Generator(1) });
const functions = new Map<string, unknown>(Object.entries(models));
const made = (name: keyof typeof models, args: () => readonly unknown[]): Calls => ({
  [name]: {
    run: (...given: never[]) => new (functions.get(name) as new (...all: never[]) => unknown)(...given),
    args,
  },
});
const transformer = () => ({ ...init(), features: count(4), heads: count(2), dropout: 0.1, feedForward: count(4) });
const { signal } = new AbortController();

const decoder = () => new models.RNNLanguageModel({ tokens: 5, cell: "gru", features: 3, hidden: 3 }).eval();
const tokens = () => some([1, 2], "int32");
const encoded = () => decoder().encode(tokens());

export const MODELS: Calls = {
  ...made("MLP", () => [[count(2), count(3)], options({ ...init(), dropout: 0.1, batchNorm: true })]),
  ...made("LeNet5", () => [
    options({ ...init(), size: count(14), padding: count(1), width: 0.3, classes: count(3), inChannels: count(1) }),
  ]),
  ...made("ResNet", () => [18, options({ ...init(), width: 0.04, classes: count(3), inChannels: count(2) })]),
  ...made("CifarResNet", () => [8, options({ ...init(), width: 0.25, classes: count(3) })]),
  ...made("FSMN", () => [
    options({
      ...init(),
      inputs: count(3),
      outputs: count(2),
      features: count(4),
      layers: count(1),
      taps: count(2),
      ahead: count(1),
      vector: true,
    }),
  ]),
  ...made("RNNLanguageModel", () => [
    options({
      ...init(),
      tokens: count(5),
      cell: "gru",
      features: count(3),
      hidden: count(3),
      layers: count(1),
      dropout: 0.1,
      tieWeights: true,
    }),
  ]),
  ...made("RecurrentEncoderDecoder", () => [
    options({
      ...{
        ...init(),
        sourceTokens: count(5),
        targetTokens: count(6),
        cell: "lstm",
        features: count(3),
        hidden: count(4),
      },
      ...{ layers: count(1), bidirectional: true, attention: "dot" },
    }),
  ]),
  ...made("TransformerEncoderDecoder", () => [
    options({
      ...{
        ...transformer(),
        sourceTokens: count(5),
        targetTokens: count(6),
        encoderLayers: count(1),
        decoderLayers: count(1),
      },
      ...{ padding: whole(0), tieWeights: "output" },
    }),
  ]),
  ...made("TransformerLanguageModel", () => [
    options({ ...transformer(), tokens: count(5), layers: count(1), tieWeights: true }),
  ]),
  ...made("TransformerTagger", () => [
    options({ ...transformer(), tokens: count(5), layers: count(1), padding: whole(0) }),
    count(3),
  ]),
  ...made("TransformerClassifier", () => [options({ ...transformer(), tokens: count(5), layers: count(1) }), count(3)]),
  ...made("Translator", () => [
    options({ ...init(), sourceTokens: count(5), targetTokens: count(5), features: count(4), padding: whole(0) }),
  ]),
  ...made("ConvAutoencoder", () => [
    options({ ...init(), size: count(8), inChannels: count(1), channels: [count(2), count(3)], code: count(4) }),
  ]),
  ...made("WaveNet", () => [
    options({
      ...init(),
      levels: count(6),
      layers: count(2),
      cycles: count(1),
      residual: count(4),
      gated: count(3),
      skip: count(4),
    }),
  ]),
  beamSearch: {
    run: models.beamSearch,
    args: () => [
      decoder(),
      encoded(),
      options({
        start: count(1),
        end: whole(2),
        maxLength: count(2),
        beams: count(2),
        best: count(1),
        lengthPenalty: 0.5,
        signal,
      }),
    ],
  },
  greedySearch: {
    run: models.greedySearch,
    args: () => [decoder(), encoded(), options({ start: count(1), steps: count(2) })],
  },
  sample: {
    run: models.sample,
    args: () => [
      decoder(),
      encoded(),
      options({
        start: count(1),
        steps: count(2),
        temperature: 1,
        topK: count(2),
        end: whole(2),
        generator: new Generator(1),
        signal,
      }),
    ],
  },
  generate: {
    run: models.generate,
    args: () => [decoder(), tokens(), options({ steps: count(2), topK: count(2), signal })],
  },
  summary: { run: models.summary, args: () => [new Linear(2, 3), [count(1), count(2)]] },
};

const curves = () => ({
  metric: "m",
  points: [{ step: count(1), epoch: 0.5, objective: 1, train: 1, dev: null }],
});
/** A metric that is given one batch. */
const measured = <M extends { add(...args: never[]): unknown }>(make: () => M) =>
  ((...args: never[]) => make().add(...args)) as (...args: never[]) => unknown;

function trainer(given: Record<string, unknown>) {
  return new training.Trainer(given as never).fit({ signal });
}

const parts = () => {
  const model = new Linear(1, 1);
  const collate = (items: readonly number[]) => ({
    x: stackArrays(
      items.map((x) => [x]),
      [1],
    ),
  });
  return options({
    model,
    optimizer: new SGD(model, { learningRate: 0.1 }),
    loader: new DataLoader(fromArray([1, 2]), { batchSize: 1, collate }),
    loss: ({ x }: { x: never }) => mean(model.forward(x)),
    steps: count(2),
    evaluateEvery: count(1),
    accumulate: count(1),
    metric: "m",
    monitor: "dev",
  });
};

export const TRAINING: Calls = {
  Trainer: { run: trainer, args: () => [parts()] },
  "Trainer, its fit": {
    run: (given: never) =>
      new training.Trainer({ ...parts(), steps: 2, evaluateEvery: 1, accumulate: 1 } as never).fit(given),
    args: () => [options({ signal })],
  },
  bleu: { run: training.bleu, args: () => [[["a", "b"]], [["a", "b"]]] },
  curvesToJSON: { run: training.curvesToJSON, args: () => [curves()] },
  curvesToSVG: { run: training.curvesToSVG, args: () => [curves()] },
  EarlyStopping: {
    run: (given: never) => new training.EarlyStopping(given),
    args: () => [options({ patience: 1, threshold: 0, restoreBest: true })],
  },
  Accuracy: {
    run: (given: never) => new training.Accuracy(given),
    args: () => [options({ k: count(1), ignoreIndex: whole(-1), threshold: 0 })],
  },
  "Accuracy, its add": { run: measured(() => new training.Accuracy()), args: () => [some([2, 5]), some([2], "int32")] },
  ConfusionMatrix: {
    run: (classes: number, given: never) => new training.ConfusionMatrix(classes, given),
    args: () => [count(3), options({ ignoreIndex: whole(-1), threshold: 0 })],
  },
  "ConfusionMatrix, its add": {
    run: measured(() => new training.ConfusionMatrix(5)),
    args: () => [some([2, 5]), some([2], "int32")],
  },
  Perplexity: { run: measured(() => new training.Perplexity()), args: () => [some([2, 5]), some([2], "int32")] },
  MeanAbsoluteError: { run: measured(() => new training.MeanAbsoluteError()), args: () => [some([2]), some([2])] },
  MovingAverage: { run: (decay: number) => new training.MovingAverage(decay), args: () => [0.9] },
  RunningMean: { run: measured(() => new training.RunningMean()), args: () => [1, 2] },
};
