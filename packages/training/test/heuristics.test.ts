// Gradient accumulation, averages of weights, plateaus and early stopping in the trainer.
import { cpuJs } from "@neurite/backend-cpu-js";
import {
  type Device,
  Generator,
  log,
  Buffer as ModuleBuffer,
  manualSeed,
  mean,
  setDefaultDevice,
  square,
  sub,
  type Tensor,
  tensor,
  zeros,
} from "@neurite/core";
import { DataLoader, fromArray, stackArrays } from "@neurite/data";
import { MemoryStore } from "@neurite/io";
import { Dropout, Linear, Module } from "@neurite/layers";
import { Adam, equalDecay, type LearningRate, ReduceOnPlateau, SGD, WeightAverage } from "@neurite/optimizers";
import { beforeEach, describe, expect, it } from "vitest";
import { EarlyStopping, readTrained, type StepReport, Trainer, type TrainerOptions } from "../src/index.js";

let device: Device;
beforeEach(() => {
  device = cpuJs();
  setDefaultDevice(device);
  manualSeed(1);
});

class Net extends Module {
  readonly linear = new Linear(1, 1, { generator: new Generator(1) });
  readonly dropout: Dropout;
  readonly seen = new ModuleBuffer(zeros([1]));
  constructor(p: number) {
    super();
    this.dropout = new Dropout(p);
  }
  forward(x: Tensor): Tensor {
    if (this.training) this.seen.assign(this.seen.add(mean(x)));
    return this.linear.forward(this.dropout.forward(x));
  }
}

const collate = (xs: readonly number[]) => ({
  x: stackArrays(
    xs.map((x) => [x]),
    [1],
  ),
  y: stackArrays(
    xs.map((x) => [2 * x - 1]),
    [1],
  ),
});
type Collated = ReturnType<typeof collate>;
type Options = Omit<TrainerOptions<number, Collated>, "model" | "optimizer" | "loader" | "loss">;

interface Setup {
  readonly options: Options;
  readonly values?: readonly number[];
  readonly batchSize?: number;
  readonly learningRate?: LearningRate;
  readonly dropout?: number;
  readonly decay?: number;
  readonly bad?: boolean;
}

function setUp({ options, values, batchSize = 2, learningRate = 0.1, dropout = 0, decay, bad = false }: Setup) {
  const model = new Net(dropout);
  const items = values ?? Array.from({ length: 12 }, (_, i) => i / 12);
  const loader = new DataLoader(fromArray(items), { batchSize, shuffle: dropout > 0, seed: 3, collate });
  const average = decay === undefined ? {} : { average: new WeightAverage(model.parameters(), { decay }) };
  const trainer = new Trainer({
    model,
    optimizer:
      dropout > 0 ? new Adam(model.parameters(), { learningRate }) : new SGD(model.parameters(), { learningRate }),
    loader,
    loss: ({ x, y }) => {
      const error = mean(square(sub(model.forward(x), y)));
      return bad ? error.add(mean(log(x))) : error;
    },
    ...average,
    ...options,
  });
  return { model, loader, trainer, average: average.average };
}

const weights = ({ linear }: Net) => [linear.weight.itemSync(), linear.bias!.itemSync()];

/** An evaluation that gives the values told, one after another. */
const script = (...values: number[]) => {
  let at = 0;
  return async () => ({ train: null, dev: values[at++] ?? values.at(-1)! });
};

describe("accumulate", () => {
  it("takes the steps that larger batches take", async () => {
    const reports: StepReport[][] = [[], []];
    const large = setUp({ options: { steps: 20, onStep: (report) => reports[0]!.push(report) }, batchSize: 6 });
    await large.trainer.fit();
    const parts = setUp({ options: { steps: 20, accumulate: 3, onStep: (report) => reports[1]!.push(report) } });
    const { curves } = await parts.trainer.fit();
    weights(parts.model).forEach((value, i) => void expect(value).toBeCloseTo(weights(large.model)[i]!, 5));
    reports[1]!.forEach(({ loss }, i) => void expect(loss).toBeCloseTo(reports[0]![i]!.loss, 5));
    expect(curves.points.map(({ step, epoch }) => [step, epoch])).toEqual(
      Array.from({ length: 10 }, (_, i) => [2 * (i + 1), i + 1]),
    );
  });

  it("steps with what is left at the end of an epoch", async () => {
    // 6 batches: steps of 4 and 2
    const { trainer, loader } = setUp({ options: { steps: 3, accumulate: 4 } });
    const { curves } = await trainer.fit();
    expect(curves.points.map(({ step }) => step)).toEqual([2]);
    expect(loader.state()).toEqual({ epoch: 1, batch: 4 });
  });

  it("leaves nothing behind, however it ends", async () => {
    const { trainer } = setUp({ options: { steps: 2, accumulate: 3 } });
    await trainer.fit();
    const before = device.memory().storages;
    const second = setUp({ options: { steps: 5, accumulate: 3 } });
    const own = device.memory().storages - before;
    await second.trainer.fit();
    // the loss of the last batch lives until the next
    expect(device.memory().storages - before - own).toBeLessThanOrEqual(1);
  });

  it("goes back to before all batches of a step that is not finite, buffers and averages too", async () => {
    // batches of 2: the fifth has a negative number
    const values = [1, 1, 1, 1, 1, 1, 1, 1, 1, -5, 1, 1];
    const { trainer, model, loader, average } = setUp({
      options: { steps: 9, accumulate: 3 },
      values,
      bad: true,
      decay: 0.5,
    });
    await expect(trainer.fit()).rejects.toMatchObject({ code: "ERR_NON_FINITE", info: { op: "log" } });
    expect(trainer.step).toBe(1);
    expect(loader.state()).toEqual({ epoch: 0, batch: 3 });
    expect(model.seen.itemSync()).toBe(3);
    const good = setUp({ options: { steps: 1, accumulate: 3 }, values, bad: true, decay: 0.5 });
    await good.trainer.fit();
    expect(weights(model)).toEqual(weights(good.model));
    expect(average!.updates).toBe(1);
    expect(average!.state().tensors["linear.weight"]!.dataSync()).toEqual(model.linear.weight.dataSync());
  });
});

describe("average", () => {
  it("evaluates with the averages, and gives the weights back", async () => {
    const seen: number[] = [];
    const steps: number[] = [];
    const model = new Net(0);
    const loader = new DataLoader(fromArray([0, 1]), { batchSize: 2, collate });
    const average = new WeightAverage(model.parameters(), { decay: equalDecay });
    const trainer = new Trainer({
      model,
      optimizer: new SGD(model.parameters(), { learningRate: 0.1 }),
      loader,
      loss: ({ x, y }) => mean(square(sub(model.forward(x), y))),
      steps: 4,
      average,
      evaluate: async () => {
        seen.push(model.linear.weight.itemSync());
        return { train: null, dev: null };
      },
      onPoint: () => void steps.push(model.linear.weight.itemSync()),
    });
    await trainer.fit();
    expect(average.updates).toBe(4);
    seen.forEach((value, i) => {
      const mean = steps.slice(0, i + 1).reduce((a, b) => a + b, 0) / (i + 1);
      expect(value).toBeCloseTo(mean, 6);
    });
    expect(model.linear.weight.itemSync()).toBe(steps[3]);
    expect(new Set(steps).size).toBe(4);
  });
});

describe("plateau", () => {
  it("reduces the rate by what is monitored", async () => {
    const plateau = new ReduceOnPlateau({ rate: 1, mode: "max", factor: 0.5, patience: 0 });
    const rates: number[] = [];
    const options = {
      steps: 5,
      plateau,
      evaluateEvery: 1,
      evaluate: script(1, 2, 2, 3, 1),
      onPoint: () => void rates.push(plateau.schedule(0)),
    };
    await setUp({ options, learningRate: plateau.schedule }).trainer.fit();
    expect(rates).toEqual([1, 1, 0.5, 0.5, 0.25]);
  });
});

describe("early stopping", () => {
  it("ends the run after its patience, with the weights of the best point", async () => {
    const seen: number[][] = [];
    const model: { current?: Net } = {};
    const store = new MemoryStore();
    const options: Options = {
      steps: 50,
      evaluateEvery: 2,
      evaluate: script(1, 5, 3, 4, 4),
      earlyStopping: { patience: 2 },
      onPoint: () => void seen.push(weights(model.current!)),
      checkpoint: { store },
    };
    const set = setUp({ options });
    model.current = set.model;
    const { steps, stopped, curves } = await set.trainer.fit();
    expect([steps, stopped]).toEqual([10, true]);
    expect(curves.points.map(({ dev }) => dev)).toEqual([1, 5, 3, 4, 4]);
    expect(weights(set.model)).toEqual(seen[1]);
    expect(seen[4]).not.toEqual(seen[1]);
    const kept = await readTrained(store);
    expect(kept.weights["linear.weight"]!.data).toEqual(set.model.linear.weight.dataSync());
    expect(set.model.seen.itemSync()).toBeLessThan(10);
    // a run that has stopped stays so
    const again = setUp({ options });
    await again.trainer.resume();
    expect((await again.trainer.fit()).steps).toBe(10);
  });

  it("keeps the last weights if told, goes by the objective, and needs a measure", async () => {
    const options: Options = {
      steps: 9,
      evaluateEvery: 1,
      evaluate: script(1, 0),
      earlyStopping: { patience: 0, restoreBest: false },
    };
    const one = setUp({ options });
    expect((await one.trainer.fit()).steps).toBe(2);
    const two = setUp({ options: { steps: 2 } });
    await two.trainer.fit();
    expect(weights(one.model)).toEqual(weights(two.model));
    const falling = setUp({
      options: { steps: 9, evaluateEvery: 1, monitor: "objective", earlyStopping: { patience: 0 } },
      batchSize: 12,
    });
    expect(await falling.trainer.fit()).toMatchObject({ steps: 9, stopped: false });
    const blind = setUp({ options: { steps: 9, earlyStopping: { patience: 0 } } });
    await expect(blind.trainer.fit()).rejects.toThrow(/monitor expects a measured dev at each point/);
  });

  it("counts by its threshold, and takes NaN for no improvement", () => {
    const stopping = new EarlyStopping({ patience: 1, threshold: 0.5, restoreBest: false });
    const stops = [Number.NaN, 1, 1.4, 1.6, 2].map((value) => {
      stopping.report(value, {});
      return stopping.stopped;
    });
    expect(stops).toEqual([false, false, false, false, false]);
    stopping.report(Number.NaN, {});
    expect([stopping.state(), stopping.stopped]).toEqual([{ best: 1.6, bad: 2, stopped: true }, true]);
    expect(() => new EarlyStopping({ patience: -1 })).toThrow(/patience expects a number, 0 or above/);
    expect(() => new EarlyStopping({ patience: 1, threshold: Number.NaN })).toThrow(/threshold expects/);
  });

  it("frees the best weights it replaces", () => {
    const stopping = new EarlyStopping({ patience: 1 });
    const before = device.memory().storages;
    for (const value of [1, 2, 3]) {
      const weight = tensor([value]);
      stopping.report(value, { weight });
      weight.dispose();
    }
    expect(device.memory().storages).toBe(before + 1);
    expect(stopping.weights.weight!.itemSync()).toBe(3);
    stopping.dispose();
    expect(device.memory().storages).toBe(before);
  });
});

it("ends at the same checkpoint, byte for byte, wherever a run with all of them is cut off", async () => {
  const make = (store: MemoryStore, every: number, steps: number, onStep?: Options["onStep"]) => {
    const plateau = new ReduceOnPlateau({ rate: 0.05, mode: "max", factor: 0.5, patience: 0 });
    const options: Options = {
      steps,
      accumulate: 4,
      plateau,
      evaluateEvery: 3,
      // falls and rises with the place in the run, and so is the same after a resume
      evaluate: async () => ({ train: null, dev: Math.sin(trainerOf.current!.step) }),
      earlyStopping: { patience: 3 },
      checkpoint: { store, every },
      ...(onStep ? { onStep } : {}),
    };
    const set = setUp({ options, dropout: 0.2, decay: 0.5, learningRate: plateau.schedule });
    trainerOf.current = set.trainer;
    return set.trainer;
  };
  const trainerOf: { current?: Trainer<number, Collated> } = {};
  for (const steps of [14, 100]) {
    const whole = new MemoryStore();
    manualSeed(1);
    const result = await make(whole, 1000, steps).fit();
    expect(result.stopped).toBe(steps === 100);
    const wanted = await whole.read("checkpoint.safetensors");
    for (const [every, ...cuts] of [
      [1, 2, 7],
      [3, 5, 13],
      [4, 7, 11, 41],
    ] as const) {
      const store = new MemoryStore();
      manualSeed(1);
      for (const cut of [...cuts.filter((cut) => cut < steps), Number.POSITIVE_INFINITY]) {
        const trainer = make(store, every, steps, ({ step }) => {
          if (step >= cut) throw new Error("cut off");
        });
        await trainer.resume();
        if (Number.isFinite(cut)) await expect(trainer.fit()).rejects.toThrow("cut off");
        else await trainer.fit();
        manualSeed(999);
      }
      expect(await store.read("checkpoint.safetensors"), `${steps} steps, cut off at ${cuts}`).toEqual(wanted);
    }
  }
});

it("refuses an impossible number of batches", () => {
  expect(() => setUp({ options: { steps: 1, accumulate: 0 } })).toThrow(
    /accumulate expects a positive integer, but received 0/,
  );
});
