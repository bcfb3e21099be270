/** Training a translator, with checkpoints and curves in a folder. */
import { manualSeed, ValueError } from "@neurite/core";
import { withTensors } from "@neurite/io";
import { FileStore } from "@neurite/io/node";
import { Adam, warmupExponential } from "@neurite/optimizers";
import { type FitResult, readTrained, type StepReport, Trainer } from "@neurite/training";
import { progressBar } from "@neurite/training/node";
import { evaluate } from "./evaluate.js";
import { CORPUS_SEED } from "./numbers.js";
import { makeLoader, makeTask, type RunOptions, type Task } from "./task.js";

const WARMUP = 50;
const HALF_LIFE = 230;
const EVALUATE_EVERY = 50;
/** Sentences behind each point of the two performance curves. */
const PROBE = 128;

export interface TrainRequest {
  readonly options: RunOptions;
  readonly folder: string;
  readonly resume: boolean;
  readonly checkpointEvery: number | undefined;
  /** Ends the training with a checkpoint. */
  readonly signal?: AbortSignal;
  /** Told after each step, beside the progress bar. */
  readonly onStep?: (report: StepReport) => void;
}

/** Weights and options of the run in a folder. @throws ValueError when it learned other numbers than this program knows */
async function readRun(folder: string) {
  const { weights, extra } = await readTrained(new FileStore(folder));
  const options = extra as RunOptions;
  if (options.corpus === CORPUS_SEED) return { weights, options };
  throw new ValueError({
    op: "translate",
    argument: folder,
    expected: `a network trained on corpus ${CORPUS_SEED}`,
    received: options.corpus === undefined ? "one of an earlier version" : `one of corpus ${options.corpus}`,
    remedy: "Train it again, in this folder or another.",
  });
}

/** The options a run in `folder` was started with; null when there is no checkpoint yet. */
export async function savedOptions(folder: string): Promise<RunOptions | null> {
  if (!(await new FileStore(folder).exists("checkpoint.safetensors"))) return null;
  return (await readRun(folder)).options;
}

export async function train({ options, folder, resume, checkpointEvery, signal, onStep }: TrainRequest): Promise<{
  task: Task;
  fit: FitResult;
}> {
  manualSeed(options.seed);
  const task = makeTask(options);
  const { model, corpus } = task;
  const { learningRate, steps } = options;
  const optimizer = new Adam(model.parameters(), {
    learningRate: warmupExponential({ peak: learningRate, warmup: WARMUP, halfLife: HALF_LIFE }),
    clipNorm: 1,
  });
  const progress = progressBar();
  const trainer = new Trainer({
    model,
    optimizer,
    loader: makeLoader(task, options),
    loss: ({ source, targetIn, targetOut }) => model.loss(source, targetIn, targetOut),
    steps,
    metric: "exact match",
    evaluateEvery: EVALUATE_EVERY,
    evaluate: async () => ({
      train: (await evaluate(task, corpus.train.slice(0, PROBE))).exactMatch,
      dev: (await evaluate(task, corpus.development.slice(0, PROBE))).exactMatch,
    }),
    checkpoint: {
      store: new FileStore(folder),
      extra: options,
      ...(checkpointEvery ? { every: checkpointEvery } : {}),
    },
    onStep: (report) => {
      progress.step(report);
      onStep?.(report);
    },
  });
  if (resume) await trainer.resume();
  if (trainer.step > steps) {
    throw new ValueError({
      op: "train",
      argument: "--steps",
      expected: `at least ${trainer.step}, the steps done already`,
      received: String(steps),
      remedy: "The number is the total, also when resuming.",
    });
  }
  try {
    return { task, fit: await trainer.fit(signal ? { signal } : {}) };
  } finally {
    progress.stop();
  }
}

/** The trained model of a folder. */
export async function load(folder: string): Promise<Task> {
  const { weights, options } = await readRun(folder);
  const task = makeTask(options);
  withTensors(weights, (values) => task.model.loadStateDict(values));
  return task;
}
