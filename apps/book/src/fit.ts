/** Training on batches that are made as they are needed, as the examples with sequences do it. */
import { valueAndGrad } from "@neurite/autograd";
import type { Tensor } from "@neurite/core";
import type { Module } from "@neurite/layers";
import type { Optimizer } from "@neurite/optimizers";
import { RunningMean } from "@neurite/training";
import type { Run } from "./example.js";

export interface FitOptions {
  readonly model: Module;
  readonly optimizer: Optimizer;
  readonly steps: number;
  /** The scalar loss of a new batch, whose tensors it makes: they are freed after the step. */
  readonly loss: (step: number) => Tensor;
  /** Points of the curves. Default 40. */
  readonly points?: number;
  /** Measured at each point, in evaluation mode. */
  readonly evaluate?: () => Promise<number>;
  /** Steps that other trainings of the same example do before this one, and all together. */
  readonly before?: number;
  readonly total?: number;
}

/** Points [step, value]. */
type Curve = readonly (readonly [step: number, value: number])[];

export interface Fitted {
  /** Mean loss since the point before. */
  readonly objective: Curve;
  /** What `evaluate` gave; empty without one. */
  readonly measured: Curve;
}

/** Trains, and leaves the model in evaluation mode. */
export async function fit(run: Run, options: FitOptions): Promise<Fitted> {
  const { model, optimizer, steps, loss, points = 40, evaluate, before = 0, total = steps } = options;
  const every = Math.ceil(steps / points);
  const objective: [number, number][] = [];
  const measured: [number, number][] = [];
  const train = valueAndGrad((step: number) => loss(step), model.parameters());
  const mean = new RunningMean();
  model.train();
  for (let step = 1; step <= steps; step++) {
    const { value, grads } = train(step);
    optimizer.step(grads);
    const now = await value.item();
    value.dispose();
    mean.add(now);
    run.step({ step: before + step, steps: total, loss: now });
    if (step % every !== 0 && step !== steps) continue;
    objective.push([step, mean.value]);
    mean.reset();
    if (!evaluate) continue;
    model.eval();
    measured.push([step, await evaluate()]);
    model.train();
  }
  model.eval();
  return { objective, measured };
}
