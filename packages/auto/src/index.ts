/** Choosing a backend. */
import type { Device } from "@neurite/core";

/**
 * The backends to choose from, fastest first, each loaded when its function is called. Names are those of the packages
 * without `@neurite/backend-`.
 * @example
 * setDefaultDevice(await BACKENDS.wasm());
 */
export const BACKENDS = {
  "worker-threads": async (): Promise<Device> => (await import("@neurite/backend-worker-threads")).workerThreads(),
  wasm: async (): Promise<Device> => (await import("@neurite/backend-wasm")).wasm(),
  "cpu-js": async (): Promise<Device> => (await import("@neurite/backend-cpu-js")).cpuJs(),
} as const;

export type BackendName = keyof typeof BACKENDS;

/** A backend, and why it was chosen. */
export interface Choice {
  readonly device: Device;
  readonly backend: BackendName;
  /** One sentence for people. */
  readonly reason: string;
}

interface Globals {
  readonly WebAssembly?: { validate(bytes: Uint8Array): boolean };
  readonly SharedArrayBuffer?: unknown;
  readonly crossOriginIsolated?: boolean;
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly process?: {
    readonly versions?: { readonly node?: string };
    getBuiltinModule?(name: string): { availableParallelism(): number };
  };
}

/** A module whose one function makes a vector: valid where there is SIMD. */
const SIMD_MODULE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 17, 11,
];

/**
 * The fastest backend that this machine and page allow: all cores where threads can share memory, one core with SIMD
 * elsewhere, plain JavaScript where there is no WebAssembly SIMD. Only the chosen one is loaded.
 * @example
 * const { device, reason } = await auto();
 * setDefaultDevice(device);
 */
export async function auto(): Promise<Choice> {
  const { backend, reason } = choose();
  return { device: await BACKENDS[backend](), backend, reason };
}

function choose(): Omit<Choice, "device"> {
  const { WebAssembly, SharedArrayBuffer, crossOriginIsolated, process, navigator } = globalThis as Globals;
  if (!WebAssembly?.validate(new Uint8Array(SIMD_MODULE))) {
    return { backend: "cpu-js", reason: "This engine has no WebAssembly SIMD." };
  }
  const cores = navigator?.hardwareConcurrency ?? process?.getBuiltinModule?.("node:os").availableParallelism() ?? 1;
  const shares =
    SharedArrayBuffer !== undefined && (process?.versions?.node !== undefined || crossOriginIsolated === true);
  if (shares && cores > 1) return { backend: "worker-threads", reason: `WebAssembly SIMD on ${cores} threads.` };
  const why = cores > 1 ? "the page is not cross-origin isolated, so threads cannot share memory" : "there is one core";
  return { backend: "wasm", reason: `WebAssembly SIMD on one thread: ${why}.` };
}
