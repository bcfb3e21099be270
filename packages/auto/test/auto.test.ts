import { auto } from "@neurite/auto";
import { matmul, tensor } from "@neurite/core";
import { afterEach, expect, it, vi } from "vitest";

afterEach(() => vi.unstubAllGlobals());

const identity = [
  [1, 0],
  [0, 1],
];

it.each([
  ["worker-threads", { navigator: { hardwareConcurrency: 2 } }, /2 threads/],
  ["wasm", { navigator: { hardwareConcurrency: 1 } }, /one core/],
  ["wasm", { navigator: { hardwareConcurrency: 2 }, SharedArrayBuffer: undefined }, /not cross-origin isolated/],
  ["cpu-js", { WebAssembly: undefined }, /no WebAssembly SIMD/],
] as const)("picks %s where the machine looks like %o", async (backend, globals, reason) => {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  const choice = await auto();
  vi.unstubAllGlobals();
  expect(choice.backend).toBe(backend);
  expect(choice.reason).toMatch(reason);
  expect(choice.device.name).toBe(backend);
  const x = tensor([...identity], { device: choice.device });
  expect(Array.from(matmul(x, x).dataSync())).toEqual([1, 0, 0, 1]);
  await choice.device.close();
});
