/**
 * The process that measures one library on one backend: it answers requests, a line of JSON each, until its input ends.
 * `peers/native.py` speaks the same language. Its other end is `session.ts`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import type { Adapter, Prepared, Setting } from "./adapter.js";
import { makeArray } from "./arrays.js";
import type { Limits } from "./neurite/limits.js";
import type { Workload } from "./workloads.js";

export type Request =
  | { readonly do: "open"; readonly workload: Workload }
  /** Five training steps, or the results of one call. */
  | { readonly do: "check" }
  /** Calls, after some that are not timed: they bring caches and threads back that other processes had meanwhile. */
  | { readonly do: "time"; readonly calls: number; readonly lead: number }
  /** Steps before the first look at the memory and before the last, in either part at least `seconds` of them. */
  | { readonly do: "memory"; readonly lead: number; readonly steps: number; readonly seconds: number }
  | { readonly do: "first" }
  | { readonly do: "limits" };

export interface Answers {
  /** The note is what a reader must know who compares the times. */
  readonly open: { readonly version: string; readonly note?: string };
  /** Numbers that must agree with the other libraries', one list of losses, or one a result; the last step's time. */
  readonly check: { readonly groups: readonly (readonly number[])[]; readonly lastMs: number | null };
  /** Milliseconds of all calls. */
  readonly time: { readonly ms: number; readonly peakRssMiB: number };
  readonly memory: { readonly startMiB: number; readonly endMiB: number; readonly peakRssMiB: number };
  readonly first: { readonly ms: number };
  readonly limits: Limits;
}

export interface ChildSetting extends Setting {
  readonly library: string;
  /** Folder of the peers, whose adapters are plain JavaScript beside their node_modules. */
  readonly peers: string;
}

const CHECKED_STEPS = 5;
const MIB = 2 ** 20;

/** Where a result is sampled, as shares of its length; primes, so that no axis is met at its start only. */
const SAMPLES = [0, 0.1013, 0.3719, 0.6151, 0.9337];

/** A result as a few numbers: its mean magnitude, and elements spread over it. */
export function digest(result: ArrayLike<number>): number[] {
  let total = 0;
  for (let i = 0; i < result.length; i++) total += Math.abs(result[i]!);
  return [total / result.length, ...SAMPLES.map((share) => result[Math.floor(share * result.length)]!)];
}

/** Peak of resident memory: of this program, not of the one it was forked from. */
function peakRssMiB(): number {
  try {
    return Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))![1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}

async function adapterOf({ library, peers, ...setting }: ChildSetting): Promise<Adapter> {
  if (library === "neurite") return (await import("./neurite/adapter.js")).create(setting);
  const { create } = await import(pathToFileURL(join(peers, `${library.replace(".", "-")}.mjs`)).href);
  return create(setting);
}

/** Runs calls one after the other; waits only for those that give a promise. */
async function repeat(prepared: Prepared, calls: number): Promise<void> {
  for (let i = 0; i < calls; i++) {
    const result = prepared.run();
    if (result instanceof Promise) await result;
  }
}

/** As {@link repeat}, and longer if that takes less than `seconds`. */
async function repeatFor(prepared: Prepared, calls: number, seconds: number): Promise<void> {
  const end = performance.now() + 1000 * seconds;
  await repeat(prepared, calls);
  while (performance.now() < end) await repeat(prepared, 1);
}

class Child {
  #prepared: Prepared | undefined;
  #training = false;

  constructor(readonly setting: ChildSetting) {}

  async open({ workload }: { workload: Workload }): Promise<Answers["open"]> {
    const adapter = await adapterOf(this.setting);
    const specs = { ...workload.weights, ...workload.inputs };
    const arrays = Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, makeArray(spec)]));
    this.#prepared = await adapter.open(workload, arrays);
    this.#training = "learningRate" in workload.options;
    return { version: adapter.version };
  }

  async check(): Promise<Answers["check"]> {
    const prepared = this.#prepared!;
    if (!this.#training) return { groups: (await prepared.outputs!()).map(digest), lastMs: null };
    const losses: number[] = [];
    let lastMs = 0;
    for (let i = 0; i < CHECKED_STEPS; i++) {
      const started = performance.now();
      losses.push(Number(await prepared.run()));
      lastMs = performance.now() - started;
    }
    return { groups: [losses], lastMs };
  }

  async time({ calls, lead }: { calls: number; lead: number }): Promise<Answers["time"]> {
    await repeat(this.#prepared!, lead);
    const started = performance.now();
    await repeat(this.#prepared!, calls);
    return { ms: performance.now() - started, peakRssMiB: peakRssMiB() };
  }

  async memory({ lead, steps, seconds }: { lead: number; steps: number; seconds: number }): Promise<Answers["memory"]> {
    await repeatFor(this.#prepared!, lead, seconds);
    const startMiB = process.memoryUsage.rss() / MIB;
    await repeatFor(this.#prepared!, steps, seconds);
    return { startMiB, endMiB: process.memoryUsage.rss() / MIB, peakRssMiB: peakRssMiB() };
  }

  async first(): Promise<Answers["first"]> {
    const started = performance.now();
    const [{ deviceOf }, { firstStep }] = await Promise.all([
      import("./neurite/device.js"),
      import("./neurite/first-use.js"),
    ]);
    firstStep(await deviceOf(this.setting));
    return { ms: performance.now() - started };
  }

  async limits(): Promise<Answers["limits"]> {
    return (await import("./neurite/limits.js")).measureLimits();
  }
}

/** Answers requests on standard input. What libraries print goes to standard error. */
export async function serve(setting: ChildSetting): Promise<void> {
  for (const name of ["log", "info", "warn", "debug"] as const) console[name] = console.error;
  const child = new Child(setting);
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request;
    let answer: unknown;
    try {
      answer = { ok: await child[request.do](request as never) };
    } catch (error) {
      answer = { error: String((error as Error)?.message ?? error).split("\n")[0] };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  process.exit(0);
}
