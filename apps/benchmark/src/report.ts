/** Results as rows, for the terminal and as JSON. */
import { execFileSync } from "node:child_process";
import { cpus, totalmem } from "node:os";
import type { Timing } from "./measure.js";

export interface Row extends Timing {
  readonly suite: string;
  readonly workload: string;
  readonly library: string;
  readonly backend: string;
  readonly variant: string;
  readonly threads: number;
  readonly node: string;
  readonly gflops: number | null;
  /** Calls per second; single ops in the suite `dispatch`. */
  readonly perSecond: number;
}

export interface Report {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryGiB: number };
  readonly commit: string | null;
  readonly rows: readonly Row[];
}

function commit(): string | null {
  try {
    return execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return null;
  }
}

export function makeReport(rows: readonly Row[]): Report {
  const processors = cpus();
  return {
    machine: {
      cpu: processors[0]?.model ?? "unknown",
      cores: processors.length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
    },
    commit: commit(),
    rows,
  };
}

/** A line per row, in 80 columns. */
export function formatRows(rows: readonly Row[]): string {
  const lines = rows.map(({ suite, workload, backend, medianMs, minMs, maxMs, gflops, perSecond }) => {
    const speed = gflops === null ? `${perSecond.toPrecision(4)}/s` : `${gflops.toFixed(2)} GFLOP/s`;
    const spread = `${medianMs.toPrecision(3)} (${minMs.toPrecision(3)}–${maxMs.toPrecision(3)}) ms`;
    return `${suite.padEnd(9)}${workload.padEnd(18)}${backend.padEnd(15)}${spread.padEnd(25)} ${speed}`;
  });
  return lines.join("\n");
}
