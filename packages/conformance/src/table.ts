/** A report as text, at most 80 columns wide. */
import type { CheckResult, Report } from "./runner.js";

interface Row {
  readonly op: string;
  readonly counts: Record<CheckResult["status"], number>;
  maxError: number;
}

const COLUMNS = ["passed", "failed", "expectedFailure", "skipped"] as const;
const HEADS = ["passed", "failed", "expected", "skipped"];

function rowsOf({ cases }: Report): Row[] {
  const rows = new Map<string, Row>();
  for (const { op, status, maxError } of cases) {
    let row = rows.get(op);
    if (!row) {
      row = { op, counts: { passed: 0, failed: 0, expectedFailure: 0, skipped: 0 }, maxError: 0 };
      rows.set(op, row);
    }
    row.counts[status]++;
    if (status === "passed") row.maxError = Math.max(row.maxError, maxError ?? 0);
  }
  return [...rows.values()];
}

/** One line per op: how many checks passed, failed, failed as expected and were skipped, and the largest error passed. */
export function tableOf(report: Report): string {
  const line = (op: string, cells: readonly (string | number)[]) =>
    `${op.padEnd(24)}${cells.map((cell) => String(cell).padStart(10)).join("")}`;
  const rows = rowsOf(report).map(({ op, counts, maxError }) =>
    line(op, [...COLUMNS.map((column) => counts[column] || "·"), maxError === 0 ? "exact" : maxError.toExponential(1)]),
  );
  return [line("op", [...HEADS, "max error"]), ...rows].join("\n");
}
