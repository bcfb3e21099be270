/** The device that runs on all cores. */
import { hasRelaxedSimd, hasSimd, hasTurbo, WasmBackend } from "@neurite/backend-wasm";
import { Device, UnsupportedError } from "@neurite/core";
import { expectInteger, expectOptions, expectPositive, type OptionKinds } from "@neurite/core/expect";
import { ParallelEngine } from "./parallel-engine.js";
import { expectSharedMemory } from "./pool.js";

export interface WorkerThreadsOptions {
  /** Threads in all, the calling one among them. Default: the number of cores. */
  readonly threads?: number;
  /** Fused multiply-add through relaxed SIMD. Default: where the engine has it. */
  readonly relaxed?: boolean;
  /** Wide vectors; see `wasm()` of backend-wasm. Default false. */
  readonly turbo?: boolean;
  /** Largest memory in bytes; default 4 GiB. */
  readonly maximumBytes?: number;
  /** Milliseconds without progress after which a worker counts as lost. Default 10,000. */
  readonly patience?: number;
}

/** More than any machine has cores: each thread is a worker with memory of its own. */
const MOST_THREADS = 1024;

const OPTIONS: OptionKinds<WorkerThreadsOptions> = {
  threads: "integer",
  relaxed: "boolean",
  turbo: "boolean",
  maximumBytes: "size",
  patience: "number",
};

class WorkerThreadsBackend extends WasmBackend {
  constructor(override readonly engine: ParallelEngine) {
    super("worker-threads", engine);
  }

  close(): Promise<void> {
    return this.engine.close();
  }
}

/**
 * A device on WebAssembly SIMD and all cores: the same kernels as backend-wasm, and the same bits for any number of threads.
 * Workers sleep while there is nothing to do and do not keep the process alive; `device.close()` ends them.
 *
 * @throws UnsupportedError where memory cannot be shared: a page that is not cross-origin isolated
 * @example
 * setDefaultDevice(await workerThreads());
 */
export async function workerThreads(options: WorkerThreadsOptions = {}): Promise<Device> {
  expectOptions("workerThreads", options, OPTIONS);
  const { threads = cores(), relaxed = hasRelaxedSimd(), patience = 10_000, maximumBytes } = options;
  expectInteger("workerThreads", "threads", threads, 1, MOST_THREADS);
  expectPositive("workerThreads", "patience", patience);
  if (!hasSimd()) {
    throw new UnsupportedError({
      op: "workerThreads",
      argument: "WebAssembly",
      expected: "an engine with 128-bit SIMD",
      received: "one without",
      remedy: "Use @neurite/backend-cpu-js.",
    });
  }
  expectSharedMemory();
  const engine = await ParallelEngine.start({
    threads,
    relaxed,
    wide: options.turbo === true && hasTurbo(relaxed),
    patience,
    ...(maximumBytes === undefined ? {} : { maximumBytes }),
  });
  return new Device(new WorkerThreadsBackend(engine));
}

/** Cores of the machine, as far as it tells. */
function cores(): number {
  const { navigator, process } = globalThis as {
    navigator?: { hardwareConcurrency?: number };
    process?: { getBuiltinModule?(name: string): { availableParallelism(): number } };
  };
  return navigator?.hardwareConcurrency ?? process?.getBuiltinModule?.("node:os").availableParallelism() ?? 2;
}
