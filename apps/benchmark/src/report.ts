/** Results as data: what `--json` writes. */
import { execFileSync } from "node:child_process";
import { cpus, totalmem } from "node:os";
import type { Limits } from "./neurite/limits.js";
import type { Cell } from "./select.js";

export interface Row {
  readonly suite: string;
  readonly workload: string;
  readonly library: string;
  readonly backend: string;
  /** `simd`, `relaxed`, `turbo` or empty. */
  readonly variant: string;
  readonly threads: number;
  /** Null for libraries outside of Node. */
  readonly node: string | null;
  /** Milliseconds of one call; null where the suite measures memory. */
  readonly medianMs: number | null;
  readonly minMs: number | null;
  readonly maxMs: number | null;
  /** Measurements of which these are median, least and most. */
  readonly rounds: number;
  readonly gflops: number | null;
  /** Bytes that the call must at least read and write, in 10⁹ a second. */
  readonly gbPerSecond: number | null;
  /** Calls a second; single ops in the suite `dispatch`. */
  readonly perSecond: number | null;
  /** Of the process, which measured this row alone. */
  readonly peakRssMiB: number | null;
  /** Resident memory before and after 200 steps, or more that take a second. */
  readonly rssStartMiB: number | null;
  readonly rssEndMiB: number | null;
  /** The first five of training. */
  readonly losses: readonly number[] | null;
  /** What the book counts: multiplications of one call. */
  readonly work: number | null;
  readonly version: string;
  /** Why the row does not rank with the others, or null. */
  readonly note: string | null;
}

/** A cell without a row. */
export interface Skipped extends Partial<Pick<Row, "workload" | "backend" | "variant" | "threads" | "node">> {
  readonly library: string;
  readonly reason: string;
}

export interface Report {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryGiB: number };
  readonly commit: string | null;
  readonly date: string;
  readonly limits: Limits | null;
  readonly rows: readonly Row[];
  readonly skipped: readonly Skipped[];
  /** What a run leaves out unless it is asked for. */
  readonly omitted: readonly string[];
}

function git(...args: readonly string[]): string {
  return execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
}

/** The commit, with "+" behind where files differ from it; null outside of a repository. */
function commit(): string | null {
  try {
    const changed = git("status", "--porcelain", "--untracked-files=no") !== "";
    return git("rev-parse", "HEAD") + (changed ? "+" : "");
  } catch {
    return null;
  }
}

export function makeReport(results: Pick<Report, "limits" | "rows" | "skipped" | "omitted">): Report {
  const processors = cpus();
  return {
    machine: {
      cpu: processors[0]?.model.trim() ?? "unknown",
      cores: processors.length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
    },
    commit: commit(),
    date: new Date().toISOString(),
    ...results,
  };
}

export function skippedCell({ workload, engine }: Cell, reason: string): Skipped {
  const { library, backend, variant, threads, node } = engine;
  return { workload: workload.id, library, backend, variant, threads, node, reason };
}

/** Another library's rows of a workload over neurite's, in time: above 1 neurite is faster. */
export function ratio(peer: Row, own: Row): number | null {
  return peer.medianMs === null || own.medianMs === null ? null : peer.medianMs / own.medianMs;
}
