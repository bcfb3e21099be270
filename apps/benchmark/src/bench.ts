/** What `npm run bench` does: chooses cells, measures them, and reports. */
import { stat, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepareFile } from "@neurite/io/node";
import { Command, InvalidArgumentError } from "commander";
import {
  BACKENDS,
  type Engine,
  enginesOf,
  findNodes,
  findPython,
  LIBRARIES,
  type Library,
  type Machine,
  majorOf,
  NEWER_NODE,
  type NodeProgram,
  VARIANTS,
} from "./engines.js";
import { toHTML } from "./html.js";
import type { Limits } from "./neurite/limits.js";
import { installPeers } from "./peers.js";
import { makeReport, type Skipped } from "./report.js";
import { runCells } from "./schedule.js";
import { type Selectors, selectCells } from "./select.js";
import { Session } from "./session.js";
import { formatReport } from "./table.js";
import { SUITES, WORKLOADS } from "./workloads.js";

// the program is dist/cli.js, in the folder of the app
const APP = fileURLToPath(new URL("..", import.meta.url));
const ROOT = join(APP, "../..");
const PEERS = join(APP, "peers");

interface Flags extends Selectors {
  readonly rounds?: number;
  readonly budget?: number;
  readonly json?: string;
  readonly html?: string;
}

/** A comma-separated list whose items must be among `choices`. */
function listOf<T extends string | number>(choices: readonly T[]) {
  return (text: string): T[] =>
    text.split(",").map((item) => {
      const choice = choices.find((one) => String(one) === item);
      if (choice === undefined) throw new InvalidArgumentError(`"${item}" is none of ${choices.join(", ")}.`);
      return choice;
    });
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError(`"${text}" is no positive integer.`);
  return value;
}

const say = (text: string) => process.stderr.write(`${text}\n`);

/** The limits of each Node. */
async function measureLimits(nodes: readonly NodeProgram[]): Promise<Limits[]> {
  const each: Limits[] = [];
  for (const { path } of nodes) {
    const setting = { library: "neurite", backend: "wasm", variant: "", threads: 1, peers: PEERS };
    const session = new Session({
      program: path,
      args: [join(APP, "dist", "cli.js"), "child", JSON.stringify(setting)],
    });
    try {
      each.push(await session.ask({ do: "limits" }, 60));
    } finally {
      session.close();
    }
  }
  return each;
}

/** The best of several measurements: other work on the machine only lowers them. */
function bestLimits(each: readonly Limits[]): Limits {
  const fma = each.flatMap(({ fmaPeakGflops }) => fmaPeakGflops ?? []);
  return {
    simdPeakGflops: Math.max(...each.map(({ simdPeakGflops }) => simdPeakGflops)),
    fmaPeakGflops: fma.length > 0 ? Math.max(...fma) : null,
    copyGBs: Math.max(...each.map(({ copyGBs }) => copyGBs)),
  };
}

/** The engines of the chosen libraries, after installing what they need. */
async function prepare(flags: Flags, absent: Skipped[]): Promise<{ machine: Machine; engines: Engine[] }> {
  const libraries = (flags.library ?? LIBRARIES) as readonly Library[];
  const wantsNewer = majorOf(process.version) < NEWER_NODE && (flags.node ?? [NEWER_NODE]).includes(NEWER_NODE);
  const javascript = libraries.some((name) => !["neurite", "torch", "numpy"].includes(name));
  if (javascript || wantsNewer) {
    const failure = await installPeers(ROOT, PEERS);
    if (failure !== null) say(`the peers and Node ${NEWER_NODE} could not be installed: ${failure}`);
  }
  const machine: Machine = {
    nodes: wantsNewer ? findNodes(PEERS) : [{ version: process.version, path: process.execPath }],
    cores: availableParallelism(),
    program: join(APP, "dist", "cli.js"),
    peers: PEERS,
    python: findPython,
  };
  const engines = enginesOf(machine, libraries, (library, reason) => {
    say(`${library} does not run: ${reason}`);
    absent.push({ library, reason });
  });
  return { machine, engines };
}

/** Seconds after which `--quick` prepares no more cells, and begins no more rounds. */
const QUICK = { prepareBy: 210, deadline: 278 };
const BUDGETS = { quick: 60, full: 120 };
/** Processes that live at once: in a quick run all, so that everything is interleaved. */
const PROCESSES = { quick: 64, full: 32 };

async function run(flags: Flags): Promise<void> {
  const started = performance.now();
  const skipped: Skipped[] = [];
  const { machine, engines } = await prepare(flags, skipped);
  const nodes = machine.nodes.map(({ version }) => majorOf(version));
  const { cells, omitted } = selectCells(WORKLOADS, engines, flags, { cores: machine.cores, nodes });
  if (cells.length === 0) {
    console.error("error: no library that is here runs these workloads with these settings.");
    process.exitCode = 1;
    return;
  }
  say(`${cells.length} cells on ${machine.cores} cores, ${machine.nodes.map(({ version }) => version).join(" and ")}`);
  const before = await measureLimits(machine.nodes);
  const reference = enginesOf(
    { ...machine, nodes: [{ version: process.version, path: process.execPath }] },
    ["neurite"],
    () => {},
  ).find(({ backend }) => backend === "cpu-js")!;
  const until = (seconds: number) => (flags.quick ? started + 1000 * seconds : Number.POSITIVE_INFINITY);
  const size = flags.quick ? "quick" : "full";
  const results = await runCells(cells, reference, {
    rounds: flags.rounds ?? (flags.quick ? 5 : 9),
    warmUp: flags.quick ? [1, 1.5] : [1, 4],
    budget: flags.budget ?? BUDGETS[size],
    processes: PROCESSES[size],
    prepareBy: until(QUICK.prepareBy),
    deadline: until(QUICK.deadline),
    say,
  });
  const report = makeReport({
    limits: bestLimits([...before, ...(await measureLimits(machine.nodes))]),
    rows: results.rows,
    skipped: [...skipped, ...results.skipped],
    omitted,
  });
  console.log(formatReport(report));
  if (flags.json !== undefined) await write(flags.json, `${JSON.stringify(report, null, 2)}\n`);
  const page = await pagePath(flags);
  if (page !== null) await write(page, toHTML(report));
}

/** Where the HTML goes: the file or folder of `--html`, or beside the JSON. */
async function pagePath({ html, json }: Flags): Promise<string | null> {
  if (html !== undefined) {
    const isFolder = await stat(html).then(
      (entry) => entry.isDirectory(),
      () => false,
    );
    return isFolder ? join(html, "benchmark.html") : html;
  }
  return json === undefined ? null : join(dirname(json), "benchmark.html");
}

async function write(path: string, text: string): Promise<void> {
  await prepareFile(path);
  await writeFile(path, text);
  say(`wrote ${path}`);
}

const MAJORS = [...new Set([majorOf(process.version), NEWER_NODE])];
const THREADS = Array.from({ length: availableParallelism() }, (_, i) => i + 1);

export async function main(argv: readonly string[]): Promise<void> {
  await new Command("bench")
    .description("Times neurite beside other libraries, interleaved, with the same weights and inputs.")
    .option("--suite <names>", `of ${SUITES.join(", ")}`, listOf(SUITES))
    .option("--workload <ids>", "only these", listOf(WORKLOADS.map(({ id }) => id)))
    .option("--library <names>", `of ${LIBRARIES.join(", ")}`, listOf(LIBRARIES))
    .option("--backend <names>", `of ${BACKENDS.join(", ")}`, listOf(BACKENDS))
    .option("--variant <names>", `of ${VARIANTS.join(", ")}`, listOf(VARIANTS))
    .option("--threads <counts>", `of ${THREADS.join(", ")}`, listOf(THREADS))
    .option("--node <majors>", `of ${MAJORS.join(", ")}`, listOf(MAJORS))
    .option("--rounds <n>", "measurements of each cell (default 9)", positive)
    .option("--budget <seconds>", "that a cell may take (default 120)", positive)
    .option("--quick", "training and matmul512 only, within five minutes")
    .option("--json <file>", "write the results there")
    .option("--html <file>", "write a page of charts there (default: benchmark.html beside the JSON)")
    .action(run)
    .parseAsync(argv as string[]);
}
