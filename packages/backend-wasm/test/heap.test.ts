import { normal, zeros } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { Heap, sizeClass } from "../src/heap.js";
import { wasm } from "../src/index.js";

const MIB = 2 ** 20;

describe("the heap", () => {
  it("rounds sizes up to classes, by a quarter at most", () => {
    for (const bytes of [1, 64, 65, 1000, 1024, 1025, 5000, 4097, 1e6, 3e8, 2 ** 31]) {
      const size = sizeClass(bytes);
      expect(size).toBeGreaterThanOrEqual(bytes);
      if (bytes > 1024) expect(size).toBeLessThanOrEqual(bytes * 1.25);
      expect(size % 64).toBe(0);
      expect(sizeClass(size)).toBe(size);
    }
  });

  it("starts small, grows by need, and hands freed blocks out again", () => {
    const heap = new Heap({ shared: false });
    expect(heap.bytes).toBeLessThanOrEqual(MIB);
    const a = heap.allocate(1000);
    const b = heap.allocate(1000);
    expect(b - a).toBeGreaterThanOrEqual(1000);
    heap.release(a, 1000);
    expect(heap.allocate(1010)).toBe(a);
    heap.allocate(10 * MIB);
    expect(heap.bytes).toBeGreaterThanOrEqual(10 * MIB);
    const before = heap.bytes;
    for (let i = 0; i < 1000; i++) heap.release(heap.allocate(MIB), MIB);
    expect(heap.bytes).toBeLessThanOrEqual(before + 2 * MIB);
  });

  it("says so when the memory is full, and goes on with what there is", () => {
    const device = wasm({ maximumBytes: 4 * MIB });
    const kept = zeros([2 ** 18], { device });
    expect(() => zeros([2 ** 20], { device })).toThrow(/at most 4 MiB, the limit of this backend.*smaller batches/s);
    expect(device.memory().storages).toBe(1);
    expect(kept.dataSync()[5]).toBe(0);
  });

  it("keeps values while the memory grows under them", () => {
    const device = wasm();
    const x = normal([1000], 0, 1, { device });
    const before = x.dataSync();
    const large = zeros([2 ** 24], { device });
    expect(x.dataSync()).toEqual(before);
    large.dispose();
  });
});
