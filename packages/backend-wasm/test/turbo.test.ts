/** Wide vectors: only where V8 has them, and never a failure. */
import { matmul, tensor } from "@neurite/core";
import { afterEach, expect, it, vi } from "vitest";
import { type WasmBackend, wasm } from "../src/index.js";
import type { refuseTurbo } from "../src/turbo.js";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const v8 = Number.parseInt(process.versions.v8, 10);

it("is off unless asked for", () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  expect((wasm().backend as WasmBackend).engine.features.wide).toBe(false);
  expect(warn).not.toHaveBeenCalled();
});

it.runIf(v8 < 13)("stays off with a warning where V8 is too old, and the device works", () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const device = wasm({ turbo: true });
  expect(warn).toHaveBeenCalledWith(expect.stringContaining("it needs Node 24 or newer"));
  expect((device.backend as WasmBackend).engine.features.wide).toBe(false);
  const x = tensor([[1, 2]], { device });
  expect(Array.from(matmul(x, x.transpose()).dataSync())).toEqual([5]);
});

it("takes the flag back when results differ", async () => {
  vi.resetModules();
  const { refuseTurbo: fresh } = (await import("../src/turbo.js")) as { refuseTurbo: typeof refuseTurbo };
  const flags: string[] = [];
  vi.stubGlobal("process", {
    ...process,
    versions: { ...process.versions, v8: "13.6" },
    getBuiltinModule: () => ({ setFlagsFromString: (flag: string) => flags.push(flag) }),
  });
  // an elementwise kernel that only copies stands for a fault of the wide ones
  let calls = 0;
  const make = () => {
    const device = wasm({ relaxed: false });
    if (calls++ === 1) {
      const { kernels } = device.backend as unknown as { kernels: { map: unknown } };
      kernels.map = (outs: unknown, inputs: unknown) =>
        (device.backend.kernels.copy as never as (...a: unknown[]) => void)(outs, inputs, {} as never);
    }
    return device;
  };
  expect(fresh(make)).toBe("its results differ on this machine");
  expect(flags).toEqual(["--experimental-wasm-revectorize", "--no-experimental-wasm-revectorize"]);
});
