/** Training and testing of a classifier, as most examples need it. */
import { inference } from "@neurite/autograd";
import { argMax, crossEntropy, fromHost, type Shape, sizeOf, type Tensor } from "@neurite/core";
import { DataLoader, hostImage, type ImageChange } from "@neurite/data";
import type { Module } from "@neurite/layers";
import type { Optimizer, ReduceOnPlateau, WeightAverage } from "@neurite/optimizers";
import { ConfusionMatrix, type EarlyStoppingOptions, type LearningCurves, Trainer } from "@neurite/training";
import type { Run } from "./example.js";

/** Examples of one shape, one after the other, with their classes. */
export interface Samples {
  readonly data: Float32Array;
  readonly labels: Int32Array;
  /** Of one example. */
  readonly shape: Shape;
}

/** A model that gives scores of classes. */
export type Classifier = Module & { forward(x: Tensor): Tensor };

/** Examples `from` … `to` − 1. */
export function slice({ data, labels, shape }: Samples, from: number, to: number): Samples {
  const size = sizeOf(shape);
  return { data: data.subarray(from * size, to * size), labels: labels.subarray(from, to), shape };
}

export interface ClassifyOptions {
  readonly model: Classifier;
  readonly optimizer: Optimizer;
  readonly train: Samples;
  /** Development data of the third learning curve. */
  readonly dev: Samples;
  readonly batchSize: number;
  readonly epochs: number;
  /** Changes each training image at random. */
  readonly augment?: ImageChange;
  readonly labelSmoothing?: number;
  /** Of scores [n, classes] and labels [n]. Default: cross-entropy, with {@link labelSmoothing}. */
  readonly loss?: (scores: Tensor, labels: Tensor) => Tensor;
  readonly average?: WeightAverage;
  readonly classes?: number;
  /** Points of the curves. Default: one for each epoch. */
  readonly points?: number;
  readonly plateau?: ReduceOnPlateau;
  readonly earlyStopping?: EarlyStoppingOptions;
  /** Steps that other trainings of the same example do before this one, and all together. */
  readonly before?: number;
  readonly total?: number;
}

/** Steps that {@link classify} will do. */
export function stepsOf({ train, batchSize, epochs }: Pick<ClassifyOptions, "train" | "batchSize" | "epochs">): number {
  return Math.round(Math.floor(train.labels.length / batchSize) * epochs);
}

/** Trains a classifier; gives its learning curves. */
export async function classify(run: Run, options: ClassifyOptions): Promise<LearningCurves> {
  const { model, optimizer, train, dev, batchSize, augment, labelSmoothing = 0, average } = options;
  const { loss = (scores, labels) => crossEntropy(scores, labels, { labelSmoothing }) } = options;
  const size = sizeOf(train.shape);
  const steps = stepsOf(options);
  const { before = 0, total = steps } = options;
  const [height, width, channels] = train.shape as [number, number, number];
  const loader = new DataLoader(
    { length: train.labels.length, get: (index: number) => index },
    {
      batchSize,
      shuffle: true,
      dropLast: true,
      seed: run.seed,
      collate(items) {
        const data = new Float32Array(items.length * size);
        items.forEach((item, i) => {
          const own = train.data.subarray(item * size, (item + 1) * size);
          data.set(augment ? augment(hostImage(own, height, width, channels), run.generator).data : own, i * size);
        });
        const y = Int32Array.from(items, (item) => train.labels[item]!);
        return {
          x: { data, dtype: "float32", shape: [items.length, ...train.shape] },
          y: { data: y, dtype: "int32", shape: [items.length] },
        };
      },
    },
  );
  const probe = slice(train, 0, Math.min(dev.labels.length, train.labels.length));
  const trainer = new Trainer({
    model,
    optimizer,
    loader,
    loss: ({ x, y }) => loss(model.forward(x), y),
    steps,
    metric: "accuracy",
    ...(options.points ? { evaluateEvery: Math.ceil(steps / options.points) } : {}),
    ...(options.plateau ? { plateau: options.plateau } : {}),
    ...(options.earlyStopping ? { earlyStopping: options.earlyStopping } : {}),
    ...(average ? { average } : {}),
    evaluate: async () => ({
      train: (await test(model, probe, options.classes)).accuracy,
      dev: (await test(model, dev, options.classes)).accuracy,
    }),
    onStep: ({ step, loss }) => run.step({ step: before + step, steps: total, loss }),
  });
  const { curves } = await trainer.fit();
  return curves;
}

/** The model's answer to each example, in evaluation mode. */
export async function predict(model: Classifier, samples: Samples): Promise<Int32Array> {
  const answer = inference((x: Tensor) => argMax(model.forward(x), -1));
  const answers = new Int32Array(samples.labels.length);
  const training = model.training;
  model.eval();
  for (let from = 0; from < answers.length; from += 500) {
    const part = slice(samples, from, Math.min(from + 500, answers.length));
    const x = fromHost(part.data, "float32", [part.labels.length, ...samples.shape]);
    const found = answer(x);
    answers.set(await found.data(), from);
    for (const tensor of [x, found]) tensor.dispose();
  }
  model.train(training);
  return answers;
}

/** Counts what the model answers to each class. */
export async function test(model: Classifier, samples: Samples, classes = 10): Promise<ConfusionMatrix> {
  const matrix = new ConfusionMatrix(classes);
  const answers = await predict(model, samples);
  samples.labels.forEach((label, i) => {
    matrix.counts[label]![answers[i]!]!++;
  });
  return matrix;
}
