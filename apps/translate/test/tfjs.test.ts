/** The translator against the same network in tfjs, with the same weights. */
import { inference, valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import { fromHost, setDefaultDevice, type Tensor } from "@neurite/core";
import { START } from "@neurite/data";
import { Adam } from "@neurite/optimizers";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { collate, DEFAULTS, makeLoader, makeTask, type PairBatch, type Task } from "../src/task.js";
import * as reference from "./tfjs-reference.js";

/** Enough training for weights that say something: greedy outputs differ between inputs. */
const STEPS = 60;

let task: Task;
let weights: Record<string, tf.Tensor>;

const upload = (host: PairBatch[keyof PairBatch]): Tensor => fromHost(host.data, host.dtype, host.shape);
const toTfjs = (host: PairBatch[keyof PairBatch]) =>
  tf.tensor2d(host.data as Int32Array, host.shape as [number, number], "int32");

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

beforeAll(async () => {
  setDefaultDevice(cpuJs());
  await tf.setBackend("cpu");
  task = makeTask(DEFAULTS);
  const { model } = task;
  const optimizer = new Adam(model.parameters(), { learningRate: 3e-3, clipNorm: 1 });
  const step = valueAndGrad(
    (source: Tensor, targetIn: Tensor, targetOut: Tensor) => model.loss(source, targetIn, targetOut),
    model.parameters(),
  );
  for await (const batch of makeLoader(task, DEFAULTS)) {
    optimizer.step(step(batch.source, batch.targetIn, batch.targetOut).grads);
    if (optimizer.steps === STEPS) break;
  }
  weights = Object.fromEntries(
    Object.entries(model.parameters()).map(([name, parameter]) => [
      name,
      tf.tensor(parameter.dataSync() as Float32Array, [...parameter.shape]),
    ]),
  );
});

describe("the translator and the same network in tfjs", () => {
  it("give the same logits, loss and gradients", () => {
    const { model, corpus } = task;
    const host = collate(task, corpus.development.slice(0, 32));
    const [source, targetIn, targetOut] = [host.source, host.targetIn, host.targetOut].map(toTfjs) as [
      tf.Tensor2D,
      tf.Tensor2D,
      tf.Tensor2D,
    ];
    const logits = inference((s: Tensor, t: Tensor) => model.forward(s, t))(upload(host.source), upload(host.targetIn));
    const expected = reference.forward(weights, source, targetIn);
    expect(largestDifference(logits.dataSync(), expected.dataSync())).toBeLessThan(1e-4);

    const step = valueAndGrad((s: Tensor, i: Tensor, o: Tensor) => model.loss(s, i, o), model.parameters());
    const { value, grads } = step(upload(host.source), upload(host.targetIn), upload(host.targetOut));
    const names = Object.keys(weights);
    const lossOf = (...values: tf.Tensor[]) =>
      reference.loss(Object.fromEntries(names.map((name, i) => [name, values[i]!])), source, targetIn, targetOut);
    const wanted = tf.valueAndGrads(lossOf)(Object.values(weights));
    const lossWanted = wanted.value.dataSync()[0]!;
    expect(Math.abs(value.itemSync() - lossWanted) / lossWanted).toBeLessThan(1e-3);
    names.forEach((name, i) => {
      const gradient = wanted.grads[i]!.dataSync();
      const scale = Math.max(...gradient.map(Math.abs));
      const error = largestDifference(grads[name]!.dataSync(), gradient) / scale;
      expect(scale, `${name} has a gradient`).toBeGreaterThan(0);
      expect(error, `gradient of ${name}, relative to its largest element`).toBeLessThan(1e-3);
    });
  });

  it("translate 200 sentences identically", () => {
    const { model, corpus } = task;
    const host = collate(task, corpus.test.slice(0, 200));
    const ours = inference((source: Tensor) => model.greedy(source, START, 20))(upload(host.source));
    const theirs = reference.greedy(weights, toTfjs(host.source), START, 20);
    expect(new Set(theirs.map(String)).size, "outputs differ between inputs").toBeGreaterThan(10);
    expect(Array.from(ours.dataSync())).toEqual(theirs.flat());
  });
});
