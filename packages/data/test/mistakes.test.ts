/** What loaders, readers and augmentation are given by mistake, and what they say to it. */
import { cpuJs } from "@neurite/backend-cpu-js";
import { Generator, setDefaultDevice } from "@neurite/core";
import { describe, expect, it } from "vitest";
import {
  addNoise,
  cropImage,
  DataLoader,
  fromArray,
  fromRGBA,
  hostImage,
  muLawDecode,
  muLawEncode,
  padSequences,
  parseCSV,
  randomCrop,
  randomFlip,
  rotateImage,
  shiftImage,
  stackArrays,
  streamBatches,
  timeShift,
  toMono,
  writeWav,
} from "../src/index.js";

setDefaultDevice(cpuJs());

const NaN = Number.NaN;
/** A value that its type would not allow. */
const wrong = (value: unknown) => value as never;
const collate = (items: readonly number[]) => ({ x: stackArrays([items], [items.length]) });
const loader = (options: object = {}) => new DataLoader(fromArray([1, 2, 3]), { batchSize: 1, collate, ...options });
const dot = hostImage([1, 2], 1, 2, 1);
const sound = { sampleRate: 8000, channels: 2, samples: new Float32Array(3) };
const first = async (batches: AsyncIterable<unknown>) => {
  for await (const batch of batches) return batch;
  return null;
};

describe("a mistake", () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      "an array for a dataset",
      () => new DataLoader(wrong([1, 2]), { batchSize: 1, collate }),
      /DataLoader: dataset expects { length, get }.*fromArray\(items\)/,
    ],
    ["no collate", () => loader({ collate: undefined }), /DataLoader: collate expects a function.*batch's arrays/],
    ["negative prefetch", () => loader({ prefetch: -1 }), /DataLoader: prefetch expects an integer, 0 or above/],
    ["no place", () => loader().restore(wrong({})), /DataLoader.restore: epoch expects an integer, 0 or above/],
    ["half a token", () => padSequences([[1], [2, 1.5]], 0), /sequences\[1\]\[1\] expects an integer.*received 1.5/],
    [
      "words for numbers",
      () => padSequences(wrong([["a"]]), 0),
      /sequences\[0\]\[0\] expects an integer.*received "a"/,
    ],
    ["no padding", () => padSequences([[1]], wrong(undefined)), /padSequences: padding expects an integer/],
    ["a width of NaN", () => padSequences([[1]], 0, NaN), /padSequences: length expects an integer, 1 or above/],
    ["an unknown dtype", () => stackArrays([[1]], [1], wrong("half")), /stackArrays: dtype expects one of float32/],
    ["a negative length", () => stackArrays([], [-1]), /stackArrays: shape/],
    ["a negative height", () => hostImage([1], -1, -1, 1), /hostImage: height expects an integer, 0 or above/],
    ["two channels", () => fromRGBA({ width: 0, height: 0, data: [] }, { channels: wrong(2) }), /1, 3 or 4/],
    ["half a pixel", () => shiftImage(dot, 0, 0.5), /shiftImage: right expects an integer, but received 0.5/],
    ["a part of NaN", () => cropImage(dot, 0, 0, 1, NaN), /cropImage: width expects an integer, 0 or above/],
    ["an angle of NaN", () => rotateImage(dot, NaN), /rotateImage: angle expects a finite number/],
    ["nothing of an image", () => randomCrop(0, 1), /randomCrop: height expects an integer, 1 or above/],
    ["another direction", () => randomFlip(0.5, wrong("diagonal")), /direction expects horizontal or vertical/],
    ["negative noise", () => addNoise([1], -1, new Generator(1)), /addNoise: deviation expects a finite number, 0/],
    ["half a frame", () => timeShift([1, 2], 1.5), /timeShift: frames expects an integer/],
    ["frames of nothing", () => timeShift([1, 2], 1, { width: 0 }), /timeShift: width expects a positive integer/],
    ["another format", () => writeWav({ ...sound, channels: 1 }, wrong("mp3")), /format expects pcm8, pcm16/],
    ["no rate", () => writeWav({ ...sound, channels: 1, sampleRate: NaN }), /sampleRate expects an integer/],
    ["half a frame", () => toMono(sound), /toMono: samples expects whole frames.*3 samples for 2 channels/],
    ["no classes", () => muLawEncode([0.5], 0), /muLawEncode: mu expects an integer, 1 or above/],
    ["no classes", () => muLawDecode([1], 0), /muLawDecode: mu expects an integer, 1 or above/],
    ["no delimiter", () => parseCSV("a,b", { delimiter: "" }), /parseCSV: delimiter expects one character/],
    ["a quote to delimit", () => parseCSV("a,b", { delimiter: '"' }), /delimiter expects one character, no quote/],
  ])("is explained: %s", (_, call, message) => {
    expect(call).toThrow(message);
  });

  it("in what collate returns is explained", async () => {
    const given = (value: unknown) => first(loader({ collate: () => value }));
    await expect(given(undefined)).rejects.toThrow(/collate: batch expects arrays by name, but received undefined/);
    await expect(given({ x: [1] })).rejects.toThrow(/collate: x expects \{ dtype, shape, data \}.*received an array/);
    const stream = streamBatches([1], { batchSize: 1, collate: wrong(undefined) });
    await expect(first(stream)).rejects.toThrow(/streamBatches: collate expects a function/);
  });

  it("in a place to look at is explained", async () => {
    await expect(loader().at({ epoch: 0, batch: 3 })).rejects.toThrow(
      /batch expects an integer from 0 to 2.*received 3/,
    );
  });
});

describe("padSequences", () => {
  it("takes more sequences than a call has room for arguments", () => {
    const count = 200_000;
    expect(padSequences(new Array<number[]>(count).fill([7]), 0).shape).toEqual([count, 1]);
  });
});
