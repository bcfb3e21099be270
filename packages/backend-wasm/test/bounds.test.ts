/** No kernel writes outside of the blocks it was given or took: storages and scratch memory alike. */
import { CASES, runCase } from "@neurite/conformance";
import type { Device } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { type Heap, roomFor } from "../src/heap.js";
import { type WasmBackend, wasm } from "../src/index.js";

/** Bytes on either side of a block. */
const FENCE = 256;
const FENCE_BYTE = 0xa5;

/** Puts fences around every block of a heap. @returns the sizes of blocks whose fences were broken so far */
function fence(heap: Heap): number[] {
  const broken: number[] = [];
  const allocate = heap.allocate.bind(heap);
  const release = heap.release.bind(heap);
  // a block may be used up to the next multiple of 64 bytes
  const around = (at: number, bytes: number) => [at - FENCE, at + roomFor(bytes)];
  const fenceAt = (at: number) => new Uint8Array(heap.memory.buffer, at, FENCE);
  heap.allocate = (bytes) => {
    const at = allocate(roomFor(bytes) + 2 * FENCE) + FENCE;
    for (const edge of around(at, bytes)) fenceAt(edge).fill(FENCE_BYTE);
    return at;
  };
  heap.release = (at, bytes) => {
    if (around(at, bytes).some((edge) => fenceAt(edge).some((byte) => byte !== FENCE_BYTE))) broken.push(bytes);
    release(at - FENCE, roomFor(bytes) + 2 * FENCE);
  };
  return broken;
}

const heapOf = (device: Device) => (device.backend as WasmBackend).engine.heap;

describe("kernels stay within their blocks", () => {
  const device = wasm();
  const broken = fence(heapOf(device));
  it.each(CASES.map((subject) => [subject.op, subject] as const))("%s", async (_, subject) => {
    await runCase(subject, device);
    expect(broken.splice(0)).toEqual([]);
  });
});

it("notices a byte behind a block", () => {
  const device = wasm();
  const heap = heapOf(device);
  const broken = fence(heap);
  const at = heap.allocate(100);
  new Uint8Array(heap.memory.buffer)[at + roomFor(100)]!++;
  heap.release(at, 100);
  expect(broken).toEqual([100]);
});
