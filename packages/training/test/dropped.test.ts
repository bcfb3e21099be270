/** "No tidy or dispose in your code", on a device of 64 MiB: what the program drops comes back. */
import { inference } from "@neurite/autograd";
import { wasm } from "@neurite/backend-wasm";
import { workerThreads } from "@neurite/backend-worker-threads";
import { type Device, fromHost, Generator, manualSeed, mean, setDefaultDevice, square, sub } from "@neurite/core";
import { DataLoader, fromArray } from "@neurite/data";
import { Linear, ReLU, Sequential } from "@neurite/layers";
import { Adam } from "@neurite/optimizers";
import { Trainer } from "@neurite/training";
import { afterEach, describe, expect, it, vi } from "vitest";

const LIMIT = 2 ** 26;
const BACKENDS: Readonly<Record<string, () => Promise<Device>>> = {
  wasm: async () => wasm({ maximumBytes: LIMIT }),
  "worker-threads": () => workerThreads({ maximumBytes: LIMIT }),
};

const makeModel = (inputs: number, hidden: number) =>
  new Sequential(new Linear(inputs, hidden), new ReLU(), new Linear(hidden, 10));

/** 1 MiB of parameters, 3 MiB with the optimizer's state: 40 of them do not fit. */
async function fold(k: number): Promise<number> {
  manualSeed(k);
  const model = makeModel(64, 3500);
  const generator = new Generator(k);
  const items = Array.from({ length: 32 }, () => ({
    x: Float32Array.from({ length: 64 }, () => generator.uniform()),
    y: Float32Array.from({ length: 10 }, () => generator.uniform()),
  }));
  const loader = new DataLoader(fromArray(items), {
    batchSize: 8,
    collate: (batch) => ({
      x: tensorOf(batch.map(({ x }) => x)),
      y: tensorOf(batch.map(({ y }) => y)),
    }),
  });
  const trainer = new Trainer({
    model,
    optimizer: new Adam(model.parameters(), { learningRate: 1e-3 }),
    loader,
    loss: ({ x, y }) => mean(square(sub(model.forward(x), y))),
    steps: 4,
  });
  return (await trainer.fit()).objective!;
}

const tensorOf = (rows: readonly Float32Array[]) => ({
  dtype: "float32" as const,
  shape: [rows.length, rows[0]!.length],
  data: Float32Array.from(rows.flatMap((row) => [...row])),
});

describe.each(Object.entries(BACKENDS))("on %s", (_, open) => {
  let device: Device;
  const use = async () => {
    device = await open();
    setDefaultDevice(device);
  };
  afterEach(() => device.close());

  it("40 models of a cross-validation, one after the other", async () => {
    await use();
    const losses: number[] = [];
    for (let k = 0; k < 40; k++) losses.push(await fold(k));
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(device.memory().bytes).toBeLessThan(LIMIT / 2);
  }, 120_000);

  it("20,000 awaited calls of forward", async () => {
    const warn = vi.spyOn(console, "warn");
    await use();
    const model = makeModel(16, 64);
    const x = fromHost(new Float32Array(8 * 16).fill(0.5), "float32", [8, 16]);
    const [first] = await model.forward(x).data();
    let same = 0;
    for (let i = 0; i < 20_000; i++) if ((await model.forward(x).data())[0] === first) same++;
    expect(same).toBe(20_000);
    expect(device.memory().bytes).toBeLessThan(LIMIT / 2);
    expect(device.memory().storages).toBeLessThan(20_000);
    expect(warn, "a loop that waits needs no advice").not.toHaveBeenCalled();
    warn.mockRestore();
  }, 120_000);

  it("6,000 batches made by hand", async () => {
    await use();
    const model = makeModel(256, 16);
    const predict = inference(model.forward.bind(model));
    for (let i = 0; i < 6000; i++) {
      const x = fromHost(new Float32Array(32 * 256).fill(i), "float32", [32, 256]);
      await predict(x).data();
    }
    expect(device.memory().bytes).toBeLessThan(LIMIT / 2);
  }, 120_000);
});
