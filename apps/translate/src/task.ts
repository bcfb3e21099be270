/** Corpus, vocabularies, batches and model of one run, all from its options. */
import { inference } from "@neurite/autograd";
import { Generator, type Tensor } from "@neurite/core";
import {
  type Batch,
  DataLoader,
  END,
  fromArray,
  type HostArrayOf,
  PADDING,
  padSequences,
  START,
  Vocabulary,
} from "@neurite/data";
import { Translator } from "@neurite/models";
import { CORPUS_SEED, type Corpus, makeCorpus, type Pair } from "./numbers.js";

/** What a run is made of; kept in its checkpoint. */
export interface RunOptions {
  /** Of the sets of numbers. */
  readonly corpus: number;
  readonly seed: number;
  readonly steps: number;
  readonly features: number;
  readonly batchSize: number;
  readonly learningRate: number;
}

export const DEFAULTS: RunOptions = {
  corpus: CORPUS_SEED,
  seed: 1,
  steps: 600,
  features: 64,
  batchSize: 64,
  learningRate: 3e-3,
};

export interface Task {
  readonly corpus: Corpus;
  readonly source: Vocabulary;
  readonly target: Vocabulary;
  readonly model: Translator;
  /** Greedy output [n, 24] of source sentences [n, s]. */
  readonly decode: (source: Tensor) => Tensor;
  /** Mean loss of a batch, not recorded. */
  readonly lossOf: (batch: Batch<PairBatch>) => Tensor;
}

/** Longest output; the longest target has 19 tokens and an end mark. */
export const MOST_STEPS = 24;

export function makeTask({ seed, features }: RunOptions): Task {
  const corpus = makeCorpus();
  const source = Vocabulary.build(corpus.train.map((pair) => pair.source));
  const target = Vocabulary.build(corpus.train.map((pair) => pair.target));
  const model = new Translator({
    sourceTokens: source.size,
    targetTokens: target.size,
    features,
    padding: PADDING,
    generator: new Generator(seed),
  });
  return {
    corpus,
    source,
    target,
    model,
    decode: inference((tokens: Tensor) => model.greedy(tokens, START, MOST_STEPS)),
    lossOf: inference((batch: Batch<PairBatch>) => model.loss(batch.source, batch.targetIn, batch.targetOut)),
  };
}

/** source [n, s]; targetIn [n, t] with a start mark before, targetOut [n, t] with an end mark behind. */
export type PairBatch = Readonly<Record<"source" | "targetIn" | "targetOut", HostArrayOf>>;

export function collate({ source, target }: Task, pairs: readonly Pair[]): PairBatch {
  const targets = pairs.map((pair) => target.encode(pair.target));
  return {
    source: padSequences(
      pairs.map((pair) => source.encode(pair.source)),
      PADDING,
    ),
    targetIn: padSequences(
      targets.map((tokens) => [START, ...tokens]),
      PADDING,
    ),
    targetOut: padSequences(
      targets.map((tokens) => [...tokens, END]),
      PADDING,
    ),
  };
}

export function makeLoader(task: Task, { seed, batchSize }: RunOptions): DataLoader<Pair, PairBatch> {
  return new DataLoader(fromArray(task.corpus.train), {
    batchSize,
    shuffle: true,
    seed,
    dropLast: true,
    collate: (pairs) => collate(task, pairs),
  });
}
