/** What the trainer and metrics are given by mistake, and what they say to it. */
import { cpuJs } from "@neurite/backend-cpu-js";
import { mean, setDefaultDevice } from "@neurite/core";
import { DataLoader, fromArray, stackArrays } from "@neurite/data";
import { Linear } from "@neurite/layers";
import { SGD } from "@neurite/optimizers";
import { describe, expect, it } from "vitest";
import { bleu, ConfusionMatrix, curvesToSVG, RunningMean, Trainer } from "../src/index.js";

setDefaultDevice(cpuJs());

/** A value that its type would not allow. */
const wrong = (value: unknown) => value as never;

function trainer(options: object = {}) {
  const model = new Linear(1, 1);
  const collate = (items: readonly number[]) => ({ x: stackArrays([items], [items.length]) });
  return new Trainer({
    model,
    optimizer: new SGD(model.parameters(), { learningRate: 0.1 }),
    loader: new DataLoader(fromArray([1, 2]), { batchSize: 1, collate }),
    loss: ({ x }) => mean(model.forward(x)),
    steps: 1,
    evaluateEvery: 1,
    ...options,
  });
}

describe("a mistake", () => {
  it.each<[string, () => unknown, RegExp]>([
    ["no model", () => trainer({ model: undefined }), /Trainer: model expects a module/],
    ["no optimizer", () => trainer({ optimizer: undefined }), /Trainer: optimizer expects an optimizer over/],
    ["an array for a loader", () => trainer({ loader: [1, 2] }), /Trainer: loader expects a DataLoader/],
    ["no loss", () => trainer({ loss: undefined }), /Trainer: loss expects a function from a batch to its loss/],
    ["another measure", () => trainer({ monitor: "loss" }), /monitor expects objective, train or dev.*received "loss"/],
    ["another mean", () => new ConfusionMatrix(2).f1(wrong("weighted")), /averaging expects macro or micro/],
    [
      "a negative weight",
      () => new RunningMean().add(1, -1),
      /RunningMean: weight expects a finite number, 0 or above/,
    ],
    [
      "text for tokens",
      () => bleu(wrong(["a b"]), wrong(["a b"])),
      /bleu: sentence 0 expects a list of tokens.*Split it/,
    ],
  ])("is explained: %s", (_, call, message) => {
    expect(call).toThrow(message);
  });

  it("in what evaluate returns is explained", async () => {
    const given = (value: unknown) => trainer({ evaluate: async () => value }).fit();
    await expect(given(0.5)).rejects.toThrow(/evaluate expects \{ train, dev \}, numbers or null.*received number/);
    await expect(given({ dev: 0.5 })).rejects.toThrow(
      /received train undefined, dev 0.5.*null for what was not measured/,
    );
    await expect(given(undefined)).rejects.toThrow(/evaluate expects.*received undefined/);
  });

  it("in the numbers of a curve does not spoil the picture", () => {
    const point = { step: 1, epoch: 1, objective: Number.NaN, train: Number.POSITIVE_INFINITY, dev: 0.5 };
    expect(curvesToSVG({ metric: "accuracy", points: [point] })).not.toMatch(/NaN|Infinity/);
  });
});
