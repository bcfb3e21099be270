/** Results for the terminal, in 80 columns. */
import { growthOf } from "./growth.js";
import type { Report, Row, Skipped } from "./report.js";

const WIDTH = 80;

const cut = (text: string, width: number) => (text.length > width ? `${text.slice(0, width - 1)}…` : text);
const three = (value: number) => (value >= 1000 ? Math.round(value).toString() : value.toPrecision(3));

/** "wasm turbo n24 2t" */
export function shortEngine({ library, backend, variant, threads, node }: Row): string {
  const major = node ? `n${Number.parseInt(node.slice(1), 10)}` : "";
  return [library === "neurite" ? "" : library, backend, variant, major, threads > 1 ? `${threads}t` : ""]
    .filter(Boolean)
    .join(" ");
}

/** What a row is about: GFLOP/s, bytes, memory or calls a second. */
export function speedOf(row: Row): string {
  if (row.rssEndMiB !== null) {
    return `${three(row.peakRssMiB ?? 0)} MiB (${three(row.rssStartMiB ?? 0)} → ${three(row.rssEndMiB)})`;
  }
  if (row.gflops !== null) return `${row.gflops.toFixed(1)} GFLOP/s`;
  if (row.gbPerSecond !== null) return `${row.gbPerSecond.toFixed(1)} GB/s`;
  return `${three(row.perSecond ?? 0)}/s`;
}

/** Rows of a workload together, in the order in which the workloads came. */
function ordered(rows: readonly Row[]): Row[] {
  const keys = [...new Set(rows.map(({ suite, workload }) => `${suite} ${workload}`))];
  const place = ({ suite, workload }: Row) => keys.indexOf(`${suite} ${workload}`);
  return [...rows].sort((a, b) => place(a) - place(b));
}

/** A line a row, headed by its workload. */
function formatRows(rows: readonly Row[]): string {
  const lines: string[] = [];
  let heading = "";
  for (const row of ordered(rows)) {
    const next = `${row.suite}: ${row.workload}`;
    if (next !== heading) lines.push(next);
    heading = next;
    const time = row.medianMs === null ? "" : `${three(row.medianMs)} (${three(row.minMs!)}–${three(row.maxMs!)}) ms`;
    const mark = row.note === null ? "" : " *";
    lines.push(`  ${cut(shortEngine(row), 28).padEnd(29)}${time.padEnd(27)}${speedOf(row)}${mark}`.trimEnd());
  }
  return lines.join("\n");
}

/** Cells that did not run, joined where only the workload differs. */
export function groupSkipped(skipped: readonly Skipped[]): { where: string; workloads: string; reason: string }[] {
  const groups = new Map<string, { where: string; names: string[]; reason: string }>();
  for (const { workload, library, backend = "", variant = "", threads = 1, node = "", reason } of skipped) {
    const where = [library, backend, variant, node ?? "", threads > 1 ? `${threads}t` : ""].filter(Boolean).join(" ");
    const group = groups.get(`${where} ${reason}`) ?? { where, names: [], reason };
    if (workload) group.names.push(workload);
    groups.set(`${where} ${reason}`, group);
  }
  return [...groups.values()].map(({ where, names, reason }) => ({ where, workloads: names.join(", "), reason }));
}

/** Everything that a terminal should show at the end. */
export function formatReport({ limits, rows, skipped, omitted }: Report): string {
  const parts = [formatRows(rows)];
  if (limits) {
    const fma = limits.fmaPeakGflops === null ? "none" : `${limits.fmaPeakGflops.toFixed(1)} GFLOP/s`;
    parts.push(
      `limits: mul + add ${limits.simdPeakGflops.toFixed(1)} GFLOP/s, fma ${fma}, copy ${limits.copyGBs.toFixed(1)} GB/s`,
    );
  }
  const growth = growthOf(rows);
  if (growth.length > 0) {
    const lines = growth.map(
      ({ law, engine, exponent }) => `  ${law.padEnd(12)} ${engine.padEnd(28)} ${exponent.toFixed(2)}`,
    );
    parts.push(["time grows with this power of the work that the book counts:", ...lines].join("\n"));
  }
  const notes = new Set(rows.flatMap(({ library, note }) => (note === null ? [] : [`* ${library}: ${note}`])));
  if (notes.size > 0) parts.push([...notes].join("\n"));
  if (skipped.length > 0) {
    const lines = groupSkipped(skipped).map(
      ({ where, workloads, reason }) => `  ${where}${workloads ? ` (${workloads})` : ""}:\n    ${reason}`,
    );
    parts.push(
      ["did not run:", ...lines.flatMap((line) => line.split("\n")).map((line) => cut(line, WIDTH))].join("\n"),
    );
  }
  if (omitted.length > 0) {
    parts.push(["left out, as no flag asked for it:", ...omitted.map((what) => `  ${what}`)].join("\n"));
  }
  return parts.join("\n\n");
}
