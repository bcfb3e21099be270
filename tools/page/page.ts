// The program of the test page: conformance of a backend, and what becomes of threads, in the browser that shows it.
import { auto, type Choice } from "@neurite/auto";
import { wasm } from "@neurite/backend-wasm";
import { workerThreads } from "@neurite/backend-worker-threads";
import { type Report, runBackend } from "@neurite/conformance";
import type { Device } from "@neurite/core";

/** What a page's backends are called here, with the mode of their arithmetic. */
const DEVICES: Readonly<Record<string, () => Promise<Device>>> = {
  "wasm relaxed": async () => wasm(),
  "wasm simd128": async () => wasm({ relaxed: false }),
  "worker-threads relaxed": () => workerThreads({ threads: 2 }),
  "worker-threads simd128": () => workerThreads({ threads: 2, relaxed: false }),
};

async function conformance(name: string): Promise<Report> {
  const device = await DEVICES[name]!();
  try {
    const report = await runBackend(device);
    return { ...report, cases: report.cases.filter(({ status }) => status === "failed") };
  } finally {
    await device.close();
  }
}

/** What `auto()` picks, and how `workerThreads()` refuses, if it does. */
async function threads(): Promise<Pick<Choice, "backend" | "reason"> & { readonly refusal: string | null }> {
  const { backend, reason, device } = await auto();
  await device.close();
  const refusal = await workerThreads({ threads: 2 }).then(
    (started) => started.close().then(() => null),
    (error: Error) => error.message,
  );
  return { backend, reason, refusal };
}

Object.assign(globalThis, { conformance, threads });
