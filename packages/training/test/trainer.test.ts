import { cpuJs } from "@neurite/backend-cpu-js";
import {
  type Device,
  defaultGenerator,
  Generator,
  log,
  Buffer as ModuleBuffer,
  manualSeed,
  mean,
  mul,
  Parameter,
  setDefaultDevice,
  square,
  sub,
  type Tensor,
  tensor,
  zeros,
} from "@neurite/core";
import { DataLoader, fromArray, stackArrays } from "@neurite/data";
import { MemoryStore, writeCheckpoint } from "@neurite/io";
import { Dropout, Linear, Module } from "@neurite/layers";
import { Adam, SGD } from "@neurite/optimizers";
import { beforeEach, describe, expect, it } from "vitest";
import {
  type CurvePoint,
  curvesToSVG,
  type LearningCurves,
  readTrained,
  type StepReport,
  Trainer,
} from "../src/index.js";

let device: Device;
beforeEach(() => {
  device = cpuJs();
  setDefaultDevice(device);
  manualSeed(1);
});

/** y = 2x − 1 with dropout before, so that random numbers matter. */
class Net extends Module {
  readonly hidden = new Linear(1, 8, { generator: new Generator(1) });
  readonly dropout = new Dropout(0.2);
  readonly output = new Linear(8, 1, { generator: new Generator(2) });
  forward(x: Tensor): Tensor {
    return this.output.forward(this.dropout.forward(this.hidden.forward(x)));
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

interface Setup {
  readonly steps: number;
  readonly store?: MemoryStore;
  readonly every?: number;
  readonly values?: readonly number[];
  readonly onStep?: (report: StepReport) => void;
  readonly onPoint?: (point: CurvePoint) => void;
  readonly loss?: (model: Net, batch: { readonly x: Tensor; readonly y: Tensor }) => Tensor;
}

const squaredError = (model: Net, { x, y }: { readonly x: Tensor; readonly y: Tensor }) =>
  mean(square(sub(model.forward(x), y)));

function setUp({ steps, store, every, values, onStep, onPoint, loss = squaredError }: Setup) {
  const model = new Net();
  const items = values ?? Array.from({ length: 12 }, (_, i) => i / 12);
  const loader = new DataLoader(fromArray(items), { batchSize: 4, shuffle: true, seed: 3, collate });
  const trainer = new Trainer({
    model,
    optimizer: new Adam(model.parameters(), { learningRate: 0.02 }),
    loader,
    steps,
    loss: (batch) => loss(model, batch),
    evaluateEvery: 5,
    evaluate: async () => ({ train: model.training ? -1 : 0.5, dev: 0.25 }),
    metric: "accuracy",
    ...(store ? { checkpoint: { store, extra: { width: 8 }, ...(every ? { every } : {}) } } : {}),
    ...(onStep ? { onStep } : {}),
    ...(onPoint ? { onPoint } : {}),
  });
  return { model, loader, trainer };
}

describe("Trainer", () => {
  it("trains, and tells each step's loss and the curves", async () => {
    const reports: StepReport[] = [];
    const { trainer } = setUp({ steps: 202, onStep: (report) => reports.push(report) });
    const { steps, curves } = await trainer.fit();
    expect(steps).toBe(202);
    expect(reports.map((report) => report.step)).toEqual(Array.from({ length: 202 }, (_, i) => i + 1));
    expect(reports.at(-1)!.loss).toBeLessThan(reports[0]!.loss / 4);
    expect(curves.metric).toBe("accuracy");
    expect(curves.points.map((point) => point.step).slice(-2)).toEqual([195, 200]);
    const [first] = curves.points;
    expect(first).toMatchObject({ step: 5, epoch: 5 / 3, train: 0.5, dev: 0.25 });
    const five = reports.slice(0, 5).reduce((sum, report) => sum + report.loss, 0) / 5;
    expect(first!.objective).toBeCloseTo(five, 12);
  });

  it("ends at the same checkpoint, byte for byte, wherever it is cut off", async () => {
    const whole = new MemoryStore();
    await setUp({ steps: 23, store: whole }).trainer.fit();
    const wanted = await whole.read("checkpoint.safetensors");
    for (const [every, ...cuts] of [
      [1, 2],
      [3, 5, 14],
      [4, 7, 8, 22],
    ] as const) {
      const store = new MemoryStore();
      manualSeed(1);
      for (const cut of [...cuts, Number.POSITIVE_INFINITY]) {
        const onStep = ({ step }: StepReport) => {
          if (step >= cut) throw new Error("cut off");
        };
        const { trainer } = setUp({ steps: 23, store, every, onStep });
        expect(await trainer.resume()).toBe(cut !== cuts[0]);
        if (Number.isFinite(cut)) await expect(trainer.fit()).rejects.toThrow("cut off");
        else await trainer.fit();
        // another process would not have these random numbers
        manualSeed(999);
      }
      expect(await store.read("checkpoint.safetensors"), `cut off at ${cuts}`).toEqual(wanted);
    }
  });

  it("ends at the same checkpoint when it is prolonged step by step", async () => {
    const whole = new MemoryStore();
    await setUp({ steps: 23, store: whole }).trainer.fit();
    manualSeed(1);
    const parts = new MemoryStore();
    for (const steps of [4, 5, 16, 23]) {
      const { trainer } = setUp({ steps, store: parts });
      await trainer.resume();
      await trainer.fit();
    }
    expect(await parts.read("checkpoint.safetensors")).toEqual(await whole.read("checkpoint.safetensors"));
  });

  it("writes the curves again when they were lost", async () => {
    const store = new MemoryStore();
    await setUp({ steps: 10, store }).trainer.fit();
    const bare = new MemoryStore();
    await bare.write("checkpoint.safetensors", await store.read("checkpoint.safetensors"));
    const { trainer } = setUp({ steps: 10, store: bare });
    await trainer.resume();
    await trainer.fit();
    expect(await bare.read("curves.json")).toEqual(await store.read("curves.json"));
    expect(await bare.exists("curves.svg")).toBe(true);
  });

  it("refuses a checkpoint that no trainer wrote", async () => {
    const store = new MemoryStore();
    await writeCheckpoint(store, "checkpoint.safetensors", { tensors: {}, state: { step: 3 } });
    await expect(setUp({ steps: 1, store }).trainer.resume()).rejects.toThrow(/a checkpoint that a Trainer wrote/);
  });

  it("keeps buffers as they were before a NaN", async () => {
    class Counting extends Net {
      readonly seen = new ModuleBuffer(zeros([1]));
      override forward(x: Tensor): Tensor {
        this.seen.assign(this.seen.add(mean(x)));
        return super.forward(x);
      }
    }
    const values = Array.from({ length: 12 }, (_, i) => (i === 7 ? -5 : 1));
    const model = new Counting();
    const loader = new DataLoader(fromArray(values), { batchSize: 4, shuffle: true, seed: 3, collate });
    const loss = (batch: { readonly x: Tensor; readonly y: Tensor }) =>
      squaredError(model, batch).add(mean(log(batch.x)));
    const optimizer = new Adam(model.parameters());
    const trainer = new Trainer({ model, optimizer, loader, steps: 12, loss });
    await expect(trainer.fit()).rejects.toThrow(/log/);
    // every good batch has mean 1
    expect(model.seen.itemSync()).toBe(trainer.step);
  });

  it("writes checkpoints as often as told, which changes nothing else", async () => {
    const often = new MemoryStore();
    let writes = 0;
    const write = often.write.bind(often);
    often.write = async (path, bytes) => {
      if (path.endsWith("safetensors")) writes++;
      await write(path, bytes);
    };
    await setUp({ steps: 10, store: often, every: 3 }).trainer.fit();
    expect(writes).toBe(5);
    manualSeed(1);
    const seldom = new MemoryStore();
    await setUp({ steps: 10, store: seldom }).trainer.fit();
    expect(await often.read("checkpoint.safetensors")).toEqual(await seldom.read("checkpoint.safetensors"));
  });

  it("keeps curves as files, and the weights for use", async () => {
    const store = new MemoryStore();
    const { trainer, model } = setUp({ steps: 10, store });
    await trainer.fit();
    const curves = JSON.parse(new TextDecoder().decode(await store.read("curves.json"))) as LearningCurves;
    expect(curves).toEqual(trainer.curves);
    expect(new TextDecoder().decode(await store.read("curves.svg"))).toBe(curvesToSVG(curves));
    const { weights, extra } = await readTrained(store);
    expect(extra).toEqual({ width: 8 });
    expect(weights["hidden.weight"]!.data).toEqual(model.hidden.weight.dataSync());
  });

  it("keeps the weights before a NaN, saves them, and names the first op that made it", async () => {
    const store = new MemoryStore();
    const values = Array.from({ length: 12 }, (_, i) => (i === 7 ? -5 : 1));
    // ln of a negative number is NaN: the one bad item decides the step
    const loss = (model: Net, batch: { readonly x: Tensor; readonly y: Tensor }) =>
      squaredError(model, { ...batch, x: mul(batch.x, 1) }).add(mean(log(batch.x)));
    const losses: number[] = [];
    const { trainer, model, loader } = setUp({ steps: 12, store, values, loss, onStep: (r) => losses.push(r.loss) });
    await expect(trainer.fit()).rejects.toMatchObject({ code: "ERR_NON_FINITE", info: { op: "log" } });
    const good = trainer.step;
    expect(losses).toHaveLength(good);
    const kept = model.hidden.weight.dataSync();
    const place = loader.state();

    manualSeed(1);
    const reference = setUp({ steps: good, values, loss });
    if (good > 0) await reference.trainer.fit();
    expect(kept).toEqual(reference.model.hidden.weight.dataSync());
    expect(place).toEqual(reference.loader.state());
    expect(Array.from(kept).every(Number.isFinite)).toBe(true);
    const { weights } = await readTrained(store);
    expect(weights["hidden.weight"]!.data).toEqual(kept);
  });

  it("fails the same way again after a resume, and goes on once the data is mended", async () => {
    const store = new MemoryStore();
    const values = Array.from({ length: 12 }, (_, i) => (i === 7 ? -5 : 1));
    const loss = (model: Net, batch: { readonly x: Tensor; readonly y: Tensor }) =>
      squaredError(model, batch).add(mean(log(batch.x)));
    await expect(setUp({ steps: 6, store, values, loss }).trainer.fit()).rejects.toThrow(/log/);
    const again = setUp({ steps: 6, store, values, loss });
    await again.trainer.resume();
    await expect(again.trainer.fit()).rejects.toThrow(/training step/);
    const mended = setUp({ steps: 6, store, values: values.map(Math.abs), loss });
    await mended.trainer.resume();
    expect((await mended.trainer.fit()).steps).toBe(6);
  });

  it("does not grow over 500 steps, nor leave anything behind", async () => {
    const counts = new Set<number>();
    let before = 0;
    const { trainer } = setUp({
      steps: 500,
      store: new MemoryStore(),
      every: 50,
      onStep: ({ step }) => void (step > 1 && counts.add(device.memory().storages)),
    });
    before = device.memory().storages;
    await trainer.fit();
    expect(counts.size).toBe(1);
    // value, aux and grads of the last step are the most that may be left
    expect(device.memory().storages - before).toBeLessThanOrEqual(1);
  });

  it("says what is wrong with its arguments and its checkpoint", async () => {
    expect(() => setUp({ steps: -1 })).toThrow(/Trainer: steps expects an integer, 0 or above, but received -1/);
    expect(() => setUp({ steps: 1, store: new MemoryStore(), every: 1.5 })).toThrow(/checkpoint: every/);
    const store = new MemoryStore();
    await store.write("checkpoint.safetensors", new TextEncoder().encode("no"));
    await expect(setUp({ steps: 1, store }).trainer.resume()).rejects.toMatchObject({ code: "ERR_CHECKPOINT" });
  });

  it("leaves the run as it was when a checkpoint cannot be written", async () => {
    const store = new MemoryStore();
    const { trainer } = setUp({ steps: 3, store });
    await trainer.fit();
    const before = await store.read("checkpoint.safetensors");
    store.write = async () => {
      throw new Error("disk full");
    };
    await expect(trainer.save()).rejects.toThrow("disk full");
    expect(await store.read("checkpoint.safetensors")).toEqual(before);
    expect(defaultGenerator().counter).toBeGreaterThan(0);
  });
});

describe("curvesToSVG", () => {
  it("draws a line for each curve, and survives a single or no point", () => {
    const points = [1, 2, 3].map((step) => ({ step, epoch: step, objective: 1 / step, train: step / 3, dev: null }));
    const svg = curvesToSVG({ metric: "a < b", points });
    expect(svg).toMatch(/^<svg [^>]*xmlns/);
    expect(svg.match(/<circle/g)).toHaveLength(6);
    expect(svg).toContain("a &#60; b");
    expect(svg).not.toContain("NaN");
    expect(curvesToSVG({ metric: "m", points: [] })).not.toContain("NaN");
  });
});

describe("batches of different sizes", () => {
  const rows = [
    { x: 1, y: 3 },
    { x: 2, y: -1 },
    { x: -4, y: 5 },
  ];
  /** (wx − y)², by hand: the mean over the three and its slope at w. */
  const slopeAt = (w: number) => rows.reduce((sum, { x, y }) => sum + (2 * x * (w * x - y)) / 3, 0);
  const lossAt = (w: number) => rows.reduce((sum, { x, y }) => sum + (w * x - y) ** 2 / 3, 0);

  class Scale extends Module {
    readonly w = new Parameter(tensor([0.5]));
    forward(x: Tensor): Tensor {
      return mul(x, this.w);
    }
  }
  const column = (values: readonly number[]) => ({
    dtype: "float32" as const,
    shape: [values.length, 1],
    data: Float32Array.from(values),
  });

  it("count by their items: 3 of them in batches of 2, accumulated", async () => {
    const model = new Scale();
    const trainer = new Trainer({
      model,
      optimizer: new SGD(model, { learningRate: 0.01 }),
      loader: new DataLoader(fromArray(rows), {
        batchSize: 2,
        collate: (batch) => ({ x: column(batch.map(({ x }) => x)), y: column(batch.map(({ y }) => y)) }),
      }),
      loss: ({ x, y }) => mean(square(sub(model.forward(x), y))),
      steps: 1,
      accumulate: 2,
    });
    const { objective } = await trainer.fit();
    expect(model.w.dataSync()[0]).toBeCloseTo(0.5 - 0.01 * slopeAt(0.5), 6);
    expect(objective).toBeCloseTo(lossAt(0.5), 5);
  });

  it("count by their items in the objective of an epoch, one step a batch", async () => {
    const model = new Scale();
    const trainer = new Trainer({
      model,
      // the weights stay, so that all three have one loss
      optimizer: new SGD(model, { learningRate: 0 }),
      loader: new DataLoader(fromArray(rows), {
        batchSize: 2,
        collate: (batch) => ({ x: column(batch.map(({ x }) => x)), y: column(batch.map(({ y }) => y)) }),
      }),
      loss: ({ x, y }) => mean(square(sub(model.forward(x), y))),
      steps: 2,
      evaluateEvery: 2,
      evaluate: async () => ({ train: null, dev: null }),
    });
    const { curves } = await trainer.fit();
    expect(curves.points[0]!.objective).toBeCloseTo(lossAt(0.5), 5);
  });
});
