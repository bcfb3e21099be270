import { valueAndGrad } from "@neurite/autograd";
import { bytesPerElement, mul, normal, Parameter, relu, scope, softmax, sum, zeros } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { Heap, roomFor } from "../src/heap.js";
import { type WasmBackend, wasm } from "../src/index.js";
import type { Block } from "../src/views.js";

const MIB = 2 ** 20;

/** Numbers from 0 to below 1, the same on every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Held {
  readonly at: number;
  readonly bytes: number;
}

/** Throws where two blocks overlap, or one reaches out of the memory. */
function expectApart(blocks: readonly Held[], heap: Heap): void {
  const sorted = blocks.toSorted((a, b) => a.at - b.at);
  sorted.forEach(({ at, bytes }, i) => {
    const end = sorted[i + 1]?.at ?? heap.bytes;
    expect(at % 64).toBe(0);
    expect(at + bytes).toBeLessThanOrEqual(end);
  });
}

describe("the heap", () => {
  it("rounds sizes up to cache lines", () => {
    for (const bytes of [0, 1, 64, 65, 1000, 16_384, 16_385, 1e6, 3e8, 2 ** 31, 2 ** 32 - 1]) {
      expect(roomFor(bytes)).toBe(Math.max(64, 64 * Math.ceil(bytes / 64)));
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

  it.each([
    ["of all sizes", 1, (u: number) => 2 ** (22 * u)],
    ["of a few sizes", 2, (u: number) => 1000 + 40_000 * Math.floor(4 * u)],
    ["small and large ones in turn", 3, (u: number) => (u < 0.7 ? 1 + 20_000 * u : MIB * (1 + 12 * (u - 0.7)))],
    ["that grow in the course of time", 4, (u: number, time: number) => 64 + (1 + 300_000 * time) * u],
  ] as const)(
    "keeps random blocks %s apart, joins them all in the end, and stays near their sum",
    (_, seed, sizeOf) => {
      const heap = new Heap({ shared: false });
      const random = numbers(seed);
      const held: Held[] = [];
      const steps = 20_000;
      let [used, most] = [0, 0];
      for (let step = 0; step < steps; step++) {
        const crowd = 300 * (1 + Math.sin(step / 700));
        if (held.length === 0 || random() * 300 < crowd - held.length + 150) {
          const bytes = Math.ceil(sizeOf(random(), step / steps));
          held.push({ at: heap.allocate(bytes), bytes });
          used += roomFor(bytes);
          most = Math.max(most, used);
        } else {
          const { at, bytes } = held.splice(Math.floor(random() * held.length), 1)[0]!;
          heap.release(at, bytes);
          used -= roomFor(bytes);
        }
        if (step % 500 === 0) expectApart(held, heap);
      }
      expect(heap.used()).toBe(used);
      expectApart(held, heap);
      expect(heap.bytes).toBeLessThanOrEqual(1.5 * most + MIB);
      for (const { at, bytes } of held) heap.release(at, bytes);
      const { bytes } = heap;
      // all but what is reserved at both ends, in one piece
      heap.allocate(bytes - 1024 - 256);
      expect(heap.bytes).toBe(bytes);
    },
  );

  it("says so when the memory is full, and goes on with what there is", () => {
    const device = wasm({ maximumBytes: 4 * MIB });
    const kept = zeros([2 ** 18], { device });
    expect(() => zeros([2 ** 20], { device })).toThrow(
      /at most 4 MiB, the limit of this backend, but received a request for 4 MiB while 1 MiB are in use.*smaller batches/s,
    );
    expect(device.memory().storages).toBe(1);
    expect(kept.dataSync()[5]).toBe(0);
  });

  it("finds room for any size that fits, whatever sizes came before", () => {
    const device = wasm({ maximumBytes: 64 * MIB });
    const random = numbers(5);
    for (let i = 0; i < 400; i++) zeros([1 + Math.floor(random() * 3 * MIB)], { device }).dispose();
    zeros([15 * MIB], { device }).dispose();
    expect(device.memory().storages).toBe(0);
  });

  it("has room for large blocks where small ones filled it", () => {
    const { backend } = wasm();
    for (const bytes of [64 * MIB, 128 * MIB, 1024 * MIB]) {
      // none of them is ever touched, so that they take no memory of the machine's
      const blocks = Array.from({ length: 4096 / (bytes / MIB) - 1 }, () => backend.alloc("uint8", bytes));
      for (const block of blocks) backend.free(block);
    }
    expect((backend as WasmBackend).engine.heap.used()).toBe(0);
  });

  it("stays near the most that was ever alive while a training takes batches of many shapes", () => {
    const device = wasm();
    const backend = device.backend as WasmBackend;
    let [alive, most] = [0, 0];
    const [alloc, free] = [backend.alloc.bind(backend), backend.free.bind(backend)];
    backend.alloc = (dtype, length) => {
      alive += length * bytesPerElement(dtype);
      most = Math.max(most, alive);
      return alloc(dtype, length);
    };
    backend.free = (block) => {
      alive -= (block as Block).bytes;
      free(block);
    };
    const random = numbers(11);
    const weight = new Parameter(zeros([1000], { device }));
    for (let i = 0; i < 50; i++) {
      scope(() => {
        const x = zeros([100 + Math.floor(random() * 3000), 1000], { device });
        void valueAndGrad(() => sum(softmax(mul(relu(x), weight))), [weight])();
      });
    }
    expect(alive).toBe(4000);
    expect(backend.engine.heap.bytes).toBeLessThanOrEqual(1.5 * most + 64 * MIB);
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
