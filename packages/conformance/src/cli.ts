// The program behind `npm run conformance`. Not published as a command: a third party's backend runs describeBackend().
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Device } from "@neurite/core";
import { CASES } from "./cases/index.js";
import { KNOWN_FAILURES } from "./known-failures.js";
import { type CheckResult, listChecks, type Report, runBackend, unusedExpectations } from "./runner.js";
import { tableOf } from "./table.js";

/** The ways a backend can be made, by name; the first is the default. */
type Modes = Readonly<Record<string, () => Promise<Device>>>;

/** Options of the WebAssembly backends by mode. */
function vectorModes(make: (options: { relaxed?: boolean; turbo?: boolean }) => Promise<Device>): Modes {
  return {
    fastest: () => make({}),
    simd128: () => make({ relaxed: false }),
    relaxed: () => make({ relaxed: true }),
    turbo: () => make({ turbo: true }),
  };
}

/** Lazy: a backend that is not asked for need not be installed. */
const BACKENDS: Readonly<Record<string, Modes>> = {
  "cpu-js": { plain: async () => (await import("@neurite/backend-cpu-js")).cpuJs() },
  wasm: vectorModes(async (options) => (await import("@neurite/backend-wasm")).wasm(options)),
  "worker-threads": vectorModes(async (options) =>
    (await import("@neurite/backend-worker-threads")).workerThreads(options),
  ),
  gpujs: {
    webasm: async () => (await import("@neurite/backend-gpujs")).gpujs({ mode: "webasm" }),
    cpu: async () => (await import("@neurite/backend-gpujs")).gpujs({ mode: "cpu" }),
  },
};

const USAGE = `usage: npm run conformance -- --backend NAME [--mode MODE] [--op NAME]… [--json FILE]
  --backend  ${Object.keys(BACKENDS).join(", ")} (default cpu-js)
  --mode     ${Object.entries(BACKENDS)
    .filter(([, modes]) => Object.keys(modes).length > 1)
    .map(([name, modes]) => `of ${name}: ${Object.keys(modes).join(", ")}`)
    .join("\n             ")}
  --op       only this op; may be given again
  --json     writes every check to a file
Exits with 1 when a check fails.`;

class UsageError extends Error {}

interface Arguments {
  readonly backend: string;
  readonly mode: string;
  readonly ops: readonly string[];
  readonly json: string | undefined;
  readonly help: boolean;
}

function choose<T extends string>(flag: string, value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new UsageError(`--${flag} "${value}" is none of ${choices.join(", ")}.`);
  return found;
}

function argumentsFrom(args: readonly string[]): Arguments {
  const text = { type: "string" } as const;
  const options = {
    backend: { ...text, default: "cpu-js" },
    mode: text,
    op: { ...text, multiple: true },
    json: text,
    help: { type: "boolean", short: "h", default: false },
  } as const;
  const { values } = parse(args, options);
  const backend = choose("backend", values.backend, Object.keys(BACKENDS));
  const modes = Object.keys(BACKENDS[backend]);
  if (values.mode !== undefined && modes.length === 1) throw new UsageError(`${backend} has no modes.`);
  return {
    backend,
    mode: values.mode === undefined ? modes[0] : choose("mode", values.mode, modes),
    ops: (values.op ?? []).map((op) =>
      choose(
        "op",
        op,
        CASES.map((subject) => subject.op),
      ),
    ),
    json: values.json,
    help: values.help,
  };
}

function parse<T extends NonNullable<Parameters<typeof parseArgs>[0]>["options"]>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options: options as NonNullable<T>, strict: true });
  } catch (error) {
    // parseArgs names the flag and explains itself at length
    throw new UsageError(`${(error as Error).message.split(". ")[0]}.`);
  }
}

function failuresOf({ cases }: Report): readonly CheckResult[] {
  return cases.filter(({ status }) => status === "failed");
}

async function main(args: readonly string[]): Promise<number> {
  const { backend, mode, ops, json, help } = argumentsFrom(args);
  if (help) {
    console.log(USAGE);
    return 0;
  }
  const device = await BACKENDS[backend][mode]();
  const start = performance.now();
  const cases = ops.length > 0 ? CASES.filter((subject) => ops.includes(subject.op)) : CASES;
  const known = KNOWN_FAILURES[device.name] ?? [];
  // with few ops, some of what is known is not met
  const unmet = ops.length > 0 ? unusedExpectations(listChecks({ cases }), { expectedFailures: known }) : [];
  const report = await runBackend(device, { cases, expectedFailures: known.filter((one) => !unmet.includes(one)) });
  const seconds = (performance.now() - start) / 1000;
  await device.close();
  console.log(tableOf(report));
  for (const { name, reason } of failuresOf(report)) console.log(`\nFAILED ${name}\n  ${reason}`);
  const { passed, failed, expectedFailures, skipped } = report;
  console.log(
    `\n${device.name}: ${passed} passed, ${failed} failed, ${expectedFailures} expected to fail, ${skipped} skipped, ${seconds.toFixed(1)} s`,
  );
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ ...report, seconds }, null, 1)}\n`);
  return failed > 0 ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n${USAGE}`);
  process.exitCode = 1;
}
