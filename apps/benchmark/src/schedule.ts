/**
 * Measures cells side by side. Each cell has a process of its own, so that no other workload has shaped its heap or its
 * compiled code; the processes of a batch live at the same time and take turns, round after round, so that drift of the
 * machine hits all alike and only one computes at a time. Values are compared with the reference before anything is timed.
 */
import { totalmem } from "node:os";
import { describe, type Engine } from "./engines.js";
import { type Row, type Skipped, skippedCell } from "./report.js";
import type { Cell } from "./select.js";
import { Session } from "./session.js";
import { difference, spreadOf } from "./statistics.js";

export interface ScheduleOptions {
  /** Measurements of each cell; slow ones get three. */
  readonly rounds: number;
  /** Seconds of warm-up at least, and until a time that is not stable is taken as it is. */
  readonly warmUp: readonly [least: number, most: number];
  /** Seconds that a request may take, and that a cell's measurements together may take. */
  readonly budget: number;
  /** Processes that may live at once, memory permitting. */
  readonly processes: number;
  /** When cells that were not prepared yet are skipped, in milliseconds of `performance.now()`. */
  readonly prepareBy: number;
  /** When the rounds end: each cell keeps what was measured until then. */
  readonly deadline: number;
  /** Told about progress. */
  readonly say: (text: string) => void;
}

/** Largest relative difference from the reference's losses and results. */
const TOLERANCE = 5e-4;
/** A measurement repeats a call until it takes about so long. */
const MEASUREMENT_MS = 80;
/** Milliseconds of calls before a measurement that are not counted: caches are cold after the others' turns. */
const LEAD_MS = 60;
/** Milliseconds from which a call counts as slow. */
const SLOW_MS = 1000;
const SLOW_ROUNDS = 3;
/** Two warm-up batches in a row that differ by less end the warm-up. */
const STABLE = 0.05;
/** Memory is looked at before and after 200 steps, when the engine has compiled what it will: 200 tiny steps take 3 ms. */
const MEMORY = { lead: 10, steps: 200, seconds: 1 };
const FIRST_USES = 5;
/** Seconds that a request may take in any case. */
const GRACE = 15;

/** Engines whose rule of learning is another one: their rows do not rank. */
const INCOMPARABLE: Readonly<Record<string, string>> = {
  "brain.js": "another algorithm: it updates after each example and squashes the output",
};

/** A cell while it is measured. */
interface Running extends Cell {
  readonly session: Session;
  version: string;
  note: string | null;
  losses: readonly number[] | null;
  msPerCall: number;
  rounds: number;
  readonly samples: number[];
  peakRssMiB: number | null;
  memory: { startMiB: number; endMiB: number } | null;
}

/** Processes that memory may hold, by the GiB. */
const PROCESSES_PER_GIB = 2.5;

/** Splits cells so that a batch is not too large, but never a workload. */
export function batches(cells: readonly Cell[], size: number): Cell[][] {
  const result: Cell[][] = [];
  for (const id of new Set(cells.map(({ workload }) => workload.id))) {
    const group = cells.filter(({ workload }) => workload.id === id);
    const last = result.at(-1);
    if (last && last.length + group.length <= size) last.push(...group);
    else result.push(group);
  }
  return result;
}

type Results = { rows: Row[]; skipped: Skipped[] };

/**
 * @param reference whose losses and results all others must agree with
 */
export async function runCells(cells: readonly Cell[], reference: Engine, options: ScheduleOptions): Promise<Results> {
  const results: Results = { rows: [], skipped: [] };
  const room = Math.max(8, Math.floor((totalmem() / 2 ** 30) * PROCESSES_PER_GIB));
  for (const batch of batches(cells, Math.min(options.processes, room)))
    await runBatch(batch, reference, options, results);
  return results;
}

async function runBatch(batch: readonly Cell[], reference: Engine, options: ScheduleOptions, results: Results) {
  const alive = new Set<Running>();
  const skip = (cell: Cell, reason: string) => {
    results.skipped.push(skippedCell(cell, reason));
    options.say(`${cell.workload.id}: ${describe(cell.engine)}: skipped: ${reason}`);
  };
  /** Runs a part of a cell's measurement; one that fails is dropped. */
  const attempt = async (cell: Running, part: () => Promise<void>) => {
    try {
      await part();
    } catch (error) {
      alive.delete(cell);
      cell.session.close();
      skip(cell, (error as Error).message);
    }
  };
  const expected = new Map<string, readonly (readonly number[])[]>();
  for (const cell of batch) {
    const { workload, engine } = cell;
    const running: Running = {
      ...cell,
      session: new Session(engine.command),
      version: "",
      note: INCOMPARABLE[engine.library] ?? null,
      losses: null,
      msPerCall: 0,
      rounds: options.rounds,
      samples: [],
      peakRssMiB: null,
      memory: null,
    };
    alive.add(running);
    await attempt(running, async () => {
      if (performance.now() > options.prepareBy) throw new Error("the run's time is over");
      if (workload.mode === "first") return;
      if (!expected.has(workload.id))
        expected.set(workload.id, await referenceValues({ workload, engine: reference }, options));
      await open(running, expected.get(workload.id)!, options);
      if (workload.mode === "memory") await measureMemory(running, options);
      else await warmUp(running, options);
    });
    if (!alive.has(running)) continue;
    const speed = running.msPerCall > 0 ? `${running.msPerCall.toPrecision(3)} ms a call` : "ready";
    options.say(`${workload.id}: ${describe(engine)}: ${speed}`);
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const cell of alive) {
      // the first round is every cell's due
      if (round > 0 && performance.now() > options.deadline) continue;
      if (round < cell.rounds) await attempt(cell, () => measure(cell, options));
    }
  }
  for (const cell of alive) {
    cell.session.close();
    results.rows.push(rowOf(cell));
  }
}

/** Seconds that a request may take now: the budget, or less when the run is to end. */
const limitOf = ({ budget, deadline }: ScheduleOptions) =>
  Math.min(budget, Math.max(GRACE, (deadline - performance.now()) / 1000));

/** The reference's losses or results, from a process of its own. */
async function referenceValues(cell: Cell, options: ScheduleOptions) {
  const limit = limitOf(options);
  const session = new Session(cell.engine.command);
  try {
    await session.ask({ do: "open", workload: cell.workload }, limit);
    return (await session.ask({ do: "check" }, limit)).groups;
  } catch (error) {
    throw new Error(`the reference failed: ${(error as Error).message}`);
  } finally {
    session.close();
  }
}

async function open(cell: Running, expected: readonly (readonly number[])[], options: ScheduleOptions) {
  const limit = limitOf(options);
  const { workload, engine, session } = cell;
  const { version, note } = await session.ask({ do: "open", workload }, limit);
  cell.version = version;
  cell.note ??= note ?? null;
  const { groups, lastMs } = await session.ask({ do: "check" }, limit);
  if (lastMs !== null) {
    cell.losses = groups[0] ?? null;
    cell.msPerCall = lastMs;
  }
  if (engine.library in INCOMPARABLE) return;
  const error = difference(groups, expected);
  if (error > TOLERANCE) {
    const what = cell.losses ? "losses differ" : "results differ";
    throw new Error(`its ${what} from the reference's by ${error.toExponential(1)}, more than ${TOLERANCE}`);
  }
}

/** Until the time of a call is stable. The checked steps were warm-up enough for a slow one. */
async function warmUp(cell: Running, options: ScheduleOptions) {
  const [least, most] = options.warmUp;
  const started = performance.now();
  let calls = 1;
  let previous = Number.POSITIVE_INFINITY;
  while (cell.msPerCall <= SLOW_MS) {
    const { ms } = await cell.session.ask({ do: "time", calls, lead: 0 }, limitOf(options));
    cell.msPerCall = ms / calls;
    const elapsed = (performance.now() - started) / 1000;
    const stable = Math.abs(cell.msPerCall / previous - 1) < STABLE;
    if (elapsed > most || (elapsed > least && stable)) break;
    previous = cell.msPerCall;
    calls = Math.max(5, Math.ceil((least * 100) / cell.msPerCall));
  }
  if (cell.msPerCall > SLOW_MS) cell.rounds = Math.min(SLOW_ROUNDS, cell.rounds);
  expectWithin(options.budget, (cell.msPerCall * cell.rounds) / 1000);
}

/** @throws when a cell's measurements would take too long */
function expectWithin(budget: number, seconds: number): void {
  if (seconds > budget) {
    throw new Error(`it would take ${Math.round(seconds)} s, more than the ${budget} s of a cell (--budget)`);
  }
}

async function measureMemory(cell: Running, options: ScheduleOptions) {
  expectWithin(options.budget, (cell.msPerCall * (MEMORY.lead + MEMORY.steps)) / 1000);
  const { startMiB, endMiB, peakRssMiB } = await cell.session.ask({ do: "memory", ...MEMORY }, limitOf(options));
  cell.memory = { startMiB, endMiB };
  cell.peakRssMiB = peakRssMiB;
  cell.rounds = 0;
}

async function measure(cell: Running, options: ScheduleOptions) {
  const limit = limitOf(options);
  if (cell.workload.mode === "first") {
    if (cell.samples.length >= FIRST_USES) return;
    const session = new Session(cell.engine.command);
    try {
      cell.samples.push((await session.ask({ do: "first" }, limit)).ms);
    } finally {
      session.close();
    }
    return;
  }
  const calls = Math.max(1, Math.round(MEASUREMENT_MS / cell.msPerCall));
  const lead = Math.round(LEAD_MS / cell.msPerCall);
  const { ms, peakRssMiB } = await cell.session.ask({ do: "time", calls, lead }, limit);
  cell.samples.push(ms / calls);
  cell.peakRssMiB = peakRssMiB;
}

function rowOf({ workload, engine, samples, losses, version, note, peakRssMiB, memory }: Running): Row {
  const { library, backend, variant, threads, node } = engine;
  const timing = samples.length > 0 ? spreadOf(samples) : null;
  const rate = (amount: number | null) => (amount === null || !timing ? null : amount / (timing.median * 1e6));
  return {
    suite: workload.suite,
    workload: workload.id,
    library,
    backend,
    variant,
    threads,
    node,
    medianMs: timing?.median ?? null,
    minMs: timing?.min ?? null,
    maxMs: timing?.max ?? null,
    gflops: rate(workload.flops),
    gbPerSecond: rate(workload.bytes),
    perSecond: timing && (1000 * workload.operations) / timing.median,
    peakRssMiB,
    rssStartMiB: memory?.startMiB ?? null,
    rssEndMiB: memory?.endMiB ?? null,
    rounds: samples.length,
    losses,
    work: workload.work,
    version,
    note,
  };
}
