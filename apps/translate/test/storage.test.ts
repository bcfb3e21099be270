/** Memory stays flat in a loop written by hand, without a trainer, a tidy or a dispose. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inference, valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import { setDefaultDevice } from "@neurite/core";
import type { Batch } from "@neurite/data";
import { Adam } from "@neurite/optimizers";
import { expect, it } from "vitest";
import { DEFAULTS, makeLoader, makeTask, type PairBatch } from "../src/task.js";
import { train } from "../src/train.js";

it("over 500 steps of training and evaluation, with a loader that prefetches", async () => {
  const device = cpuJs();
  setDefaultDevice(device);
  const options = { ...DEFAULTS, features: 8, batchSize: 4 };
  const task = makeTask(options);
  const { model } = task;
  const loader = makeLoader(task, options);
  const held = makeLoader(task, { ...options, seed: 2 });

  const optimizer = new Adam(model.parameters(), { learningRate: 1e-3, clipNorm: 1 });
  const loss = (batch: Batch<PairBatch>) => model.loss(batch.source, batch.targetIn, batch.targetOut);
  const step = valueAndGrad(loss, model.parameters());
  const evaluate = inference(loss);
  const counts = new Set<number>();
  let losses = 0;
  for await (const batch of loader) {
    const { value, grads } = step(batch);
    optimizer.step(grads);
    losses += await value.item();
    if (optimizer.steps % 50 === 0) {
      model.eval();
      for await (const other of held) {
        losses += await evaluate(other).item();
        break;
      }
      model.train();
    }
    if (optimizer.steps >= 50) counts.add(device.memory().storages);
    if (optimizer.steps === 500) break;
  }
  expect(Number.isFinite(losses)).toBe(true);
  expect(counts.size, `storage counts seen: ${[...counts].join(", ")}`).toBe(1);
}, 120_000);

it("over 500 steps of the demo, with its evaluations and checkpoints", async () => {
  const device = cpuJs();
  setDefaultDevice(device);
  const folder = await mkdtemp(join(tmpdir(), "neurite-storage-"));
  const counts = new Set<number>();
  try {
    await train({
      options: { ...DEFAULTS, features: 8, batchSize: 4, steps: 500 },
      folder,
      resume: false,
      checkpointEvery: 25,
      onStep: ({ step }) => {
        // the first reports come before a batch of evaluation was ever decoded
        if (step > 100 && step < 500) counts.add(device.memory().storages);
      },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  expect(counts.size, `storage counts seen: ${[...counts].join(", ")}`).toBe(1);
}, 120_000);
