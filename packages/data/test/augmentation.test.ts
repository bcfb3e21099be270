import { cpuJs } from "@neurite/backend-cpu-js";
import { type Device, Generator, setDefaultDevice } from "@neurite/core";
import { beforeEach, describe, expect, it } from "vitest";
import {
  addNoise,
  batchStream,
  bucketByLength,
  colorJitter,
  cropImage,
  cutout,
  dropTokens,
  flipHorizontal,
  flipVertical,
  fromRGBA,
  gaussianNoise,
  type HostImage,
  hostImage,
  type ImageChange,
  inTurn,
  maskTokens,
  padSequences,
  prefetchStream,
  randomCrop,
  randomFlip,
  randomRotation,
  randomShift,
  replaceTokens,
  rotateImage,
  shiftImage,
  shuffleStream,
  streamBatches,
  timeShift,
  windows,
} from "../src/index.js";

const count = (n: number) => Array.from({ length: n }, (_, i) => i);
const grid = hostImage([1, 2, 3, 4, 5, 6], 2, 3, 1);
const pixels = ({ data }: HostImage) => Array.from(data);

describe("images", () => {
  it("shift, crop and flip by whole pixels", () => {
    expect(pixels(shiftImage(grid, 1, 1))).toEqual([0, 0, 0, 0, 1, 2]);
    expect(pixels(shiftImage(grid, 0, -1, 9))).toEqual([2, 3, 9, 5, 6, 9]);
    expect(pixels(cropImage(grid, 0, 1, 2, 2))).toEqual([2, 3, 5, 6]);
    expect(pixels(cropImage(grid, -1, 2, 2, 2, 7))).toEqual([7, 7, 3, 7]);
    expect(pixels(flipHorizontal(grid))).toEqual([3, 2, 1, 6, 5, 4]);
    expect(pixels(flipVertical(grid))).toEqual([4, 5, 6, 1, 2, 3]);
    const colours = hostImage([1, 2, 3, 4], 1, 2, 2);
    expect(pixels(flipHorizontal(colours))).toEqual([3, 4, 1, 2]);
  });

  it("rotate counter-clockwise, quarter turns exactly, others by bilinear sampling", () => {
    const square = hostImage([1, 2, 3, 4], 2, 2, 1);
    expect(pixels(rotateImage(square, 0))).toEqual([1, 2, 3, 4]);
    expect(pixels(rotateImage(square, 90))).toEqual([2, 4, 1, 3]);
    expect(pixels(rotateImage(square, 180))).toEqual([4, 3, 2, 1]);
    expect(pixels(rotateImage(square, -90))).toEqual([3, 1, 4, 2]);
    // a corner of an image of ones, turned by 45°, comes from (1 − √2, 1): a share of 2 − √2 is inside
    const ones = hostImage(new Float32Array(9).fill(1), 3, 3, 1);
    const turned = rotateImage(ones, 45);
    expect(turned.data[0]).toBeCloseTo(2 - Math.SQRT2, 6);
    expect(turned.data[4]).toBe(1);
    expect(rotateImage(hostImage([5], 1, 1, 1), 33).data[0]).toBe(5);
  });

  it("come from RGBA, over a background", () => {
    const rgba = { width: 2, height: 1, data: Uint8ClampedArray.of(255, 0, 0, 255, 0, 0, 0, 0) };
    expect(pixels(fromRGBA(rgba))).toEqual([1, 0, 0, 1, 1, 1]);
    expect(pixels(fromRGBA(rgba, { background: 0 }))).toEqual([1, 0, 0, 0, 0, 0]);
    expect(pixels(fromRGBA(rgba, { channels: 4 }))).toEqual([1, 0, 0, 1, 0, 0, 0, 0]);
    const grey = fromRGBA(rgba, { channels: 1, background: 0.5 });
    expect([grey.channels, ...pixels(grey).map((value) => Math.round(value * 1000))]).toEqual([1, 299, 500]);
    expect(() => fromRGBA({ ...rgba, width: 3 })).toThrow(/12 numbers for \[1, 3, 4\], but received 8/);
  });

  const large = hostImage(
    Array.from({ length: 6 * 7 * 3 }, (_, i) => ((i * 37) % 100) / 100),
    6,
    7,
    3,
  );
  const changes: Record<string, ImageChange> = {
    randomShift: randomShift(2),
    randomCrop: randomCrop(6, 7, { padding: 2 }),
    randomRotation: randomRotation(30),
    gaussianNoise: gaussianNoise(0.1),
    cutout: cutout(3),
    colorJitter: colorJitter({ brightness: 0.2, contrast: 0.2, color: 0.2 }),
    inTurn: inTurn(randomFlip(), randomShift(1), cutout(2)),
  };
  it.each(Object.entries(changes))(
    "%s repeats with its seed, changes with another, and leaves its input alone",
    (_, change) => {
      const before = pixels(large);
      const results = count(6).map((seed) => change(large, new Generator(seed)));
      for (const [seed, result] of results.entries()) {
        expect([result.height, result.width, result.channels]).toEqual([6, 7, 3]);
        expect(result.data).toHaveLength(126);
        expect(pixels(change(large, new Generator(seed)))).toEqual(pixels(result));
      }
      expect(new Set(results.map((result) => String(pixels(result)))).size).toBeGreaterThan(3);
      expect(pixels(large)).toEqual(before);
    },
  );

  it("change within their bounds", () => {
    const generator = new Generator(1);
    const dot = hostImage(
      count(25).map((i) => (i === 12 ? 1 : 0)),
      5,
      5,
      1,
    );
    const places = new Set(count(300).map(() => randomShift(1)(dot, generator).data.indexOf(1)));
    expect([...places].sort((a, b) => a - b)).toEqual([6, 7, 8, 11, 12, 13, 16, 17, 18]);
    const ones = hostImage(new Float32Array(25).fill(1), 5, 5, 1);
    const holes = count(100).map(() => pixels(cutout(2)(ones, generator)).filter((value) => value === 0).length);
    expect([Math.min(...holes), Math.max(...holes)]).toEqual([1, 4]);
    const flips = count(400).filter(() => randomFlip(0.25)(grid, generator) !== grid).length;
    expect(flips).toBeGreaterThan(60);
    expect(flips).toBeLessThan(140);
    expect(pixels(randomFlip(1, "vertical")(grid, generator))).toEqual([4, 5, 6, 1, 2, 3]);
    const noise = gaussianNoise(0.5)(hostImage(new Float32Array(5000), 50, 100, 1), generator).data;
    expect(noise.reduce((sum, value) => sum + value * value, 0) / 5000).toBeCloseTo(0.25, 1);
    const jittered = colorJitter({ brightness: 5 })(ones, new Generator(4));
    expect(Math.max(...pixels(jittered))).toBeLessThanOrEqual(1);
    expect(pixels(colorJitter({})(ones, generator))).toEqual(pixels(ones));
  });

  it("refuse impossible options", () => {
    expect(() => randomShift(1.5)).toThrow(/range expects an integer, 0 or above, but received 1.5/);
    expect(() => randomFlip(2)).toThrow(/p expects a number from 0 to 1/);
    expect(() => randomRotation(-1)).toThrow(/degrees expects/);
    expect(() => gaussianNoise(Number.NaN)).toThrow(/deviation expects/);
    expect(() => cutout(-1)).toThrow(/size expects/);
    expect(() => colorJitter({ contrast: -1 })).toThrow(/contrast expects/);
    expect(() => randomCrop(3, 3)(grid, new Generator(1))).toThrow(
      /at least \[3, 3\] with its padding, but received \[2, 3\]/,
    );
    expect(() => randomCrop(1, 1, { padding: -1 })).toThrow(/padding expects/);
    expect(() => hostImage([1], 1, 1, 3)).toThrow(/3 numbers for \[1, 1, 3\], but received 1/);
  });
});

describe("sequences", () => {
  it("lose, change and mask tokens with the probability told", () => {
    const tokens = count(4000);
    const near = (n: number) => {
      expect(n).toBeGreaterThan(900);
      expect(n).toBeLessThan(1100);
    };
    const masked = maskTokens(tokens, 0.25, -1, new Generator(1));
    near(masked.filter((token) => token === -1).length);
    expect(masked.every((token, i) => token === -1 || token === i)).toBe(true);
    near(4000 - dropTokens(tokens, 0.25, new Generator(2)).length);
    const replaced = replaceTokens(tokens, 0.25, [5000, 5003], new Generator(3)).filter((token, i) => token !== i);
    near(replaced.length);
    expect(new Set(replaced)).toEqual(new Set([5000, 5001, 5002]));
    expect(dropTokens([7, 8], 1, new Generator(1))).toHaveLength(1);
    expect(dropTokens([], 0.5, new Generator(1))).toEqual([]);
    expect(maskTokens([1, 2], 0, 9, new Generator(1))).toEqual([1, 2]);
    expect(maskTokens(tokens, 0.25, -1, new Generator(1))).toEqual(masked);
    expect(() => maskTokens([1], 2, 0, new Generator(1))).toThrow(/p expects a number from 0 to 1, but received 2/);
    expect(() => dropTokens([1], -1, new Generator(1))).toThrow(/p expects/);
    expect(() => replaceTokens([1], 0.5, [3, 3], new Generator(1))).toThrow(/high - low expects a positive integer/);
  });

  it("move in time and take noise", () => {
    expect([...timeShift([1, 2, 3], 1)]).toEqual([0, 1, 2]);
    expect([...timeShift([1, 2, 3, 4], -1, { width: 2, fill: 9 })]).toEqual([3, 4, 9, 9]);
    const noisy = addNoise(new Float32Array(4000), 2, new Generator(1));
    expect(noisy.reduce((sum, value) => sum + value * value, 0) / 4000).toBeCloseTo(4, 0);
  });

  it("are cut into windows and their continuations", () => {
    const data = windows(count(10), 3);
    expect(count(data.length).map((i) => data.get(i))).toEqual([
      { input: [0, 1, 2], target: [1, 2, 3] },
      { input: [3, 4, 5], target: [4, 5, 6] },
      { input: [6, 7, 8], target: [7, 8, 9] },
    ]);
    expect([windows(count(9), 3).length, windows(count(4), 3, 1).length, windows(count(10), 3, 1).length]).toEqual([
      2, 1, 7,
    ]);
    expect(() => windows([1, 2, 3], 3)).toThrow(/tokens expects more than 3, but received 3/);
    expect(() => windows(count(9), 0)).toThrow(/length expects a positive integer/);
    expect(() => windows(count(9), 2, 0.5)).toThrow(/stride expects a positive integer/);
  });

  it("are put into batches of similar length", () => {
    const items = count(50).map((i) => ({ i, length: (i * 7) % 10 }));
    const options = { batchSize: 8, lengthOf: ({ length }: { length: number }) => length };
    const batches = bucketByLength(items, { ...options, generator: new Generator(1) });
    expect(batches.map((batch) => batch.length)).toEqual([8, 8, 8, 8, 8, 8, 2]);
    expect(
      batches
        .flat()
        .map(({ i }) => i)
        .sort((a, b) => a - b),
    ).toEqual(count(50));
    for (const batch of batches)
      expect(Math.max(...batch.map((x) => x.length)) - Math.min(...batch.map((x) => x.length))).toBeLessThan(3);
    expect(bucketByLength(items, { ...options, generator: new Generator(2) })).not.toEqual(batches);
    expect(() => bucketByLength(items, { ...options, batchSize: 0, generator: new Generator(1) })).toThrow(
      /batchSize expects/,
    );
  });
});

describe("streams", () => {
  let device: Device;
  beforeEach(() => {
    device = cpuJs();
    setDefaultDevice(device);
  });

  /** Numbers that know how many were taken, and whether they were closed. */
  function source(n: number, failAt = -1) {
    const log = { taken: 0, closed: false };
    async function* numbers() {
      try {
        for (let i = 0; i < n; i++) {
          if (i === failAt) throw new Error("broken");
          log.taken++;
          yield i;
        }
      } finally {
        log.closed = true;
      }
    }
    return { log, numbers: numbers() };
  }
  async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
    const items: T[] = [];
    for await (const item of stream) items.push(item);
    return items;
  }
  const soon = () => new Promise((resolve) => setTimeout(resolve, 2));

  it("are shuffled through a buffer, repeatably, with nothing lost", async () => {
    const shuffled = (seed: number, size: number) => all(shuffleStream(count(100), size, new Generator(seed)));
    const first = await shuffled(1, 20);
    expect(first.toSorted((a, b) => a - b)).toEqual(count(100));
    expect(first).not.toEqual(count(100));
    // an item cannot come before the buffer has reached it
    first.forEach((item, i) => void expect(item).toBeLessThanOrEqual(i + 20));
    expect(await shuffled(1, 20)).toEqual(first);
    expect(await shuffled(2, 20)).not.toEqual(first);
    expect((await shuffled(1, 1000)).toSorted((a, b) => a - b)).toEqual(count(100));
    expect(await shuffled(1, 1)).toEqual(count(100));
  });

  it("are cut into batches", async () => {
    expect(await all(batchStream(count(5), 2))).toEqual([[0, 1], [2, 3], [4]]);
    expect(await all(batchStream([], 2))).toEqual([]);
  });

  it("are fetched ahead as far as told, and closed when the loop is left", async () => {
    const { log, numbers } = source(100);
    for await (const item of prefetchStream(numbers, 3)) {
      await soon();
      expect(log.taken).toBe(item + 4);
      if (item === 5) break;
    }
    expect(log.closed).toBe(true);
    expect(log.taken).toBeLessThanOrEqual(10);
    expect(await all(prefetchStream(source(7).numbers, 0))).toEqual(count(7));
    expect(await all(prefetchStream(source(2).numbers, 9))).toEqual([0, 1]);
  });

  it("throw an error when its turn comes", async () => {
    const seen: number[] = [];
    const loop = async () => {
      for await (const item of prefetchStream(source(9, 3).numbers, 5)) {
        await soon();
        seen.push(item);
      }
    };
    await expect(loop()).rejects.toThrow("broken");
    expect(seen).toEqual([0, 1, 2]);
  });

  it("give batches of tensors that are freed, and free everything when the loop is left", async () => {
    const collate = (items: readonly number[]) => ({
      x: padSequences(
        items.map((item) => [item]),
        0,
      ),
    });
    const before = device.memory().storages;
    const seen: number[] = [];
    for await (const { x } of streamBatches(source(10).numbers, { batchSize: 4, collate, shuffle: 3 })) {
      seen.push(...(await x.data()));
      expect(device.memory().storages).toBe(before + 1);
    }
    expect(seen.toSorted((a, b) => a - b)).toEqual(count(10));
    expect(device.memory().storages).toBe(before);
    const { log, numbers } = source(1000);
    for await (const _ of streamBatches(numbers, { batchSize: 4, collate })) break;
    expect(log.closed).toBe(true);
    expect(log.taken).toBeLessThan(20);
    expect(device.memory().storages).toBe(before);
  });

  it("refuse impossible sizes", async () => {
    await expect(all(shuffleStream([1], 0, new Generator(1)))).rejects.toThrow(/size expects a positive integer/);
    await expect(all(batchStream([1], 1.5))).rejects.toThrow(/size expects a positive integer/);
    await expect(all(prefetchStream(source(1).numbers, -1))).rejects.toThrow(/ahead expects an integer, 0 or above/);
  });
});
