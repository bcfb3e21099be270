/**
 * The training loop: steps, evaluation, learning curves, checkpoints that resume exactly, and an end with an explanation
 * when the loss stops being finite. Results are read one step late, so a device never waits for the host.
 */
import { valueAndGrad } from "@neurite/autograd";
import {
  add,
  breathe,
  checkFinite,
  defaultGenerator,
  div,
  type GeneratorState,
  isNeuriteError,
  mul,
  NonFiniteError,
  type Parameter,
  restoreGenerator,
  scope,
  type Tensor,
  ValueError,
} from "@neurite/core";
import { expectOptions } from "@neurite/core/expect";
import type { Batch, HostBatch, LoaderState } from "@neurite/data";
import { readCheckpoint, toHost, withTensors, writeCheckpoint } from "@neurite/io";
import { GradientSum } from "@neurite/optimizers";
import { type CurvePoint, curvesToJSON, type LearningCurves } from "./curves.js";
import { curvesToSVG } from "./curves-svg.js";
import { EarlyStopping } from "./early-stopping.js";
import { FiniteGate } from "./finite-gate.js";
import { CHECKPOINT, expectTrainerState, type TrainerState, withoutPrefix, withPrefix } from "./trainer-checkpoint.js";
import {
  expectParts,
  FIT,
  type FitOptions,
  type FitResult,
  type Performance,
  performanceOf,
  type TrainerOptions,
} from "./trainer-options.js";

/** Where a step began, so that it can be undone and run again. */
interface Start {
  readonly random: GeneratorState;
  readonly place: LoaderState;
  /** Handles to the values of the model's buffers before the step. */
  readonly buffers: ReadonlyMap<Parameter, Tensor>;
  /** Frees those handles. */
  release(): void;
}

/** A step whose results are still under way. */
interface Pending {
  readonly step: number;
  readonly loss: Promise<number>;
  readonly finite: Promise<number>;
  readonly start: Start;
  /** Batches it took, and their items. */
  readonly batches: number;
  readonly items: number;
}

/**
 * Trains a model.
 * @example
 * const trainer = new Trainer({ model, optimizer, loader, loss, steps: 400, checkpoint: { store, every: 100 } });
 * await trainer.resume();                        // continues from the checkpoint, if there is one
 * const { curves } = await trainer.fit();
 */
export class Trainer<T, B extends HostBatch> {
  readonly #options: TrainerOptions<T, B>;
  readonly #run: (batch: Batch<B>) => { value: Tensor; grads: Record<string, Tensor> };
  readonly #gate = new FiniteGate();
  readonly #stopping: EarlyStopping | null;
  /** The step in the making: where it began, and the sums over its batches so far. */
  #start: Start | null = null;
  readonly #gradients = new GradientSum();
  #losses: Tensor | null = null;
  #items = 0;
  #step = 0;
  #lossSum = 0;
  #lossCount = 0;
  #points: CurvePoint[] = [];
  #pending: Pending | null = null;

  constructor(options: TrainerOptions<T, B>) {
    expectParts(options);
    this.#options = options;
    const { model, loss } = options;
    this.#run = valueAndGrad(loss, model.parameters());
    this.#stopping = options.earlyStopping ? new EarlyStopping(options.earlyStopping) : null;
  }

  /** Steps done. */
  get step(): number {
    return this.#step;
  }

  /** Steps in an epoch. */
  get #stepsPerEpoch(): number {
    const { loader, accumulate = 1 } = this.#options;
    return Math.ceil(loader.length / accumulate);
  }

  get curves(): LearningCurves {
    return { metric: this.#options.metric ?? "performance", points: this.#points };
  }

  /**
   * Trains up to the given number of steps.
   * @throws NonFiniteError when a loss or a gradient is not finite: it names the first op that made such a number; weights
   * and checkpoint are those before that step. The signal's reason when it was aborted; weights and checkpoint are those after
   * the last step
   */
  async fit(options: FitOptions = {}): Promise<FitResult> {
    expectOptions("Trainer.fit", options, FIT);
    const { signal } = options;
    signal?.throwIfAborted();
    const started = performance.now();
    const { model, loader, checkpoint, evaluateEvery = this.#stepsPerEpoch } = this.#options;
    model.train();
    if (this.#step === 0) await this.save();
    try {
      // interrupted while it was measured
      if (this.#step > 0 && this.#step % evaluateEvery === 0 && this.#points.at(-1)?.step !== this.#step) {
        await this.#addPoint(signal);
      }
      while (!this.#ended) {
        for await (const batch of loader) {
          await breathe();
          if (signal?.aborted) {
            this.#undoBatches();
            throw signal.reason;
          }
          if (!(await this.#train(batch))) continue;
          if (this.#step % evaluateEvery === 0) await this.#addPoint(signal);
          if (this.#stopping?.stopped) this.#stopping.restoreBest(model.stateDict());
          if (this.#ended || (checkpoint?.every && this.#step % checkpoint.every === 0)) await this.save();
          if (this.#ended) break;
        }
      }
      await this.#settleAll();
    } catch (error) {
      if (signal?.aborted && error === signal.reason) {
        await this.save();
        await this.#writeCurves();
      }
      throw error;
    } finally {
      this.#gate.dispose();
      this.#pending?.start.release();
      if (this.#start) this.#abandon(this.#start);
    }
    await this.#writeCurves();
    const seconds = (performance.now() - started) / 1000;
    const objective = this.#lossCount > 0 ? this.#lossSum / this.#lossCount : (this.#points.at(-1)?.objective ?? null);
    const stopped = this.#stopping?.stopped ?? false;
    return { steps: this.#step, seconds, objective, curves: this.curves, stopped };
  }

  /** Goes back to the end of the last step: batches taken since then, together or ahead, count for nothing. */
  #undoBatches(): void {
    const { loader } = this.#options;
    const { epoch, batch } = loader.state();
    const start = this.#start;
    if (!start) {
      loader.restore({ epoch, batch: batch - 1 });
      return;
    }
    for (const [buffer, value] of start.buffers) buffer.assign(value);
    restoreGenerator(start.random);
    this.#abandon(start);
  }

  get #ended(): boolean {
    return this.#step >= this.#options.steps || (this.#stopping?.stopped ?? false);
  }

  /** Runs one batch, and a step when enough are together. @returns whether there was a step */
  async #train(batch: Batch<B>): Promise<boolean> {
    const { loader, accumulate = 1 } = this.#options;
    const { epoch, batch: taken } = loader.state();
    this.#start ??= this.#begin({ epoch, batch: taken - 1 });
    const { value, grads } = this.#run(batch);
    const items = loader.itemsIn(taken - 1);
    const batches = this.#gradients.count + 1;
    const full = batches === accumulate || taken === loader.length;
    if (full && batches === 1) {
      await this.#update(value, grads, { batches, items });
      return true;
    }
    this.#gradients.add(grads, items);
    // as with the gradients, which are means over the items
    const before = this.#losses;
    const share = scope(() => mul(value, items));
    this.#losses = before ? add(before, share) : share;
    if (before) for (const tensor of [before, share]) tensor.dispose();
    this.#items += items;
    if (!full) return false;
    const loss = div(this.#losses, this.#items);
    const step = { batches, items: this.#items };
    this.#losses.dispose();
    this.#losses = null;
    this.#items = 0;
    await this.#update(loss, this.#gradients.mean(), step, () => loss.dispose());
    return true;
  }

  #begin(place: LoaderState): Start {
    const buffers = new Map(Object.values(this.#options.model.buffers()).map((buffer) => [buffer, buffer.alias()]));
    const release = () => {
      for (const value of buffers.values()) value.dispose();
    };
    return { random: defaultGenerator().state(), place, buffers, release };
  }

  /** Forgets a step in the making. */
  #abandon(start: Start): void {
    this.#options.loader.restore(start.place);
    start.release();
    this.#start = null;
    this.#gradients.dispose();
    this.#losses?.dispose();
    this.#losses = null;
    this.#items = 0;
  }

  async #update(
    loss: Tensor,
    grads: Record<string, Tensor>,
    { batches, items }: Pick<Pending, "batches" | "items">,
    done?: () => void,
  ): Promise<void> {
    const { optimizer, average } = this.#options;
    const start = this.#start!;
    this.#start = null;
    const finite = this.#gate.pass(loss, grads);
    optimizer.step(grads, { when: finite });
    average?.update({ when: finite });
    this.#step++;
    const before = this.#pending;
    this.#pending = { step: this.#step, loss: loss.item(), finite: finite.item(), start, batches, items };
    done?.();
    if (before) await this.#settle(before);
  }

  async #settle(pending: Pending): Promise<void> {
    const { step, loss, finite, items } = pending;
    const [lossValue, ok] = await Promise.all([loss, finite]);
    if (!ok) {
      const later = this.#pending;
      this.#pending = null;
      later?.start.release();
      await this.#rewind(pending, later ? 2 : 1);
    }
    pending.start.release();
    this.#lossSum += items * lossValue;
    this.#lossCount += items;
    this.#options.onStep?.({ step, steps: this.#options.steps, loss: lossValue });
  }

  async #settleAll(): Promise<void> {
    const pending = this.#pending;
    this.#pending = null;
    if (pending) await this.#settle(pending);
  }

  /** Goes back to before a step that was not finite, saves that state, and finds the op to blame. */
  async #rewind({ step, start, batches }: Pending, undone: number): Promise<never> {
    const { loader, optimizer, checkpoint, average } = this.#options;
    const { random, place, buffers, release } = start;
    this.#gate.dispose();
    for (const [buffer, value] of buffers) buffer.assign(value);
    this.#step = step - 1;
    optimizer.restore({ ...optimizer.state(), steps: step - 1 });
    if (average) average.restore({ ...average.state(), updates: average.updates - undone });
    loader.restore(place);
    restoreGenerator(random);
    if (checkpoint) await this.save();
    let cause: unknown;
    try {
      for (let i = 0; i < batches && cause === undefined; i++) {
        cause = await this.#blame({ epoch: place.epoch, batch: place.batch + i });
      }
    } finally {
      restoreGenerator(random);
      // the step that was run again has written them once more
      for (const [buffer, value] of buffers) buffer.assign(value);
      release();
    }
    throw new NonFiniteError(
      {
        op: isNeuriteError(cause) ? cause.info.op : "training",
        argument: `a number made at training step ${step}`,
        expected: "finite numbers",
        received: cause instanceof Error ? cause.message : "NaN or infinity in the loss or a gradient",
        remedy: "The weights are those before this step. Lower the learning rate or clip the gradients.",
      },
      { cause },
    );
  }

  /** Runs a batch again, and gives the error that names the first op with a result that is not finite. */
  async #blame(place: LoaderState): Promise<unknown> {
    const batch = await this.#options.loader.at(place);
    try {
      checkFinite(() => scope(() => this.#run(batch) as never));
    } catch (error) {
      return error;
    } finally {
      for (const tensor of Object.values(batch)) (tensor as Tensor).dispose();
    }
    return undefined;
  }

  async #addPoint(signal: AbortSignal | undefined): Promise<void> {
    await this.#settleAll();
    const { average, onPoint } = this.#options;
    const measure = () => this.#measure(signal);
    const point = await (average && average.updates > 0 ? average.during(measure) : measure());
    this.#lossSum = 0;
    this.#lossCount = 0;
    this.#points.push(point);
    onPoint?.(point);
    await this.#writeCurves();
  }

  /** Measures the weights as they are, and tells those that go by it. */
  async #measure(signal: AbortSignal | undefined): Promise<CurvePoint> {
    const { model, evaluate, plateau, monitor = "dev" } = this.#options;
    let measured: Performance = { train: null, dev: null };
    if (evaluate) {
      model.eval();
      try {
        measured = performanceOf(await evaluate({ signal }));
      } finally {
        model.train();
      }
    }
    const objective = this.#lossSum / this.#lossCount;
    const point = { step: this.#step, epoch: this.#step / this.#stepsPerEpoch, objective, ...measured };
    if (!plateau && !this.#stopping) return point;
    const value = point[monitor];
    if (value === null) {
      throw new ValueError({
        op: "Trainer",
        argument: "monitor",
        expected: `a measured ${monitor} at each point of the curves`,
        received: "none",
        remedy: 'Measure it in evaluate, or monitor "objective".',
      });
    }
    plateau?.report(value);
    this.#stopping?.report(monitor === "objective" ? -value : value, model.stateDict());
    return point;
  }

  /** Writes the curves as files; they can be made again from the checkpoint, which has the curves too. */
  async #writeCurves(): Promise<void> {
    const { checkpoint } = this.#options;
    if (!checkpoint || this.#points.length === 0) return;
    const encode = (text: string) => new TextEncoder().encode(text);
    await checkpoint.store.write("curves.json", encode(curvesToJSON(this.curves)));
    await checkpoint.store.write("curves.svg", encode(curvesToSVG(this.curves)));
  }

  /** Writes a checkpoint, if the trainer has a store. @throws CheckpointError when it cannot be written; the one before stays whole */
  async save(): Promise<void> {
    const { model, optimizer, loader, checkpoint, average, plateau } = this.#options;
    if (!checkpoint) return;
    await this.#settleAll();
    const { steps, tensors } = optimizer.state();
    const state: TrainerState = {
      step: this.#step,
      optimizerSteps: steps,
      random: defaultGenerator().state(),
      loader: loader.state(),
      lossSum: this.#lossSum,
      lossCount: this.#lossCount,
      curves: this.curves,
      averageUpdates: average?.updates ?? 0,
      plateau: plateau?.state() ?? null,
      stopping: this.#stopping?.state() ?? null,
      extra: checkpoint.extra ?? null,
    };
    const all = {
      ...withPrefix("model.", model.stateDict()),
      ...withPrefix("optimizer.", tensors),
      ...withPrefix("average.", average?.state().tensors ?? {}),
      ...withPrefix("best.", this.#stopping?.weights ?? {}),
    };
    await writeCheckpoint(checkpoint.store, checkpoint.path ?? CHECKPOINT, { tensors: await toHost(all), state });
  }

  /**
   * Continues from the checkpoint: weights, optimizer, random numbers, place in the data and curves.
   * @returns false when there is none
   * @throws CheckpointError for a damaged or foreign one
   */
  async resume(): Promise<boolean> {
    const { model, optimizer, loader, checkpoint, average, plateau } = this.#options;
    const path = checkpoint?.path ?? CHECKPOINT;
    if (!checkpoint || !(await checkpoint.store.exists(path))) return false;
    const { tensors, state } = await readCheckpoint(checkpoint.store, path);
    const saved = expectTrainerState(state, checkpoint.store.locate(path));
    const device = Object.values(model.parameters())[0]?.device;
    withTensors(
      tensors,
      (values) => {
        model.loadStateDict(withoutPrefix("model.", values));
        optimizer.restore({ steps: saved.optimizerSteps, tensors: withoutPrefix("optimizer.", values) });
        average?.restore({ updates: saved.averageUpdates, tensors: withoutPrefix("average.", values) });
        if (saved.stopping) this.#stopping?.restore(saved.stopping, withoutPrefix("best.", values));
      },
      device,
    );
    if (saved.plateau) plateau?.restore(saved.plateau);
    restoreGenerator(saved.random);
    loader.restore(saved.loader);
    this.#step = saved.step;
    this.#lossSum = saved.lossSum;
    this.#lossCount = saved.lossCount;
    this.#points = [...saved.curves.points];
    return true;
  }
}
