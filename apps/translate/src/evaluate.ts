/** Translating, and how well it went. */
import { DataLoader, fromArray, PADDING, padSequences } from "@neurite/data";
import { bleu } from "@neurite/training";
import { detokenize, type Pair } from "./numbers.js";
import { collate, MOST_STEPS, type Task } from "./task.js";

const BATCH = 128;

/** Greedy translations of tokenised sentences. */
export async function translate(task: Task, sentences: readonly (readonly string[])[]): Promise<string[][]> {
  const { model, source, target, decode } = task;
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
  const loader = new DataLoader(fromArray(pairs), { batchSize: BATCH, collate: (items) => collate(task, items) });
  let sum = 0;
  let tokens = 0;
  let start = 0;
  task.model.eval();
  for await (const tensors of loader) {
    const batch = pairs.slice(start, start + BATCH);
    start += batch.length;
    const count = batch.reduce((n, pair) => n + pair.target.length + 1, 0);
    sum += count * (await task.lossOf(tensors).item());
    tokens += count;
  }
  return sum / tokens;
}
