import { cpuJs } from "@neurite/backend-cpu-js";
import {
  add,
  cast,
  exp,
  fromHost,
  isTensor,
  matmul,
  mul,
  Parameter,
  permute,
  type Tensor,
  tensor,
} from "@neurite/core";
import { describe, expect, it } from "vitest";
import { freshDevice, thrown } from "./device.js";

const device = freshDevice();
const held = () => device().memory();

describe("lifetime", () => {
  it("counts storages and bytes", () => {
    const x = tensor([[1, 2, 3]]);
    const y = tensor(new Float64Array(4));
    expect(held()).toEqual({ storages: 2, bytes: 12 + 32 });
    x.dispose();
    y.dispose();
    expect(held()).toEqual({ storages: 0, bytes: 0 });
  });

  it("ends with the last view", () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    const view = permute(x, [1, 0]);
    expect(held().storages).toBe(1);
    x.dispose();
    expect(Array.from(view.dataSync())).toEqual([1, 3, 2, 4]);
    view.dispose();
    expect(held().storages).toBe(0);
  });

  it("ends once: further calls of dispose do nothing", () => {
    const x = tensor([1]);
    const alias = x.alias();
    x.dispose();
    x.dispose();
    expect(alias.itemSync()).toBe(1);
    expect(held().storages).toBe(1);
  });

  it("ends with a `using` block", () => {
    let seen: Tensor;
    {
      using x = tensor([1, 2]);
      seen = x;
      expect(x.disposed).toBe(false);
    }
    expect(thrown(() => exp(seen)).message).toContain("its `using` block ended");
  });

  it("names the op, the shape and the cause when a freed tensor is used", () => {
    const x = tensor([[1, 2]]);
    x.dispose();
    expect(thrown(() => add(x, 1)).message).toBe(
      "add: tensor of shape [1, 2] expects a tensor that was not freed, but received one that was: dispose() was called. Call .keep() on it before, or read its data while it lives.",
    );
    for (const use of [
      () => x.keep(),
      () => x.alias(),
      () => x.dataSync(),
      () => x.reshape([2, 1]),
      () => permute(x, [1, 0]),
    ]) {
      expect(thrown(use).code).toBe("ERR_DISPOSED");
    }
    expect(String(x)).toBe("Tensor(float32 [1, 2] on cpu-js, disposed)");
  });

  it("is a handle's own: an alias is the same value to autograd, with a lifetime of its own", () => {
    const x = tensor([1, 2]);
    const alias = x.alias();
    expect(alias.key).toBe(x.key);
    expect(alias.storage).toBe(x.storage);
    expect(x.storage.references).toBe(2);
    alias.dispose();
    expect([x.disposed, x.storage.references]).toEqual([false, 1]);
  });

  it("of a parameter's value ends when it is replaced", () => {
    const parameter = new Parameter(tensor([1, 2]));
    const { key } = parameter;
    const next = tensor([3, 4]);
    parameter.assign(next);
    next.dispose();
    expect(held().storages).toBe(1);
    expect(parameter.key).not.toBe(key);
    expect(Array.from(parameter.dataSync())).toEqual([3, 4]);
  });

  it("lasts for a read that is under way", async () => {
    const x = tensor([1, 2]);
    const pending = x.data();
    x.dispose();
    expect(held().storages).toBe(1);
    expect(Array.from(await pending)).toEqual([1, 2]);
    expect(held().storages).toBe(0);
  });

  it("leaves nothing behind when an op fails", () => {
    const [a, b] = [tensor([1, 2]), tensor([1, 2, 3])];
    expect(() => add(a, b)).toThrow();
    expect(() => matmul(a, b)).toThrow();
    expect(held().storages).toBe(2);
  });
});

describe("devices", () => {
  it("do not mix: the error names .to()", () => {
    const elsewhere = tensor([1, 2], { device: cpuJs() });
    const error = thrown(() => mul(tensor([1, 2]), elsewhere));
    expect(error.code).toBe("ERR_DEVICE");
    expect(error.message).toBe(
      'mul: input 1 expects a tensor on "cpu-js", the device of input 0, but received one on another device of that name. Move it first: await tensor.to(device).',
    );
  });

  it("get tensors by to()", async () => {
    const other = cpuJs();
    const x = tensor([
      [1, 2],
      [3, 4],
    ]).transpose();
    const copy = await x.to(other);
    expect(copy.device).toBe(other);
    expect(Array.from(copy.dataSync())).toEqual([1, 3, 2, 4]);
    expect(await x.to(device())).toBe(x);
  });

  it("refuse work once closed", async () => {
    const other = cpuJs();
    const x = tensor([1], { device: other });
    await other.close();
    await other.close();
    const error = thrown(() => exp(x));
    expect(error.code).toBe("ERR_DEVICE");
    expect(error.message).toContain('an open device, but received "cpu-js", which was closed');
    x.dispose();
  });

  it("must be chosen: without a default the error says how", async () => {
    await device().close();
    const error = thrown(() => tensor([1]));
    expect(error.code).toBe("ERR_DEVICE");
    expect(error.message).toContain("setDefaultDevice(cpuJs())");
  });
});

describe("dtypes", () => {
  it("do not mix: the error names the cast", () => {
    const [x, y] = [tensor([1, 2]), tensor(new Int32Array([1, 2]))];
    const error = thrown(() => add(x, y));
    expect(error.code).toBe("ERR_DTYPE");
    expect(error.message).toContain("one dtype, but received float32 and int32");
    expect(error.message).toContain("cast");
    expect(thrown(() => matmul(x, y)).message).toContain('cast(b, "float32")');
  });

  it("of numbers are those of their tensor", () => {
    expect(add(tensor(new Int32Array([1])), 1).dtype).toBe("int32");
    expect(mul(tensor(new Float64Array([0.1])), 0.1).itemSync()).toBe(0.1 * 0.1);
    expect(thrown(() => add(tensor(new Int32Array([1])), 0.5)).message).toContain('cast(x, "float32")');
  });

  it("cast to themselves for nothing", () => {
    const x = tensor([1]);
    expect(cast(x, "float32")).toBe(x);
  });
});

describe("host data", () => {
  it("takes nested arrays, booleans and typed arrays", () => {
    expect(
      tensor([
        [1, 2],
        [3, 4],
      ]),
    ).toMatchObject({ shape: [2, 2], dtype: "float32", rank: 2, size: 4 });
    expect(tensor(5)).toMatchObject({ shape: [], dtype: "float32" });
    expect(tensor([true, false]).dtype).toBe("bool");
    expect(tensor([]).shape).toEqual([0]);
    expect(tensor([[], []]).shape).toEqual([2, 0]);
    expect(tensor(new Uint8Array([1]))).toMatchObject({ shape: [1], dtype: "uint8" });
    expect(Array.from(tensor(new Float32Array([1.7, 0]), { dtype: "int32" }).dataSync())).toEqual([1, 0]);
    expect(Array.from(tensor(new Float32Array([1.7, 0]), { dtype: "bool" }).dataSync())).toEqual([1, 0]);
  });

  it("refuses ragged rows at any depth", () => {
    for (const ragged of [
      [[1, 2], [3]],
      [1, [2]],
      [[1], 2],
      [[[1]], [[1, 2]]],
    ]) {
      expect(thrown(() => tensor(ragged as number[][])).code).toBe("ERR_SHAPE");
    }
  });

  it("refuses a shape that does not fit", () => {
    expect(thrown(() => fromHost(new Float32Array(3), "float32", [2, 2])).message).toContain(
      "4 elements for shape [2, 2]",
    );
  });

  it("remembers the range of integers, and of nothing else", () => {
    expect(tensor(new Int32Array([3, -1, 7])).storage.range).toEqual([-1, 7]);
    expect(tensor([3]).storage.range).toBeNull();
    expect(tensor(new Int32Array(0)).storage.range).toBeNull();
  });
});

describe("a tensor", () => {
  it("is recognised by its brand, across copies of the package", () => {
    expect(isTensor(tensor(1))).toBe(true);
    expect(isTensor({ [Symbol.for("neurite.tensor")]: true })).toBe(true);
    expect([isTensor(null), isTensor([]), isTensor({ shape: [] })]).toEqual([false, false, false]);
  });

  it("has the common ops as methods", () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(Array.from(x.add(1).mul(2).sub(x).div(x).dataSync())).toEqual([3, 2, 5 / 3, 1.5].map(Math.fround));
    expect(Array.from(x.matmul(x).dataSync())).toEqual([7, 10, 15, 22]);
    expect(x.unsqueeze(0).shape).toEqual([1, 2, 2]);
    expect(x.unsqueeze(0).squeeze(0).shape).toEqual([2, 2]);
    expect(Array.from(x.flip(0).dataSync())).toEqual([3, 4, 1, 2]);
    expect(Array.from(x.slice([null, 1]).dataSync())).toEqual([2, 4]);
    expect(x.slice([0]).expand([3, 2]).shape).toEqual([3, 2]);
    expect(Array.from(x.permute([1, 0]).reshape([4]).dataSync())).toEqual([1, 3, 2, 4]);
  });

  it("gives item() for one element only", async () => {
    expect(await tensor([[5]]).item()).toBe(5);
    expect(thrown(() => tensor([1, 2]).itemSync()).code).toBe("ERR_SHAPE");
    await expect(tensor([1, 2]).item()).rejects.toThrow("exactly one element");
  });
});
