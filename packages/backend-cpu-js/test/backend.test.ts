import { type DType, hostArray } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { CpuJsBackend, cpuJs } from "../src/index.js";
import { classLength, Pool, sizeClass } from "../src/pool.js";
import { DTYPES } from "./views.js";

describe("CpuJsBackend", () => {
  it("stores and reads back every dtype as a copy", async () => {
    const backend = new CpuJsBackend();
    for (const dtype of DTYPES) {
      const id = backend.alloc(dtype, 5);
      backend.write(id, hostArray(dtype, 5).fill(1));
      const copy = backend.readSync(id, 1, 3);
      expect([...copy]).toEqual([1, 1, 1]);
      copy[0] = 0;
      expect([...(await backend.read(id, 0, 5))]).toEqual([1, 1, 1, 1, 1]);
      expect(copy.constructor).toBe(hostArray(dtype, 0).constructor);
      backend.free(id);
    }
  });

  it("gives a freed array to the next allocation of its size and kind only", () => {
    const backend = new CpuJsBackend();
    const first = backend.alloc("float32", 1000);
    backend.free(first);
    expect(backend.alloc("int32", 1000)).not.toBe(first);
    expect(backend.alloc("float32", 1000)).toBe(first);
    expect(backend.alloc("float32", 1000)).not.toBe(first);
  });

  it("makes a device", () => {
    const device = cpuJs();
    expect(device.name).toBe("cpu-js");
    expect(device.memory()).toEqual({ storages: 0, bytes: 0 });
  });
});

describe("Pool", () => {
  it("has classes that hold every length and waste at most a fourth", () => {
    for (let length = 1; length < 5000; length++) {
      const room = classLength(sizeClass(length));
      expect(room).toBeGreaterThanOrEqual(length);
      expect(room).toBeLessThanOrEqual(Math.ceil(length * 1.25));
      expect(sizeClass(room)).toBe(sizeClass(length));
    }
    for (const length of [2 ** 20, 2 ** 20 + 1, 2 ** 31 - 1])
      expect(classLength(sizeClass(length))).toBeGreaterThanOrEqual(length);
  });

  it("keeps a bounded sum", () => {
    const pool = new Pool();
    const length = 2 ** 25;
    const arrays = [1, 2, 3].map(() => pool.take("float32" satisfies DType, length));
    for (const array of arrays) pool.give(array);
    const taken = [1, 2, 3].map(() => pool.take("float32", length));
    expect(taken.filter((array) => arrays.includes(array))).toHaveLength(2);
  });
});
