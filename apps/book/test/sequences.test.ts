/** Text and sound: what their readers give, the pictures of them, and the tools of the examples with sequences. */
import { cpuJs } from "@neurite/backend-cpu-js";
import { type Device, Generator, mean, setDefaultDevice, square, sub, tensor } from "@neurite/core";
import { Vocabulary } from "@neurite/data";
import { Linear } from "@neurite/layers";
import { RecurrentEncoderDecoder } from "@neurite/models";
import { SGD } from "@neurite/optimizers";
import { beforeAll, describe, expect, it } from "vitest";
import { loadSpeech, resample } from "../src/data/speech.js";
import { loadMobyDick, loadNames, loadPronunciations } from "../src/data/text.js";
import type { Run } from "../src/example.js";
import { EXAMPLES } from "../src/examples/index.js";
import { leastSquares } from "../src/examples/tapped-delay-line.js";
import { fit } from "../src/fit.js";
import { beside, heatmap } from "../src/pictures/chart.js";
import { spectrogram, spectrum } from "../src/pictures/sound.js";
import { attentionOf, batchOf, editDistance } from "../src/sequences.js";

let device: Device;
beforeAll(() => {
  device = cpuJs();
  setDefaultDevice(device);
});

const sine = (hertz: number, rate: number, length: number) =>
  Float32Array.from({ length }, (_, t) => Math.sin((2 * Math.PI * hertz * t) / rate));

it("the list has the examples with sequences", () => {
  const names = EXAMPLES.map(({ name }) => name);
  for (const name of [
    "tapped-delay-line",
    "rnn-memory",
    "rnn-text",
    "transformer",
    "autoencoder",
    "wavenet",
    "sequence-to-sequence",
    "question-answering",
  ]) {
    expect(names).toContain(name);
  }
});

describe("text", () => {
  it("names are plain letters in lower case, each once", async () => {
    const names = await loadNames();
    expect(names.length).toBeGreaterThan(7000);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(["abigail", "zachary"]));
    expect(names.every((name) => /^[a-z]+$/.test(name))).toBe(true);
  });

  it("Moby-Dick begins as it does, without the line breaks of its pages", async () => {
    const text = await loadMobyDick(1, 2);
    expect(text).toContain("Call me Ishmael. Some years ago—never mind how long precisely—having little");
    expect(text).not.toContain("\r");
    expect(text).not.toContain("  ");
  });

  it("pronunciations are phonemes without stress", async () => {
    const words = new Map(await loadPronunciations());
    expect(words.size).toBeGreaterThan(100_000);
    expect(words.get("characterize")).toEqual(["K", "EH", "R", "IH", "K", "T", "ER", "AY", "Z"]);
    expect(new Set([...words.values()].flat()).size).toBe(39);
  });
});

describe("sound", () => {
  it("the voice lasts twelve seconds, its largest sample 1", async () => {
    const speech = await loadSpeech(8000);
    expect(speech.length / 8000).toBeCloseTo(12.27, 1);
    expect(Math.max(...speech.map(Math.abs))).toBeCloseTo(1, 6);
  });

  it("a resampled sine is the sine at the new rate, and one above the new limit is gone", () => {
    const low = resample(sine(440, 44100, 44100), 44100, 8000);
    const expected = sine(440, 8000, 8000);
    expect(low.length).toBe(8000);
    const middle = (x: Float32Array) => x.subarray(200, 7800);
    const largest = (x: Float32Array) => Math.max(...x.map(Math.abs));
    expect(largest(middle(low.map((value, t) => value - expected[t]!)))).toBeLessThan(0.005);
    expect(largest(middle(resample(sine(6000, 44100, 44100), 44100, 8000)))).toBeLessThan(0.005);
  });

  it("a spectrum is highest at the frequency of its sine", () => {
    const levels = spectrum(sine(1000, 8000, 256));
    expect(levels.indexOf(Math.max(...levels))).toBe(32);
  });

  it("a spectrogram has a column for every hop and is dark where the sound is", () => {
    const { width, height, data } = spectrogram([sine(1000, 8000, 1024)]);
    expect([width, height]).toEqual([(1024 - 256) / 8 + 1, 256]);
    expect(data.length).toBe(width * height);
    const column = Array.from({ length: height }, (_, row) => data[row * width + 5]!);
    expect(column.indexOf(Math.min(...column))).toBe(2 * (127 - 32));
  });

  it("least squares finds the taps of a signal that follows them", () => {
    const generator = new Generator(1);
    const x = new Float64Array(20_000);
    for (let t = 2; t < x.length; t++) x[t] = 1.2 * x[t - 1]! - 0.7 * x[t - 2]! + generator.normal();
    const [a, b, c] = leastSquares(x, 3) as [number, number, number];
    expect(a).toBeCloseTo(1.2, 1);
    expect(b).toBeCloseTo(-0.7, 1);
    expect(c).toBeCloseTo(0, 1);
  });
});

describe("sequence to sequence", () => {
  it.each([
    ["kitten", "sitting", 3],
    ["", "abc", 3],
    ["abc", "", 3],
    ["flaw", "lawn", 2],
    ["abcd", "acd", 1],
    ["acd", "abcd", 1],
    ["same", "same", 0],
  ])("from %j to %j are %i edits", (a, b, edits) => {
    expect(editDistance([...a], [...b])).toBe(edits);
  });

  const vocabulary = Vocabulary.build([["a", "b", "c"]]);
  const languages = { source: vocabulary, target: vocabulary };
  const pair = { source: ["a", "b", "c"], target: ["c", "a"] };

  it("a batch has the target behind the start mark and before the end mark, padded", async () => {
    const tensors = batchOf([pair, { source: ["b"], target: ["b"] }], languages);
    const values = await Promise.all(tensors.map(async (tensor) => Array.from(await tensor.data())));
    expect(values).toEqual([
      [4, 5, 6, 5, 0, 0],
      [1, 6, 4, 1, 5, 0],
      [6, 4, 2, 5, 2, 0],
    ]);
    for (const tensor of tensors) tensor.dispose();
  });

  it("attention gives a row of weights to each token written", async () => {
    const tokens = vocabulary.size;
    const model = new RecurrentEncoderDecoder({ sourceTokens: tokens, targetTokens: tokens, features: 4 });
    const { weights, written } = await attentionOf(model, pair, languages);
    expect(weights.length).toBe(written.length);
    for (const row of weights) {
      expect(row.length).toBe(3);
      expect(row.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
    }
  });
});

it("pictures beside one another keep their sizes", () => {
  const one = heatmap([[1]], { title: "one", x: "x", y: "y", columns: ["a"], rows: ["b"] });
  const size = (picture: string) => /width="(\d+)" height="(\d+)"/.exec(picture)!.slice(1).map(Number);
  const [width, height] = size(one) as [number, number];
  expect(size(beside([one, one, one], 2))).toEqual([2 * width, 2 * height]);
});

it("a fit lowers the loss, reports every step, measures in evaluation mode, and frees its batches", async () => {
  const model = new Linear(1, 1, { generator: new Generator(1) });
  const reports: number[] = [];
  const modes: boolean[] = [];
  const run = { step: ({ step }: { step: number }) => reports.push(step) } as unknown as Run;
  const options = {
    model,
    optimizer: new SGD(model.parameters(), { learningRate: 0.1 }),
    steps: 20,
    points: 4,
    before: 10,
    total: 40,
    loss: () => mean(square(sub(model.forward(tensor([[1], [2]])), tensor([[3], [5]])))),
    evaluate: async () => Number(modes.push(model.training)),
  };
  const { objective, measured } = await fit(run, options);
  const held = device.memory().storages;
  await fit(run, options);
  expect(device.memory().storages).toBe(held);
  expect(objective.map(([step]) => step)).toEqual([5, 10, 15, 20]);
  expect(objective.at(-1)![1]).toBeLessThan(objective[0]![1]);
  expect(measured.length).toBe(4);
  expect(modes.every((mode) => !mode)).toBe(true);
  expect(reports[0]).toBe(11);
});
