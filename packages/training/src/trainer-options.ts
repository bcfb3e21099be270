/** What a trainer is given and gives back, and the checks of it. */
import { type Tensor, ValueError } from "@neurite/core";
import { expectInteger, expectOptions, expectRecord, type OptionKinds } from "@neurite/core/expect";
import type { Batch, DataLoader, HostBatch } from "@neurite/data";
import type { Store } from "@neurite/io";
import type { Module } from "@neurite/layers";
import type { Optimizer, ReduceOnPlateau, WeightAverage } from "@neurite/optimizers";
import type { CurvePoint, LearningCurves } from "./curves.js";
import type { EarlyStoppingOptions } from "./early-stopping.js";

/** Performance on both sets, higher is better; null where it was not measured. */
export interface Performance {
  readonly train: number | null;
  readonly dev: number | null;
}

/** Told after each step, one step late. */
export interface StepReport {
  /** Number of the step, from 1. */
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
}

export interface CheckpointOptions {
  readonly store: Store;
  /** Default `checkpoint.safetensors`. */
  readonly path?: string;
  /** Steps from one checkpoint to the next. Default: only at the start and the end. */
  readonly every?: number;
  /** JSON kept along, e.g. the options the model was built with. */
  readonly extra?: unknown;
}

export interface TrainerOptions<T, B extends HostBatch> {
  readonly model: Module;
  readonly optimizer: Optimizer;
  readonly loader: DataLoader<T, B>;
  /** The scalar loss of one batch. */
  readonly loss: (batch: Batch<B>) => Tensor;
  /** Steps in all, those before a resume included. */
  readonly steps: number;
  /** Measures both performances; the model is in evaluation mode. The signal is that of `fit`, for loops of its own. */
  readonly evaluate?: (context: { readonly signal: AbortSignal | undefined }) => Promise<Performance>;
  /** Steps from one point of the curves to the next. Default: one epoch. */
  readonly evaluateEvery?: number;
  /** Name of what `evaluate` measures. Default `"performance"`. */
  readonly metric?: string;
  /** Batches whose gradients make one step, as the mean over all of their items; at the end of an epoch, those that are left. Default 1. */
  readonly accumulate?: number;
  /** Running average of the weights: taken after each step, and used for evaluation. */
  readonly average?: WeightAverage;
  /** What early stopping and `plateau` go by at each point of the curves. Default `dev`. */
  readonly monitor?: "objective" | "train" | "dev";
  /** Told the measure at each point; its `schedule` is the optimizer's learning rate. `train` and `dev` take its mode `max`. */
  readonly plateau?: ReduceOnPlateau;
  readonly earlyStopping?: EarlyStoppingOptions;
  readonly checkpoint?: CheckpointOptions;
  readonly onStep?: (report: StepReport) => void;
  readonly onPoint?: (point: CurvePoint) => void;
}

export interface FitOptions {
  /**
   * Ends the training between two steps: the checkpoint is written, and `fit` is rejected with the signal's reason. Calling
   * it again goes on from there, as resuming does.
   */
  readonly signal?: AbortSignal;
}

export const FIT: OptionKinds<FitOptions> = { signal: "signal" };

export interface FitResult {
  readonly steps: number;
  /** Wall-clock seconds of this call. */
  readonly seconds: number;
  /** Mean loss over the items of the steps since the last point of the curves, or at that point; null before the first step. */
  readonly objective: number | null;
  readonly curves: LearningCurves;
  /** Whether early stopping ended the run. */
  readonly stopped: boolean;
}

const OPTIONS: OptionKinds<TrainerOptions<unknown, HostBatch>> = {
  model: "any",
  optimizer: "any",
  loader: "any",
  loss: "any",
  steps: "count",
  evaluate: "function",
  evaluateEvery: "size",
  metric: "string",
  accumulate: "size",
  average: "any",
  monitor: ["objective", "train", "dev"],
  plateau: "any",
  earlyStopping: "any",
  checkpoint: "any",
  onStep: "function",
  onPoint: "function",
};

const CHECKPOINT: OptionKinds<CheckpointOptions> = { store: "any", path: "string", every: "size", extra: "any" };

/** Throws unless what a run is made of is there. */
export function expectParts<T, B extends HostBatch>(options: TrainerOptions<T, B>): void {
  expectRecord("Trainer", "options", options, "an object with model, optimizer, loader, loss and steps");
  expectOptions("Trainer", options, OPTIONS);
  const { model, optimizer, loader, loss, steps, average, plateau, checkpoint } = options;
  expectInteger("Trainer", "steps", steps, 0);
  if (checkpoint !== undefined) {
    expectRecord("Trainer", "checkpoint", checkpoint, "{ store, path, every, extra }");
    expectOptions("Trainer.checkpoint", checkpoint, CHECKPOINT);
  }
  const parts: Readonly<Record<string, readonly [part: unknown, expected: string]>> = {
    model: [model?.parameters, "a module"],
    optimizer: [optimizer?.step, "an optimizer over the model's parameters"],
    loader: [loader?.forever, "a DataLoader"],
    loss: [loss, "a function from a batch to its loss"],
    ...(average !== undefined && { average: [average?.update, "a WeightAverage"] }),
    ...(plateau !== undefined && { plateau: [plateau?.report, "a ReduceOnPlateau"] }),
    ...(checkpoint && { "checkpoint.store": [checkpoint.store?.write, "a store of files"] }),
  };
  for (const [argument, [part, expected]] of Object.entries(parts)) {
    if (typeof part === "function") continue;
    throw new ValueError({ op: "Trainer", argument, expected, received: "something else" });
  }
}

/** What `evaluate` gave. @throws ValueError unless it is two numbers or nulls */
export function performanceOf(given: Performance): Performance {
  const { train, dev } = given ?? {};
  const measured = (value: unknown) => value === null || typeof value === "number";
  if (measured(train) && measured(dev)) return { train: train!, dev: dev! };
  throw new ValueError({
    op: "Trainer",
    argument: "evaluate",
    expected: "{ train, dev }, numbers or null",
    received: typeof given === "object" ? `train ${train}, dev ${dev}` : typeof given,
    remedy: "Give null for what was not measured.",
  });
}
