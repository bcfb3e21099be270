/** Storages come back once the program has dropped their handles, with nothing for it to write. */
import { cpuJs } from "@neurite/backend-cpu-js";
import { wasm } from "@neurite/backend-wasm";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { collect } from "../src/dropped.js";
import {
  add,
  type Device,
  fromHost,
  full,
  mul,
  Parameter,
  scope,
  setDefaultDevice,
  type Tensor,
  tensor,
  unstack,
  zeros,
} from "../src/index.js";

let device: Device;
beforeEach(async () => {
  device = await wasm();
  setDefaultDevice(device);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const storages = () => device.memory().storages;

/** Lets the event loop turn and the engine collect. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 5));
  await collect();
}

describe("dropped handles outside every scope", () => {
  const makers: Readonly<Record<string, () => unknown>> = {
    "tensors from the host": () => tensor([1, 2, 3]),
    "results of ops": () => add(zeros([3]), 1),
    "results of scopes": () => scope(() => mul(zeros([3]), 2)),
    "kept tensors": () => scope(() => void zeros([3]).keep()),
    aliases: () => tensor([1]).alias(),
    views: () => tensor([[1, 2]]).transpose(),
    parameters: () => new Parameter(zeros([3])),
    "parameters made in a scope": () => scope(() => [new Parameter(zeros([3]))]),
    "parameters with another value": () => new Parameter(zeros([3])).assign(tensor([1, 2, 3])),
  };
  for (const [name, make] of Object.entries(makers)) {
    it(`free their storages: ${name}`, async () => {
      for (let i = 0; i < 300; i++) make();
      expect(storages()).toBeGreaterThan(200);
      await settle();
      expect(storages()).toBe(0);
      expect(device.unscoped).toMatchObject({ handles: 0, bytes: 0 });
    });
  }

  it("leave those alone that the program still holds", async () => {
    const held = [tensor([1]), new Parameter(tensor([2])), scope(() => tensor([3])), tensor([4]).alias()];
    for (let i = 0; i < 100; i++) tensor([5]);
    await settle();
    expect(held.map((one) => one.dataSync()[0])).toEqual([1, 2, 3, 4]);
    for (const one of held) one.dispose();
    await settle();
    expect(storages()).toBe(0);
  });

  it("have no finalizer inside a scope, and none when they are disposed soon", () => {
    scope(() => {
      for (let i = 0; i < 3000; i++) zeros([1]);
      return null;
    });
    for (let i = 0; i < 3000; i++) zeros([1]).dispose();
    expect(device.unscoped.handles).toBe(0);
  });

  it("are freed once: dispose() before the engine collects", async () => {
    const other = tensor([7]);
    const makeViews = () => {
      for (let i = 0; i < 50; i++) {
        const view = other.reshape([1, 1]);
        if (i % 2 === 0) view.dispose();
      }
    };
    makeViews();
    await settle();
    expect(other.dataSync()).toEqual(Float32Array.of(7));
    expect(other.storage.references).toBe(1);
  });
});

describe("a loop that only waits for reads", () => {
  it("stays small on a small device", async () => {
    device = await wasm({ maximumBytes: 2 ** 26 });
    setDefaultDevice(device);
    let sum = 0;
    for (let i = 0; i < 3000; i++) {
      // 100 kB each: 300 MB in all
      sum += (await full([25_000], i).data())[0]!;
      expect(device.memory().bytes).toBeLessThan(2 ** 25);
    }
    expect(sum).toBe((2999 * 3000) / 2);
  });
});

describe("a loop that never waits", () => {
  it("gets one early warning with the line that made the storages and the remedy", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const held: Tensor[] = [];
    for (let i = 0; i < 6000; i++) held.push(add(zeros([2]), 1));
    expect(warn).toHaveBeenCalledTimes(1);
    const [text] = warn.mock.calls[0] as [string];
    expect(text).toMatch(
      /^neurite: \d{4} tensors of \d+\.\d MiB were made outside of scopes, most of them at \S*dropped\.test\.ts:\d+/,
    );
    expect(text).toMatch(/"wasm".*scope\(\(\) => …\).*dispose\(\)/);
    expect(held.length).toBe(6000);
  });

  it("gets none for parameters, kept tensors, or what it disposes", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const held = Array.from({ length: 3000 }, () => new Parameter(zeros([2])));
    const kept = Array.from({ length: 3000 }, () => scope(() => zeros([2]).keep()));
    for (let i = 0; i < 6000; i++) full([2], i).dispose();
    expect(held.length + kept.length).toBe(6000);
    expect(warn).not.toHaveBeenCalled();
  });

  it("is told at the end of memory how much it made outside of scopes, and where", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    setDefaultDevice(await wasm({ maximumBytes: 2 ** 23 }));
    const held: Tensor[] = [];
    const fill = () => {
      for (;;) held.push(fromHost(new Float32Array(500), "float32", [500]));
    };
    expect(fill).toThrow(
      /at most 8 MiB.*in use.*\d+ tensors of \d\.\d MiB were made outside of scopes, most of them at \S*dropped\.test\.ts:\d+; scope\(\)/,
    );
  });
});

it("unstack leaves nothing behind but its results", () => {
  const x = zeros([5, 2]);
  const parts = unstack(x);
  for (const part of [x, ...parts]) part.dispose();
  expect(storages()).toBe(0);
});

it("closing a device before its handles are collected is no error", async () => {
  const closing = cpuJs();
  for (let i = 0; i < 50; i++) fromHost(new Float32Array(1), "float32", [1], closing);
  await closing.close();
  await settle();
  expect(closing.memory().storages).toBe(0);
});
