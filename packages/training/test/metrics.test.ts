import { cpuJs } from "@neurite/backend-cpu-js";
import {
  cast,
  type Device,
  Generator,
  normal,
  randomIntegers,
  setDefaultDevice,
  type Tensor,
  tensor,
} from "@neurite/core";
import { beforeEach, describe, expect, it } from "vitest";
import {
  Accuracy,
  Bleu,
  bleu,
  ConfusionMatrix,
  MeanAbsoluteError,
  MovingAverage,
  Perplexity,
  RunningMean,
} from "../src/index.js";

let device: Device;
beforeEach(() => {
  device = cpuJs();
  setDefaultDevice(device);
});

const int = (...values: number[]) => tensor(Int32Array.from(values));
const SCORES = [
  [1, 3, 2],
  [5, 0, 4],
  [1, 1, 0],
  [0, 1, 2],
];

/** Positions by falling score, the first of equals first. */
function ranking(row: readonly number[]): number[] {
  return row.map((_, i) => i).sort((a, b) => row[b]! - row[a]! || a - b);
}

function rowsOf(scores: Tensor): number[][] {
  const [n, c] = scores.shape as [number, number];
  const data = Array.from(scores.dataSync());
  return Array.from({ length: n }, (_, i) => data.slice(i * c, (i + 1) * c));
}

describe("Accuracy", () => {
  it("counts how often the target is first, over batches", async () => {
    const accuracy = new Accuracy();
    expect(accuracy.value).toBeNaN();
    const before = device.memory().storages;
    const [first, second, rest] = [tensor(SCORES.slice(0, 3)), tensor(SCORES.slice(3)), int(1, 2, 1)];
    await accuracy.add(first, rest);
    expect(accuracy.value).toBeCloseTo(1 / 3, 12);
    await accuracy.add(second, int(2));
    expect(accuracy.value).toBe(0.5);
    expect(device.memory().storages).toBe(before + 4);
    accuracy.reset();
    await accuracy.add(second, int(2));
    expect(accuracy.value).toBe(1);
  });

  it("agrees with sorting for every k, ties and padding included", async () => {
    const generator = new Generator(7);
    const scores = cast(randomIntegers([50, 6], 0, 4, { generator }), "float32");
    const targets = randomIntegers([50], -1, 6, { generator });
    const labels = Array.from(targets.dataSync());
    for (let k = 1; k <= 7; k++) {
      const accuracy = new Accuracy({ k, ignoreIndex: -1 });
      await accuracy.add(scores, targets);
      const counted = labels.flatMap((label, i) => (label < 0 ? [] : [ranking(rowsOf(scores)[i]!).indexOf(label) < k]));
      expect(accuracy.value).toBeCloseTo(counted.filter(Boolean).length / counted.length, 12);
      expect(counted.length).toBeLessThan(50);
    }
  });

  it("takes no NaN for a hit, and any leading axes", async () => {
    const accuracy = new Accuracy();
    await accuracy.add(tensor([[Number.NaN, Number.NaN]]), int(0));
    expect(accuracy.value).toBe(0);
    await accuracy.add(
      tensor([
        [
          [0, 1],
          [1, 0],
        ],
      ]),
      tensor(Int32Array.from([1, 0]), { shape: [1, 2] }),
    );
    expect(accuracy.value).toBeCloseTo(2 / 3, 12);
  });

  it("refuses what does not fit", async () => {
    expect(() => new Accuracy({ k: 0 })).toThrow(/k expects a positive integer, but received 0/);
    const accuracy = new Accuracy();
    await expect(accuracy.add(tensor(SCORES), int(1))).rejects.toThrow(
      /targets expects shape \[4\], but received \[1\]/,
    );
    await expect(accuracy.add(tensor(SCORES), tensor([1, 1, 1, 1]))).rejects.toThrow(/targets expects int32/);
    await expect(accuracy.add(tensor(1), int(1))).rejects.toThrow(/a last axis of classes/);
    await expect(accuracy.add(tensor(SCORES), int(1, 2, 3, 0))).rejects.toMatchObject({ code: "ERR_INDEX" });
  });
});

describe("one score for two classes", () => {
  const logits = [2, -1, 0.5, -3, 0, Number.NaN];
  const targets = [1, 0, 0, 1, 0, 0];
  const column = (values: readonly number[]) => tensor(values.map((value) => [value]));
  const labels = (shape: readonly number[]) => tensor(Int32Array.from(targets), { shape });

  it.each([[[6]], [[6, 1]]])("counts logits [6, 1] above 0 as class 1, with targets %j", async (shape) => {
    const accuracy = new Accuracy();
    await accuracy.add(column(logits), labels(shape));
    expect(accuracy.value).toBe(3 / 6);
    const confusion = new ConfusionMatrix(2);
    await confusion.add(
      column(logits.slice(0, 5)),
      tensor(Int32Array.from(targets.slice(0, 5)), { shape: [5, ...shape.slice(1)] }),
    );
    expect(confusion.counts).toEqual([
      [2, 1],
      [1, 1],
    ]);
    expect(confusion.accuracy).toBe(3 / 5);
  });

  it("takes a threshold for probabilities, and leaves ignored positions out", async () => {
    const accuracy = new Accuracy({ threshold: 0.5, ignoreIndex: -1 });
    const own = tensor(Int32Array.of(1, 0, -1, 0), { shape: [4] });
    await accuracy.add(column([0.9, 0.2, 0.1, 0.7]), own);
    expect(accuracy.value).toBe(2 / 3);
    const confusion = new ConfusionMatrix(2, { threshold: 0.5, ignoreIndex: -1 });
    await confusion.add(column([0.9, 0.2, 0.1, 0.7]), own);
    expect(confusion.counts).toEqual([
      [1, 1],
      [0, 1],
    ]);
  });

  it("refuses classes that there are not, and scores that are none", async () => {
    await expect(new Accuracy().add(column([1]), tensor(Int32Array.of(2)))).rejects.toThrow(/Error|index/);
    await expect(
      new Accuracy().add(tensor(Int32Array.of(1), { shape: [1, 1] }), tensor(Int32Array.of(1))),
    ).rejects.toThrow(/scores expects float32 or float64/);
    await expect(new ConfusionMatrix(2).add(column([Number.NaN]), tensor(Int32Array.of(0)))).rejects.toThrow(
      /-1 at position 0/,
    );
    await expect(new ConfusionMatrix(2).add(column([1, 2]), tensor(Int32Array.of(1)))).rejects.toThrow(
      /targets expects shape/,
    );
  });
});

describe("ConfusionMatrix", () => {
  it("counts targets against predictions, and averages what follows", async () => {
    const confusion = new ConfusionMatrix(3);
    expect(confusion.accuracy).toBeNaN();
    expect(confusion.f1()).toBe(0);
    await confusion.add(int(0, 1, 1, 2, 0), int(0, 1, 0, 1, 0));
    await confusion.add(tensor([[0, 0, 5]]), int(1));
    expect(confusion.counts).toEqual([
      [2, 1, 0],
      [0, 1, 2],
      [0, 0, 0],
    ]);
    expect(confusion.total).toBe(6);
    expect(confusion.accuracy).toBe(0.5);
    expect(confusion.precisions).toEqual([1, 0.5, 0]);
    expect(confusion.recalls).toEqual([2 / 3, 1 / 3, 0]);
    expect(confusion.f1s[0]).toBeCloseTo(0.8, 12);
    expect(confusion.f1s[1]).toBeCloseTo(0.4, 12);
    expect(confusion.f1s[2]).toBe(0);
    expect([confusion.precision(), confusion.recall()]).toEqual([0.5, 1 / 3]);
    expect(confusion.f1()).toBeCloseTo(0.4, 12);
    for (const measure of ["precision", "recall", "f1"] as const) expect(confusion[measure]("micro")).toBe(0.5);
    confusion.reset();
    expect(confusion.total).toBe(0);
  });

  it("leaves out what is ignored, frees what it makes, and refuses classes out of range whole", async () => {
    const confusion = new ConfusionMatrix(2, { ignoreIndex: 9 });
    const scores = tensor([
      [1, 0],
      [0, 1],
    ]);
    const before = device.memory().storages;
    const targets = int(9, 1);
    await confusion.add(scores, targets);
    expect(device.memory().storages).toBe(before + 1);
    await expect(confusion.add(int(0, 2), int(0, 1))).rejects.toThrow(
      /integers from 0 to 1, but received 2 at position 1/,
    );
    await expect(confusion.add(int(0), int(0, 1))).rejects.toThrow(/targets expects shape/);
    expect(confusion.counts).toEqual([
      [0, 0],
      [0, 1],
    ]);
    expect(() => new ConfusionMatrix(0)).toThrow(/classes expects an integer from 1 to/);
  });
});

describe("Perplexity", () => {
  it("is the number of tokens where all are equally likely, and e to the mean surprise over batches", async () => {
    const even = new Perplexity();
    await even.add(tensor(new Float32Array(12), { shape: [3, 4] }), int(0, 1, 3));
    expect(even.value).toBeCloseTo(4, 5);
    const logits = normal([7, 5], 0, 2, { generator: new Generator(2) });
    const labels = [0, 4, 2, 2, -1, 1, 3];
    const perplexity = new Perplexity({ ignoreIndex: -1 });
    expect(perplexity.value).toBeNaN();
    const rows = rowsOf(logits);
    for (const [from, to] of [
      [0, 3],
      [3, 7],
    ] as const) {
      await perplexity.add(tensor(rows.slice(from, to)), int(...labels.slice(from, to)));
    }
    await perplexity.add(tensor(rows.slice(0, 1)), int(-1));
    const surprises = labels.flatMap((label, i) => {
      const total = Math.log(rows[i]!.reduce((sum, x) => sum + Math.exp(x), 0));
      return label < 0 ? [] : [total - rows[i]![label]!];
    });
    const mean = surprises.reduce((a, b) => a + b, 0) / 6;
    expect(perplexity.value).toBeCloseTo(Math.exp(mean), 4);
    perplexity.reset();
    expect(perplexity.value).toBeNaN();
    await expect(perplexity.add(tensor(rows), int(1))).rejects.toThrow(/Perplexity: targets expects shape/);
  });
});

describe("means", () => {
  it("weigh batches by their sizes", async () => {
    const mean = new RunningMean();
    mean.add(2, 3);
    mean.add(6);
    expect(mean.value).toBe(3);
    const error = new MeanAbsoluteError();
    await error.add(tensor([[1, -2, 4]]), tensor([[0, 0, 0]]));
    await error.add(tensor([5]), tensor([0]));
    await error.add(tensor(new Float32Array(0)), tensor(new Float32Array(0)));
    expect(error.value).toBe(3);
    error.reset();
    mean.reset();
    expect([error.value, mean.value]).toEqual([Number.NaN, Number.NaN]);
    await expect(error.add(tensor([1]), tensor([1, 2]))).rejects.toThrow(/target expects shape \[1\]/);
  });

  it("forget, and do not start from 0", () => {
    const average = new MovingAverage(0.5);
    expect(average.value).toBeNaN();
    average.add(4);
    expect(average.value).toBe(4);
    average.add(1);
    expect(average.value).toBe(2);
    average.reset();
    expect(average.value).toBeNaN();
    expect(() => new MovingAverage(1)).toThrow(/decay expects a number from 0 to below 1/);
  });
});

describe("Bleu", () => {
  it("scores a corpus in parts as it does whole", () => {
    const outputs = ["the cat sat on the mat", "a dog ran", "so it goes on and on"].map((line) => line.split(" "));
    const references = ["the cat sat on a mat", "a dog ran off", "so it goes on and off"].map((line) =>
      line.split(" "),
    );
    const score = new Bleu();
    expect(score.value).toBe(0);
    score.add(outputs.slice(0, 1), references.slice(0, 1));
    score.add(outputs.slice(1), references.slice(1));
    expect(score.value).toBe(bleu(outputs, references));
    expect(score.value).toBeGreaterThan(10);
    score.reset();
    expect(score.value).toBe(0);
    expect(() => bleu(outputs, [])).toThrow(/3 sentences, one for each output, but received 0/);
  });
});
