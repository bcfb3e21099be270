/** The backends a run can choose from, loaded when chosen. */
import { type Device, setDefaultDevice, ValueError } from "@neurite/core";

const BACKENDS: Readonly<Record<string, () => Promise<Device>>> = {
  async auto() {
    const { device, backend, reason } = await (await import("@neurite/auto")).auto();
    console.error(`Backend ${backend}: ${reason}`);
    return device;
  },
  "cpu-js": async () => (await import("@neurite/backend-cpu-js")).cpuJs(),
  wasm: async () => (await import("@neurite/backend-wasm")).wasm(),
  "worker-threads": async () => (await import("@neurite/backend-worker-threads")).workerThreads(),
  gpujs: async () => (await import("@neurite/backend-gpujs")).gpujs(),
};

export const DEFAULT_BACKEND = "auto";
export const BACKEND_NAMES = Object.keys(BACKENDS);

/** Makes the named backend the default device. */
export async function useBackend(name: string): Promise<Device> {
  const create = Object.hasOwn(BACKENDS, name) ? BACKENDS[name] : undefined;
  if (!create) {
    throw new ValueError({
      op: "translate",
      argument: "--backend",
      expected: `one of ${BACKEND_NAMES.join(", ")}`,
      received: `"${name}"`,
      remedy: "Leave it out for the fastest.",
    });
  }
  const device = await create();
  setDefaultDevice(device);
  return device;
}
