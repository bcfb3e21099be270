/** A training that is told to stop does so between two steps, and goes on as if it had not. */
import { cpuJs } from "@neurite/backend-cpu-js";
import { Generator, manualSeed, mean, setDefaultDevice, square, sub, type Tensor } from "@neurite/core";
import { DataLoader, fromArray, stackArrays } from "@neurite/data";
import { MemoryStore } from "@neurite/io";
import { BatchNorm1d, Dropout, Linear, ReLU, Sequential } from "@neurite/layers";
import { Adam } from "@neurite/optimizers";
import { beforeEach, describe, expect, it } from "vitest";
import { type Performance, Trainer } from "../src/index.js";

beforeEach(() => setDefaultDevice(cpuJs()));

/** What a promise is rejected with. */
const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable("it was fulfilled"),
    (error: unknown) => error,
  );

const STEPS = 12;

interface Setup {
  readonly accumulate?: number;
  readonly onStep?: (step: number) => void;
  readonly evaluate?: (context: { signal: AbortSignal | undefined }) => Promise<Performance>;
}

/** A net in which everything counts: dropout's numbers, running statistics, the order of the data. */
function setup(store: MemoryStore, { accumulate = 1, onStep, evaluate }: Setup = {}) {
  manualSeed(5);
  const model = new Sequential(new Linear(3, 8), new BatchNorm1d(8), new ReLU(), new Dropout(0.3), new Linear(8, 1));
  const generator = new Generator(2);
  const items = Array.from({ length: 20 }, () => {
    const x = Float32Array.from({ length: 3 }, () => generator.normal());
    return { x, y: Float32Array.of(x[0]! - x[1]!) };
  });
  const loader = new DataLoader(fromArray(items), {
    batchSize: 4,
    shuffle: true,
    collate: (batch) => ({
      x: stackArrays(
        batch.map(({ x }) => x),
        [3],
      ),
      y: stackArrays(
        batch.map(({ y }) => y),
        [1],
      ),
    }),
  });
  return new Trainer({
    model,
    optimizer: new Adam(model.parameters(), { learningRate: 0.01 }),
    loader,
    loss: ({ x, y }: { x: Tensor; y: Tensor }) => mean(square(sub(model.forward(x), y))),
    steps: STEPS,
    accumulate,
    evaluateEvery: 4,
    evaluate: evaluate ?? (async () => ({ train: 1, dev: 2 })),
    checkpoint: { store },
    ...(onStep && { onStep: ({ step }) => onStep(step) }),
  });
}

async function whole(accumulate: number): Promise<Uint8Array> {
  const store = new MemoryStore();
  await setup(store, { accumulate }).fit();
  return store.read("checkpoint.safetensors");
}

describe("fit with a signal", () => {
  it.each([
    [1, 3],
    [1, 8],
    [3, 2],
    [3, 5],
  ])(
    "with %i batches a step, aborted at step %i, ends with its reason and resumes to the byte",
    async (accumulate, at) => {
      const store = new MemoryStore();
      const controller = new AbortController();
      const onStep = (step: number) => {
        if (step === at) controller.abort(new Error("enough"));
      };
      const first = setup(store, { accumulate, onStep });
      await expect(first.fit({ signal: controller.signal })).rejects.toThrow("enough");
      expect(first.step).toBeGreaterThanOrEqual(at);
      expect(first.step).toBeLessThan(at + 3);
      const second = setup(store, { accumulate });
      expect(await second.resume()).toBe(true);
      expect(second.step).toBe(first.step);
      await second.fit();
      expect(await store.read("checkpoint.safetensors")).toEqual(await whole(accumulate));
    },
  );

  it.each([1, 3])("goes on in the same trainer too, with %i batches a step", async (accumulate) => {
    const store = new MemoryStore();
    const controller = new AbortController();
    const trainer = setup(store, { accumulate, onStep: (step) => void (step === 2 && controller.abort()) });
    expect(await errorOf(trainer.fit({ signal: controller.signal }))).toBe(controller.signal.reason);
    expect((await trainer.fit()).steps).toBe(STEPS);
    expect(await store.read("checkpoint.safetensors")).toEqual(await whole(accumulate));
  });

  it("stops within evaluate, which gets the signal, and measures again when it goes on", async () => {
    const store = new MemoryStore();
    const controller = new AbortController();
    let calls = 0;
    const trainer = setup(store, {
      evaluate: async ({ signal }) => {
        if (calls++ === 1) {
          controller.abort();
          signal!.throwIfAborted();
        }
        return { train: 1, dev: 2 };
      },
    });
    expect(await errorOf(trainer.fit({ signal: controller.signal }))).toBe(controller.signal.reason);
    expect(trainer.step).toBe(8);
    const again = setup(store);
    await again.resume();
    const { curves } = await again.fit();
    expect(curves.points.map(({ step }) => step)).toEqual([4, 8, 12]);
    expect(await store.read("checkpoint.safetensors")).toEqual(await whole(1));
  });

  it("is stopped by a timer, though it waits for nothing but its own work", async () => {
    const signal = AbortSignal.timeout(150);
    let reason: unknown;
    for (let i = 0; i < 10_000 && reason === undefined; i++) {
      reason = await setup(new MemoryStore())
        .fit({ signal })
        .then(
          () => undefined,
          (error: unknown) => error,
        );
    }
    expect(reason).toBe(signal.reason);
  });

  it("that is aborted already trains nothing, and one that is none is refused", async () => {
    const store = new MemoryStore();
    const trainer = setup(store);
    await expect(trainer.fit({ signal: AbortSignal.abort("no") })).rejects.toBe("no");
    expect(trainer.step).toBe(0);
    await expect(trainer.fit({ signal: 3 as never })).rejects.toThrow(/Trainer\.fit: signal expects an AbortSignal/);
    await expect(trainer.fit({ sginal: undefined } as never)).rejects.toThrow(/signal/);
  });
});
