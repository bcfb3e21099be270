import * as core from "@neurite/core";
import { Generator, Tensor, tensor } from "@neurite/core";
import { expect, it } from "vitest";
import { freshDevice } from "./device.js";

freshDevice();

const unlike = new Set(["add", "sub", "mul", "div"]);

it("adds no method before it is imported, and each afterwards", async () => {
  expect("relu" in Tensor.prototype).toBe(false);
  const { add } = Tensor.prototype;
  await import("@neurite/core/fluent");
  expect("relu" in Tensor.prototype).toBe(true);
  expect(Tensor.prototype.add).toBe(add);
  const rows = Object.entries(core).filter(([, op]) => (op as { row?: unknown } | null)?.row);
  for (const [name] of rows) expect(name in Tensor.prototype, name).toBe(true);
  expect(Object.keys(tensor([1]))).not.toContain("relu");
});

it("calls the function of the same name on the tensor", async () => {
  await import("@neurite/core/fluent");
  const x = tensor([
    [0.5, -1.25],
    [2, 0.25],
  ]);
  for (const [name, op] of Object.entries(core)) {
    const row = (op as { row?: { arity: number } } | null)?.row;
    if (row?.arity !== 1 || name === "logicalNot" || unlike.has(name)) continue;
    const method = (x as unknown as Record<string, () => Tensor>)[name]();
    expect(method.dataSync(), name).toEqual((op as (x: Tensor) => Tensor)(x).dataSync());
  }
  expect(x.relu().sum().itemSync()).toBe(2.75);
  expect(Array.from(x.max({ axis: 1 }).dataSync())).toEqual([0.5, 2]);
  expect(Array.from(x.argMin(0).dataSync())).toEqual([0, 0]);
  expect(x.mean({ axis: [0, 1], keepDims: true }).shape).toEqual([1, 1]);
  expect(Array.from(x.clamp(-1, 1).dataSync())).toEqual([0.5, -1, 1, 0.25]);
  expect(Array.from(x.greater(0).logicalNot().cast("int32").dataSync())).toEqual([0, 1, 0, 0]);
  expect(Array.from(x.greater(0).where(x, 9).dataSync())).toEqual([0.5, 9, 2, 0.25]);
  expect(Array.from(x.pow(2).dataSync())).toEqual([0.25, 1.5625, 4, 0.0625]);
  expect(x.pad([{ before: 1 }, {}], 7).shape).toEqual([3, 2]);
  expect(x.split(2, 1).map(({ shape }) => shape)).toEqual([
    [2, 1],
    [2, 1],
  ]);
  expect(Array.from(x.gather(tensor(new Int32Array([1]))).dataSync())).toEqual([2, 0.25]);
  expect(Array.from(x.pick(tensor(new Int32Array([1, 0]))).dataSync())).toEqual([-1.25, 2]);
  expect(x.windows(1, { size: 2 }).shape).toEqual([2, 1, 2]);
  expect(x.linear(x, tensor([1, 1])).shape).toEqual([2, 2]);
  expect(x.softmax(0).dataSync()).toEqual(core.softmax(x, 0).dataSync());
  expect(x.logSoftmax().dataSync()).toEqual(core.logSoftmax(x).dataSync());
  expect(x.dropout(0.5, new Generator(1)).dataSync()).toEqual(core.dropout(x, 0.5, new Generator(1)).dataSync());
  const image = x.reshape([1, 2, 2, 1]);
  expect(image.conv2d(image.reshape([2, 2, 1, 1])).itemSync()).toBe(0.25 + 1.5625 + 4 + 0.0625);
  expect(image.convTranspose2d(image.reshape([2, 2, 1, 1])).shape).toEqual([1, 3, 3, 1]);
  expect([image.maxPool2d(2).itemSync(), image.avgPool2d(2).itemSync(), image.globalAvgPool().itemSync()]).toEqual([
    2, 0.375, 0.375,
  ]);
  expect(image.adaptiveAvgPool2d(1).shape).toEqual([1, 1, 1, 1]);
  expect(x.layerNorm().dataSync()).toEqual(core.layerNorm(x).dataSync());
  expect(x.rmsNorm({ eps: 1 }).dataSync()).toEqual(core.rmsNorm(x, { eps: 1 }).dataSync());
  expect(x.groupNorm(2).dataSync()).toEqual(core.groupNorm(x, 2).dataSync());
  expect(x.copy().storage).not.toBe(x.storage);
  expect(Array.from(x.sumTo([2]).dataSync())).toEqual([2.5, -1]);
  expect([x.any().itemSync(), x.equal(x).all().itemSync(), x.prod().itemSync()]).toEqual([1, 1, -0.3125]);
});
