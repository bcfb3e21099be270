/** Optimizer steps that write over weights: what was made of the old ones must not survive them. */
import { linear, normal, Parameter, type Tensor, tensor, zeros } from "@neurite/core";
import { Adam, SGD } from "@neurite/optimizers";
import { expect, it } from "vitest";
import { type WasmBackend, wasm } from "../src/index.js";

const device = wasm();
const weightOf = (size: number) => new Parameter(normal([size, size], 0, 1, { device }));

function worst(a: Tensor, b: Tensor): number {
  const [left, right] = [a.dataSync(), b.dataSync()];
  let most = 0;
  for (let i = 0; i < left.length; i++) most = Math.max(most, Math.abs(left[i]! - right[i]!));
  return most;
}

it("multiplies by the new weight where packed copies of the old one were kept", () => {
  const weight = weightOf(64);
  const x = normal([64, 64], 0, 1, { device });
  const optimizer = new SGD({ weight }, { learningRate: 1 });
  for (let step = 0; step < 3; step++) {
    // at the second product the packed weight is kept
    for (let use = 0; use < 3; use++) linear(x, weight).dispose();
    const { storage } = weight;
    optimizer.step({ weight: normal([64, 64], 0, 1, { device }) });
    expect(weight.storage).toBe(storage);
    const fresh = tensor(weight.dataSync() as Float32Array, { shape: [64, 64], device });
    expect(worst(linear(x, weight), linear(x, fresh))).toBe(0);
  }
});

it("takes no new memory for a step, and gives packed copies back", () => {
  const weight = weightOf(256);
  const optimizer = new Adam({ weight });
  const x = normal([64, 256], 0, 1, { device });
  const gradient = normal([256, 256], 0, 1, { device });
  const step = () => {
    for (let use = 0; use < 3; use++) linear(x, weight).dispose();
    optimizer.step({ weight: gradient }, { keepGrads: true });
  };
  step();
  const { heap } = (device.backend as WasmBackend).engine;
  const [bytes, held] = [heap.bytes, device.memory()];
  for (let i = 0; i < 50; i++) step();
  expect(heap.bytes).toBe(bytes);
  expect(device.memory()).toEqual(held);
});

it("gives the same numbers in place as beside a holder of the old weight", () => {
  const data = normal([37, 5], 0, 1, { device }).dataSync() as Float32Array;
  const [inPlace, beside] = [0, 1].map(() => new Parameter(tensor(data, { shape: [37, 5], device })));
  const [first, second] = [new Adam({ w: inPlace! }), new Adam({ w: beside! })];
  for (let i = 0; i < 4; i++) {
    const gradient = normal([37, 5], 0, 1, { device });
    const old = beside!.alias();
    const before = old.dataSync();
    first.step({ w: gradient }, { keepGrads: true });
    second.step({ w: gradient });
    expect(old.dataSync()).toEqual(before);
    expect(worst(inPlace!, beside!)).toBe(0);
    old.dispose();
  }
});

it("lets packed copies go before it refuses memory, and multiplies on", () => {
  const small = wasm({ maximumBytes: 8 * 2 ** 20 });
  const weight = new Parameter(normal([1024, 512], 0, 1, { device: small }));
  const x = normal([64, 512], 0, 1, { device: small });
  const before = linear(x, weight);
  for (let use = 0; use < 3; use++) linear(x, weight).dispose();
  // 2 MiB of weights and as much of their copy are taken, so that 4 MiB are free only without the copy
  const large = zeros([2 ** 20], { device: small });
  expect(large.dataSync()[0]).toBe(0);
  expect(worst(linear(x, weight), before)).toBe(0);
  large.dispose();
});

it("keeps packed copies of a fraction of many weights", () => {
  const many = wasm();
  const { heap } = (many.backend as WasmBackend).engine;
  const weights = Array.from({ length: 100 }, () => new Parameter(zeros([1024, 512], { device: many })));
  const x = zeros([64, 512], { device: many });
  for (let use = 0; use < 3; use++) for (const weight of weights) linear(x, weight).dispose();
  expect(heap.used()).toBeLessThan(1.25 * many.memory().bytes + 2 ** 24);
});
