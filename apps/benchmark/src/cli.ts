/** The benchmark's command line. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Device } from "@neurite/core";
import { Command, InvalidArgumentError } from "commander";
import { measureAll } from "./measure.js";
import { formatRows, makeReport, type Row } from "./report.js";
import { dispatchSuite, OPS_PER_CALL } from "./suites/dispatch.js";
import { kernelSuite } from "./suites/kernels.js";
import { trainingSuite } from "./suites/training.js";
import type { Workload } from "./workload.js";

const BACKENDS: Readonly<Record<string, () => Promise<Device>>> = {
  "cpu-js": async () => (await import("@neurite/backend-cpu-js")).cpuJs(),
  wasm: async () => (await import("@neurite/backend-wasm")).wasm(),
  "worker-threads": async () => (await import("@neurite/backend-worker-threads")).workerThreads(),
};
const WORKLOADS: readonly Workload[] = [...dispatchSuite, ...kernelSuite, ...trainingSuite];
const SUITES = [...new Set(WORKLOADS.map((workload) => workload.suite))];

interface Flags {
  readonly suite: readonly string[];
  readonly workload?: readonly string[];
  readonly backend: readonly string[];
  readonly rounds: number;
  readonly json?: string;
}

/** A comma-separated list whose items must be among `choices`. */
function listOf(choices: readonly string[]) {
  return (text: string): string[] => {
    const items = text.split(",");
    const unknown = items.find((item) => !choices.includes(item));
    if (unknown !== undefined) throw new InvalidArgumentError(`"${unknown}" is none of ${choices.join(", ")}.`);
    return items;
  };
}

function row({ suite, id, flops }: Workload, device: Device, timing: ReturnType<typeof measureAll>[number]): Row {
  const calls = 1000 / timing.medianMs;
  return {
    suite,
    workload: id,
    library: "neurite",
    backend: device.name,
    variant: "",
    threads: 1,
    node: process.version,
    ...timing,
    gflops: flops === undefined ? null : (flops * calls) / 1e9,
    perSecond: suite === "dispatch" ? calls * OPS_PER_CALL : calls,
  };
}

async function run({ suite, workload, backend, rounds, json }: Flags): Promise<void> {
  const devices = await Promise.all(backend.map((name) => BACKENDS[name]!()));
  const chosen = WORKLOADS.filter((one) => suite.includes(one.suite) && (workload?.includes(one.id) ?? true));
  const pairs = chosen.flatMap((one) => devices.map((device) => ({ one, device })));
  const timings = measureAll(
    pairs.map(({ one, device }) => ({ repeat: one.repeat, run: one.setUp(device) })),
    rounds,
  );
  const rows = pairs.map(({ one, device }, i) => row(one, device, timings[i]!));
  console.log(formatRows(rows));
  if (json === undefined) return;
  await mkdir(dirname(resolve(json)), { recursive: true });
  await writeFile(json, `${JSON.stringify(makeReport(rows), null, 2)}\n`);
}

await new Command("bench")
  .description("Times ops of neurite on its backends.")
  .option("--suite <names>", `of ${SUITES.join(", ")}`, listOf(SUITES), SUITES)
  .option("--workload <ids>", "only these", listOf(WORKLOADS.map((workload) => workload.id)))
  .option("--backend <names>", `of ${Object.keys(BACKENDS).join(", ")}`, listOf(Object.keys(BACKENDS)), ["cpu-js"])
  .option("--rounds <n>", "measurements of each", Number, 9)
  .option("--json <file>", "write the report there")
  .action(run)
  .parseAsync();
