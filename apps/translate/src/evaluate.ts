/** Translating, and how well it went. */
import { DataLoader, fromArray, PADDING, padSequences } from "@neurite/data";
import { bleu } from "@neurite/training";
import { detokenize, digitsOf, type Pair, pairOf } from "./numbers.js";
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
  readonly number: number;
  readonly source: string;
  readonly target: string;
  readonly output: string;
}

export interface Evaluation {
  /** Share of outputs that equal their target, 0 … 1. */
  readonly exactMatch: number;
  /** The same by number of digits, of the lengths that occur. */
  readonly exactMatchByDigits: Readonly<Record<number, number>>;
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
    number: pair.number,
    source: detokenize(pair.source),
    target: detokenize(pair.target),
    output: detokenize(outputs[i]!),
  }));
  const lengths = [...new Set(pairs.map(({ number }) => digitsOf(number)))].sort();
  return {
    exactMatch: exactShare(samples),
    exactMatchByDigits: Object.fromEntries(
      lengths.map((digits) => [digits, exactShare(samples.filter(({ number }) => digitsOf(number) === digits))]),
    ),
    bleu: bleu(
      outputs,
      pairs.map((pair) => pair.target),
    ),
    samples,
  };
}

export const isExact = ({ output, target }: Sample): boolean => output === target;

const exactShare = (samples: readonly Sample[]): number => samples.filter(isExact).length / samples.length;

/** How many of the numbers that people try first are checked, one by one. */
const SHORT_NUMBERS = 10_000;

/** Exact match of a set of numbers, and those that are translated wrongly. */
export interface Census {
  readonly numbers: number;
  readonly exactMatch: number;
  readonly wrong: readonly Sample[];
}

/** All of 0 … 9,999, and those among them that training never showed. */
export async function evaluateShort(task: Task): Promise<{ readonly all: Census; readonly unseen: Census }> {
  const { test, development } = task.corpus;
  const heldOut = new Set([...test, ...development].map(({ number }) => number));
  const { samples } = await evaluate(
    task,
    Array.from({ length: SHORT_NUMBERS }, (_, number) => pairOf(number)),
  );
  const census = (of: readonly Sample[]): Census => ({
    numbers: of.length,
    exactMatch: exactShare(of),
    wrong: of.filter((sample) => !isExact(sample)),
  });
  return { all: census(samples), unseen: census(samples.filter(({ number }) => heldOut.has(number))) };
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
