/** Makes a device that computes with gpu.js. Read next: `backend.ts`. */
import { Device, UnsupportedError } from "@neurite/core";
import { expectOptions, type OptionKinds } from "@neurite/core/expect";
import { GpujsBackend } from "./backend.js";
import { loadGpu } from "./gpu.js";

/** How gpu.js runs its kernels: as JavaScript or as WebAssembly. */
export type Mode = "cpu" | "webasm";

export interface GpujsOptions {
  /** Default `"webasm"`. */
  readonly mode?: Mode;
}

const OPTIONS: OptionKinds<GpujsOptions> = { mode: ["cpu", "webasm"] satisfies Mode[] };

/**
 * A device on gpu.js. Its backend is a {@link GpujsBackend}, which tells the mode.
 *
 * @throws UnsupportedError when the mode is not served, gpu.js cannot be loaded, or there is no WebAssembly
 * @example
 * setDefaultDevice(await gpujs({ mode: "cpu" }));
 */
export async function gpujs(options: GpujsOptions = {}): Promise<Device> {
  expectOptions("gpujs", options, OPTIONS);
  const { mode = "webasm" } = options;
  const Gpu = await loadGpu();
  if (mode === "webasm" && !Gpu.isWebAssemblySupported) {
    throw new UnsupportedError({
      op: "gpujs",
      argument: "mode",
      expected: "a host with WebAssembly",
      received: "one without",
      remedy: 'Use gpujs({ mode: "cpu" }).',
    });
  }
  return new Device(new GpujsBackend(new Gpu({ mode }), mode));
}
