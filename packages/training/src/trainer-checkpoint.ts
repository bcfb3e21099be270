/** What a trainer's checkpoint holds beside tensors, and how it is read. */
import { CheckpointError, type GeneratorState } from "@neurite/core";
import type { LoaderState } from "@neurite/data";
import { type HostTensor, readCheckpoint, type Store } from "@neurite/io";
import type { PlateauState } from "@neurite/optimizers";
import type { LearningCurves } from "./curves.js";
import type { EarlyStoppingState } from "./early-stopping.js";

/** Everything but the tensors that a run continues from. */
export interface TrainerState {
  readonly step: number;
  readonly optimizerSteps: number;
  readonly random: GeneratorState;
  readonly loader: LoaderState;
  readonly lossSum: number;
  readonly lossCount: number;
  readonly curves: LearningCurves;
  readonly averageUpdates: number;
  readonly plateau: PlateauState | null;
  readonly stopping: EarlyStoppingState | null;
  readonly extra: unknown;
}

/** Name of the file unless another is given. */
export const CHECKPOINT = "checkpoint.safetensors";

export function withPrefix<V>(prefix: string, values: Readonly<Record<string, V>>): Record<string, V> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value]));
}

export function withoutPrefix<V>(prefix: string, values: Readonly<Record<string, V>>): Record<string, V> {
  const inside = Object.entries(values).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(inside.map(([name, value]) => [name.slice(prefix.length), value]));
}

/** The model's part of a trainer's checkpoint, and the JSON kept along. */
export async function readTrained(
  store: Store,
  path = CHECKPOINT,
): Promise<{ weights: Record<string, HostTensor>; extra: unknown }> {
  const { tensors, state } = await readCheckpoint(store, path);
  const { extra } = expectTrainerState(state, store.locate(path));
  return { weights: withoutPrefix("model.", tensors), extra };
}

/** Throws unless a checkpoint's state is a trainer's. */
export function expectTrainerState(state: unknown, path: string): TrainerState {
  const saved = state as TrainerState | null;
  const isTrainers =
    typeof saved === "object" &&
    saved !== null &&
    [saved.step, saved.optimizerSteps, saved.lossSum, saved.lossCount].every((value) => typeof value === "number") &&
    typeof saved.random?.counter === "number" &&
    typeof saved.loader?.batch === "number" &&
    Array.isArray(saved.curves?.points);
  if (isTrainers) return saved;
  throw new CheckpointError({
    op: "Trainer",
    argument: path,
    expected: "a checkpoint that a Trainer wrote",
    received: "one with another state",
    remedy: "Read it with readCheckpoint(), or load its weights alone.",
  });
}
