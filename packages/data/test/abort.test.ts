/** Loaders that are told to stop. */
import { cpuJs } from "@neurite/backend-cpu-js";
import { type Device, setDefaultDevice } from "@neurite/core";
import { beforeEach, describe, expect, it } from "vitest";
import { DataLoader, type Dataset, fromArray, stackArrays, streamBatches } from "../src/index.js";

let device: Device;
beforeEach(() => {
  device = cpuJs();
  setDefaultDevice(device);
});

/** What a promise is rejected with. */
const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable("it was fulfilled"),
    (error: unknown) => error,
  );

const collate = (items: readonly number[]) => ({
  x: stackArrays(
    items.map((x) => Float32Array.of(x)),
    [1],
  ),
});
const items = Array.from({ length: 20 }, (_, i) => i);

describe("a DataLoader with a signal", () => {
  it("throws its reason before the next batch, keeps its place, and frees the batch in use", async () => {
    const controller = new AbortController();
    const loader = new DataLoader(fromArray(items), { batchSize: 4, collate, signal: controller.signal });
    const seen: number[] = [];
    const read = async () => {
      for await (const { x } of loader) {
        seen.push((await x.data())[0]!);
        if (seen.length === 2) controller.abort(new Error("enough"));
      }
    };
    await expect(read()).rejects.toThrow("enough");
    expect(seen).toEqual([0, 4]);
    expect(loader.state()).toEqual({ epoch: 0, batch: 2 });
    expect(device.memory().storages).toBe(0);
    await expect(read()).rejects.toThrow("enough");
    expect(loader.state()).toEqual({ epoch: 0, batch: 2 });
  });

  it("does not wait for an item that never comes", async () => {
    const controller = new AbortController();
    const dataset: Dataset<number> = { length: 8, get: (i) => (i < 4 ? i : new Promise<number>(() => {})) };
    const loader = new DataLoader(dataset, { batchSize: 4, collate, signal: controller.signal });
    const read = async () => {
      for await (const _ of loader) setTimeout(() => controller.abort(), 5);
    };
    expect(await errorOf(read())).toBe(controller.signal.reason);
    expect(loader.state()).toEqual({ epoch: 0, batch: 1 });
  });

  it("is stopped by a timer in a loop without end that never waits", async () => {
    const signal = AbortSignal.timeout(100);
    const loader = new DataLoader(fromArray(items), { batchSize: 4, collate, signal });
    let batches = 0;
    const read = async () => {
      for await (const _ of loader.forever()) batches++;
    };
    expect(await errorOf(read())).toBe(signal.reason);
    expect(batches).toBeGreaterThan(5);
  });
});

describe("streamBatches with a signal", () => {
  it("throws its reason, tells the source, and frees the batch in use", async () => {
    const controller = new AbortController();
    let closed = false;
    async function* source() {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        closed = true;
      }
    }
    let batches = 0;
    const read = async () => {
      for await (const _ of streamBatches(source(), { batchSize: 4, collate, signal: controller.signal })) {
        if (++batches === 3) controller.abort(new Error("enough"));
      }
    };
    await expect(read()).rejects.toThrow("enough");
    expect(batches).toBe(3);
    expect(device.memory().storages).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(closed).toBe(true);
  });

  it("does not wait for a source that hangs", async () => {
    const controller = new AbortController();
    async function* source() {
      for (let i = 0; i < 4; i++) yield i;
      await new Promise(() => {});
    }
    const read = async () => {
      for await (const _ of streamBatches(source(), { batchSize: 4, collate, signal: controller.signal })) {
        setTimeout(() => controller.abort(), 5);
      }
    };
    expect(await errorOf(read())).toBe(controller.signal.reason);
  });
});
