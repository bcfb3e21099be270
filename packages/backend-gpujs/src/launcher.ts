/** Compiles kernel texts once and runs them. */
import { UnsupportedError } from "@neurite/core";
import type { Gpu, GpuKernel, Handle, KernelArgument } from "./gpu.js";

/**
 * gpu.js ends any loop with a variable bound after this many rounds, silently (its default is 1000). Kernels loop over
 * blocks of {@link BLOCK} and inside a block, so that their products reach {@link MAX_LOOP}.
 */
const ROUNDS = 16384;
/** Sums of blocks also lose less to rounding than one long float32 sum. */
export const BLOCK = 1024;
/** Longest loop that runs to its end: every length that can be stored. */
export const MAX_LOOP = ROUNDS * BLOCK;

/**
 * WebAssembly modules kept per kernel. That mode builds one for each combination of sizes, in 1 to 2 ms, and each keeps
 * a memory of the size of its arguments; gpu.js's own limit of 8 is less than one net has layers.
 */
const MODULES = 32;

const SETTINGS = {
  // Results stay on gpu.js's side, and a call does not overwrite the result of the call before.
  pipeline: true,
  immutable: true,
  dynamicOutput: true,
  dynamicArguments: true,
  precision: "single",
  tactic: "precision",
  loopMaxIterations: ROUNDS,
};

export class Launcher {
  readonly #kernels = new Map<string, GpuKernel>();

  readonly #gpu: Gpu;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** Runs the kernel `name`, compiled from `source` at its first use, for `size` results. */
  run(name: string, source: string, size: number, args: readonly KernelArgument[]): Handle {
    let kernel = this.#kernels.get(name);
    if (!kernel) {
      kernel = this.#gpu.createKernel(source, SETTINGS);
      kernel.kernel.moduleCacheLimit = MODULES;
      this.#kernels.set(name, kernel);
    }
    kernel.setOutput([size]);
    const handle = kernel(...args);
    const reason = kernel.kernel.fallbackReason;
    if (reason) throw new Error(`internal: gpu.js did not run kernel "${name}" in its mode: ${reason}`);
    return handle;
  }
}

/** Throws when a kernel would have to loop longer than gpu.js lets it. */
export function expectLoop(op: string, argument: string, length: number): void {
  if (length > MAX_LOOP) {
    throw new UnsupportedError({
      op,
      argument,
      expected: `at most ${MAX_LOOP} elements to sum over on backend "gpujs"`,
      received: String(length),
      remedy: "Split the axis and combine the parts, or use another backend.",
    });
  }
}
