/** The device of a setting. */
import type { Device } from "@neurite/core";
import type { Setting } from "../adapter.js";

/**
 * Fused multiply-add and wide vectors only where the variant says so.
 * @throws when turbo stays off: its times must not be those of something else
 */
export async function deviceOf(setting: Setting): Promise<Device> {
  const refusals: string[] = [];
  const { warn } = console;
  console.warn = (text: string) => refusals.push(text);
  try {
    const device = await make(setting);
    if (refusals.length > 0) throw new Error(refusals.join(" "));
    return device;
  } finally {
    console.warn = warn;
  }
}

async function make({ backend, variant, threads }: Setting): Promise<Device> {
  const options = { relaxed: variant !== "simd", turbo: variant === "turbo" };
  if (backend === "wasm") return (await import("@neurite/backend-wasm")).wasm(options);
  if (backend === "worker-threads") {
    const { workerThreads } = await import("@neurite/backend-worker-threads");
    return workerThreads({ ...options, threads });
  }
  return (await import("@neurite/backend-cpu-js")).cpuJs();
}
