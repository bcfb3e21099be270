/** Translating, and how well it went. */
import { inference } from "@neurite/autograd";
import type { Tensor } from "@neurite/core";
import { DataLoader, fromArray, PADDING, padSequences, START } from "@neurite/data";
import { bleu } from "@neurite/training";
import { detokenize, type Pair } from "./numbers.js";
import { collate, type Task } from "./task.js";

/** Longest output; the longest target has 19 tokens and an end mark. */
const MOST_STEPS = 24;
const BATCH = 128;

/** Greedy translations of tokenised sentences. */
export async function translate(task: Task, sentences: readonly (readonly string[])[]): Promise<string[][]> {
  const { model, source, target } = task;
  const decode = inference((tokens: Tensor) => model.greedy(tokens, START, MOST_STEPS));
  const loader = new DataLoader(fromArray(sentences), {
    batchSize: BATCH,
    collate: (items) => ({
      source: padSequences(
        items.map((item) => source.encode(item)),
        PADDING,
      ),
    }),
  });
  const outputs: string[][] = [];
  model.eval();
  for await (const batch of loader) {
    const numbers = Array.from(await decode(batch.source).data());
    for (let i = 0; i < numbers.length; i += MOST_STEPS) outputs.push(target.decode(numbers.slice(i, i + MOST_STEPS)));
  }
  return outputs;
}

export interface Sample {
  readonly source: string;
  readonly target: string;
  readonly output: string;
}

export interface Evaluation {
  /** Share of outputs that equal their target, 0 … 1. */
  readonly exactMatch: number;
  /** 0 … 100 */
  readonly bleu: number;
  readonly samples: readonly Sample[];
}

export async function evaluate(task: Task, pairs: readonly Pair[]): Promise<Evaluation> {
  const outputs = await translate(
    task,
    pairs.map((pair) => pair.source),
  );
  const samples = pairs.map((pair, i) => ({
    source: detokenize(pair.source),
    target: detokenize(pair.target),
    output: detokenize(outputs[i]!),
  }));
  const exact = samples.filter((sample) => sample.output === sample.target).length;
  const score = bleu(
    outputs,
    pairs.map((pair) => pair.target),
  );
  return { exactMatch: exact / pairs.length, bleu: score, samples };
}

/** Mean loss per target token with teacher forcing. */
export async function meanLoss(task: Task, pairs: readonly Pair[]): Promise<number> {
  const { model } = task;
  const lossOf = inference((source: Tensor, targetIn: Tensor, targetOut: Tensor) =>
    model.loss(source, targetIn, targetOut),
  );
  const loader = new DataLoader(fromArray(pairs), { batchSize: BATCH, collate: (items) => collate(task, items) });
  let sum = 0;
  let tokens = 0;
  let start = 0;
  model.eval();
  for await (const { source, targetIn, targetOut } of loader) {
    const batch = pairs.slice(start, start + BATCH);
    start += batch.length;
    const count = batch.reduce((n, pair) => n + pair.target.length + 1, 0);
    sum += count * (await lossOf(source, targetIn, targetOut).item());
    tokens += count;
  }
  return sum / tokens;
}
