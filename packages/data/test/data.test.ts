import { cpuJs } from "@neurite/backend-cpu-js";
import { type Device, Generator, setDefaultDevice, type Tensor } from "@neurite/core";
import { beforeEach, describe, expect, it } from "vitest";
import {
  DataLoader,
  END,
  fromArray,
  mapDataset,
  PADDING,
  padSequences,
  randomSplit,
  START,
  stackArrays,
  UNKNOWN,
  Vocabulary,
} from "../src/index.js";

let device: Device;
beforeEach(() => {
  device = cpuJs();
  setDefaultDevice(device);
});

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const collate = (items: readonly number[]) => ({
  x: padSequences(
    items.map((item) => [item]),
    -1,
  ),
});

async function readAll(loader: DataLoader<number, ReturnType<typeof collate>>): Promise<number[][]> {
  const batches: number[][] = [];
  for await (const { x } of loader) batches.push(Array.from(await x.data()));
  return batches;
}

describe("DataLoader", () => {
  it("gives every item once an epoch, the last batch short unless dropped", async () => {
    const loader = new DataLoader(fromArray(numbers(7)), { batchSize: 3, collate });
    expect(await readAll(loader)).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    const full = new DataLoader(fromArray(numbers(7)), { batchSize: 3, collate, dropLast: true });
    expect(await readAll(full)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect([loader.length, full.length]).toEqual([3, 2]);
  });

  it("shuffles by seed and epoch alone", async () => {
    const make = (seed: number) =>
      new DataLoader(fromArray(numbers(20)), { batchSize: 20, shuffle: true, seed, collate });
    const loader = make(5);
    const [first] = await readAll(loader);
    const [second] = await readAll(loader);
    expect(first!.toSorted((a, b) => a - b)).toEqual(numbers(20));
    expect(second).not.toEqual(first);
    expect((await readAll(make(5)))[0]).toEqual(first);
    expect((await readAll(make(6)))[0]).not.toEqual(first);
    const resumed = make(5);
    resumed.restore({ epoch: 1, batch: 0 });
    expect((await readAll(resumed))[0]).toEqual(second);
  });

  it("continues in the middle of an epoch; batches fetched ahead do not count", async () => {
    const make = () =>
      new DataLoader(fromArray(numbers(10)), { batchSize: 2, shuffle: true, seed: 1, prefetch: 3, collate });
    const all = await readAll(make());
    const loader = make();
    for await (const _ of loader) if (loader.state().batch === 2) break;
    expect(loader.state()).toEqual({ epoch: 0, batch: 2 });
    const resumed = make();
    resumed.restore(loader.state());
    expect(await readAll(resumed)).toEqual(all.slice(2));
    const again = await loader.at({ epoch: 0, batch: 1 });
    expect(Array.from(again.x.dataSync())).toEqual(all[1]);
  });

  it("frees a batch when the next one is taken, and at the end of the loop, however it is left", async () => {
    const loader = new DataLoader(fromArray(numbers(6)), { batchSize: 2, collate });
    const before = device.memory().storages;
    let last: Tensor | null = null;
    for await (const { x } of loader) {
      if (last) expect(() => last!.dataSync()).toThrow(/the loader frees a batch when the next one is taken/);
      expect(device.memory().storages).toBe(before + 1);
      last = x;
    }
    expect(device.memory().storages).toBe(before);
    const loop = async () => {
      for await (const _ of loader) throw new Error("stop");
    };
    await expect(loop()).rejects.toThrow("stop");
    expect(device.memory().storages).toBe(before);
  });

  it("fetches ahead as far as told, and no further", async () => {
    const started: number[] = [];
    const slow = {
      length: 10,
      get: async (i: number) => {
        started.push(i);
        return i;
      },
    };
    const loader = new DataLoader(slow, { batchSize: 1, prefetch: 2, collate });
    for await (const _ of loader) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(started.length).toBeLessThanOrEqual(loader.state().batch + 2);
      if (loader.state().batch === 3) expect(started.length).toBe(5);
    }
  });

  it("throws an item's error when its turn comes", async () => {
    const failing = mapDataset(fromArray(numbers(6)), (item) => {
      if (item === 3) throw new Error("item 3 is broken");
      return item;
    });
    const loader = new DataLoader(failing, { batchSize: 1, collate });
    const seen: number[] = [];
    const loop = async () => {
      for await (const { x } of loader) seen.push(x.itemSync());
    };
    await expect(loop()).rejects.toThrow("item 3 is broken");
    expect(seen).toEqual([0, 1, 2]);
  });

  it("refuses empty data and impossible batch sizes", () => {
    expect(() => new DataLoader(fromArray([]), { batchSize: 2, collate })).toThrow(
      /at least one item, but received 0 items/,
    );
    expect(() => new DataLoader(fromArray([1]), { batchSize: 2, dropLast: true, collate })).toThrow(
      /at least one full batch of 2/,
    );
    expect(() => new DataLoader(fromArray([1]), { batchSize: 0, collate })).toThrow(
      /batchSize expects a positive integer/,
    );
  });
});

describe("batches", () => {
  it("pads sequences at the end", () => {
    expect(padSequences([[1], [2, 3], []], 9)).toEqual({
      dtype: "int32",
      shape: [3, 2],
      data: new Int32Array([1, 9, 2, 3, 9, 9]),
    });
    expect(padSequences([[]], 9).shape).toEqual([1, 1]);
    expect(() => padSequences([[1, 2, 3]], 0, 2)).toThrow(/at most 2 elements each, but received 3/);
  });

  it("stacks arrays of one shape", () => {
    const stacked = stackArrays(
      [
        [1, 2],
        [3, 4],
      ],
      [2, 1],
    );
    expect([stacked.shape, [...stacked.data]]).toEqual([
      [2, 2, 1],
      [1, 2, 3, 4],
    ]);
    expect(() => stackArrays([[1, 2], [3]], [2])).toThrow(/arrays\[1\] expects 2 elements, but received 1/);
  });
});

describe("randomSplit", () => {
  it("puts every item into one part", () => {
    const parts = randomSplit(numbers(11), [0.6, 0.2, 0.2], new Generator(1));
    expect(parts.map((part) => part.length)).toEqual([7, 2, 2]);
    expect(parts.flat().sort((a, b) => a - b)).toEqual(numbers(11));
    expect(() => randomSplit([1], [0.6, 0.6], new Generator(1))).toThrow(/add up to at most 1/);
  });
});

describe("Vocabulary", () => {
  it("numbers tokens by frequency behind the marks, and turns them back", () => {
    const words = Vocabulary.build([["b", "a", "b"], ["c"]]);
    expect(words.tokens.slice(4)).toEqual(["b", "a", "c"]);
    expect(words.encode(["b", "z"])).toEqual([4, UNKNOWN]);
    expect(words.decode([START, 4, 5, END, 6])).toEqual(["b", "a"]);
    expect(words.decode([PADDING, 6, UNKNOWN])).toEqual(["c", "<unknown>"]);
    expect(Vocabulary.build([["b", "a", "b"]], 2).size).toBe(5);
    expect(() => new Vocabulary(["a", "a"])).toThrow(/each token once/);
  });
});
