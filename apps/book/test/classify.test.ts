/** Training, testing and comparing classifiers, on tiny images; and the digits they are made for. */
import { BACKENDS } from "@neurite/auto";
import { type Device, Generator, gather, setDefaultDevice, softmax, type Tensor, tensor, zeros } from "@neurite/core";
import { initialize } from "@neurite/layers";
import { mseLoss } from "@neurite/losses";
import { MLP } from "@neurite/models";
import { Adam, SGD, WeightAverage } from "@neurite/optimizers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Classifier, classify, predict, type Samples, slice, stepsOf, test } from "../src/classify.js";
import { accuracies, contest, curvesOf, metricName, ranking } from "../src/contest.js";
import { loadDigits } from "../src/data/mnist.js";
import type { Run } from "../src/example.js";

let device: Device;
beforeAll(async () => {
  device = await BACKENDS["cpu-js"]();
  setDefaultDevice(device);
});
afterAll(() => device.close());

/** Images of 2 × 2, bright on top (0) or below (1). */
function samples(count: number): Samples {
  const generator = new Generator(5);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
  const data = Float32Array.from(
    { length: 4 * count },
    (_, i) => (labels[i >> 2] === (i & 3) >> 1 ? 0.8 : 0.1) + 0.1 * generator.uniform(),
  );
  return { data, labels, shape: [2, 2, 1] };
}

function recorder() {
  const steps: (readonly [number, number])[] = [];
  const run: Run = {
    seed: 1,
    generator: new Generator(1),
    step: ({ step, steps: total }) => void steps.push([step, total]),
    say() {},
    conclude() {},
    picture() {},
    file() {},
  };
  return { run, steps };
}

const make = () => {
  const model = new MLP([4, 8, 2], { generator: new Generator(2) });
  return { model, optimizer: new Adam(model.parameters(), { learningRate: 0.02 }) };
};
const plan = { train: samples(40), dev: samples(10), batchSize: 8, epochs: 10, classes: 2 };

describe("classify", () => {
  it("learns, reports each step, and leaves nothing but the model", async () => {
    const { run, steps } = recorder();
    const { model, optimizer } = make();
    await classify(run, { ...plan, epochs: 1, model, optimizer });
    const before = device.memory().storages;
    // one value is lent out until the next call of its function
    const lent = 1;
    const curves = await classify(run, { ...plan, model, optimizer, before: 7, total: 99 });
    expect(device.memory().storages).toBe(before + lent);
    expect(stepsOf(plan)).toBe(50);
    expect(steps.slice(-2)).toEqual([
      [56, 99],
      [57, 99],
    ]);
    expect(curves.points).toHaveLength(10);
    expect(curves.points.at(-1)).toMatchObject({ step: 50, train: 1, dev: 1 });
    expect(await predict(model, samples(6))).toEqual(Int32Array.from([0, 1, 0, 1, 0, 1]));
    expect((await test(model, slice(samples(6), 1, 4), 2)).counts).toEqual([
      [1, 0],
      [0, 2],
    ]);
  });

  it("takes another loss", async () => {
    const oneHot = tensor([
      [1, 0],
      [0, 1],
    ]);
    const squares = (scores: Tensor, labels: Tensor) => mseLoss(softmax(scores), gather(oneHot, labels));
    const still = () => {
      const { model } = make();
      for (const parameter of Object.values(model.parameters())) initialize(parameter, zeros);
      return { model, optimizer: new SGD(model.parameters(), { learningRate: 0 }) };
    };
    const [entropy, square] = [
      await classify(recorder().run, { ...plan, ...still() }),
      await classify(recorder().run, { ...plan, ...still(), loss: squares }),
    ];
    // both classes get 1/2
    expect(entropy.points[0]!.objective).toBeCloseTo(Math.LN2, 5);
    expect(square.points[0]!.objective).toBeCloseTo(0.25, 5);
  });
});

describe("contest", () => {
  it("trains each contender on the same data, with one count of steps", async () => {
    const { run, steps } = recorder();
    const outcomes = await contest(run, {
      ...plan,
      epochs: 2,
      test: samples(20),
      contenders: {
        "one, two": make,
        idle: () => {
          const { model } = make();
          return { model: model as Classifier, optimizer: new Adam(model.parameters(), { learningRate: 0 }) };
        },
      },
    });
    expect(steps.map(([step]) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(new Set(steps.map(([, total]) => total))).toEqual(new Set([20]));
    expect(Object.keys(accuracies(outcomes))).toEqual(["oneTwo", "idle"]);
    const [first, second] = Object.values(outcomes).map(({ curves }) => curves.points.at(-1)!.objective);
    expect(first).toBeLessThan(second!);
    const chart = curvesOf(outcomes, "objective", "Loss");
    for (const name of ["one, two", "idle", "mean loss"]) expect(chart).toContain(`>${name}<`);
    expect(metricName("Error of max-pooling")).toBe("errorOfMaxPooling");
  });

  it("tests averaged weights where a contender has them", async () => {
    /** Gives all examples the first class at the start. */
    const biased = () => {
      const { model } = make();
      const [weight, bias] = Object.values(model.parameters()).slice(-2);
      initialize(weight!, zeros);
      initialize(bias!, () => tensor([0.5, 0]));
      // the first step, whose weights start the average, changes nothing
      const learningRate = (step: number) => (step === 0 ? 0 : 0.02);
      return { model, optimizer: new Adam(model.parameters(), { learningRate }) };
    };
    const outcomes = await contest(recorder().run, {
      ...plan,
      test: samples(20),
      contenders: {
        plain: biased,
        averaged: () => {
          const parts = biased();
          return { ...parts, average: new WeightAverage(parts.model.parameters(), { decay: 1 - 1e-9 }) };
        },
      },
    });
    // the averages are those of the start
    expect(accuracies(outcomes)).toEqual({ plain: 1, averaged: 0.5 });
    expect(ranking(outcomes)).toBe("plain 100.0\u00a0%; averaged 50.0\u00a0%");
    expect((await test(outcomes.averaged!.model, samples(20), 2)).accuracy).toBe(1);
  });
});

describe("the digits", () => {
  it("are 55,000 + 5,000 + 10,000 images of 28 × 28 from 0 to 1, beginning with 5, 0, 4 and 7, 2, 1", async () => {
    const { train, dev, test: unseen } = await loadDigits();
    for (const [part, count] of [
      [train, 55_000],
      [dev, 5000],
      [unseen, 10_000],
    ] as const) {
      expect(part.labels).toHaveLength(count);
      expect(part.data).toHaveLength(count * 784);
      expect(part.shape).toEqual([28, 28, 1]);
      expect(part.data.reduce((a, b) => Math.max(a, b))).toBe(1);
      expect(part.data.reduce((a, b) => Math.min(a, b))).toBe(0);
      expect(new Set(part.labels)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    }
    expect([...train.labels.subarray(0, 3)]).toEqual([5, 0, 4]);
    expect([...unseen.labels.subarray(0, 3)]).toEqual([7, 2, 1]);
    // the mean that everyone normalises MNIST by is 0.1307
    const mean = train.data.reduce((sum, value) => sum + value, 0) / train.data.length;
    expect(mean).toBeCloseTo(0.1307, 3);
  });
});
