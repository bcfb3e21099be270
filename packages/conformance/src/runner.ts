/** Runs cases on a device, without any test framework. Read next: `describe.ts`, which hands the same checks to one. */
import { type Device, DTYPES, type DType } from "@neurite/core";
import type { Case, Tolerance } from "./case.js";
import { CASES } from "./cases/index.js";
import { type Bench, type Check, checksOf } from "./checks.js";
import { Mismatch } from "./compare.js";
import type { Wrap } from "./evaluate.js";

/** A backend's known shortcoming. It must fail: a check that passes after all is reported. */
export interface ExpectedFailure {
  /** A check's whole name, or a pattern for several. */
  readonly checks: string | RegExp;
  readonly reason: string;
}

export interface Options {
  /** Default: all cases of this package. */
  readonly cases?: readonly Case[];
  /** Default: all; those that the backend lacks are skipped. */
  readonly dtypes?: readonly DType[];
  readonly expectedFailures?: readonly ExpectedFailure[];
  /** Wider tolerances of this backend by op, with the reason. */
  readonly tolerances?: Readonly<Record<string, Tolerance>>;
  /** Stands around every call of an op: a compiler, to run everything again through it. */
  readonly wrap?: Wrap;
}

export type Status = "passed" | "failed" | "expectedFailure" | "skipped";

/** What became of one check. */
export interface CheckResult {
  readonly name: string;
  readonly op: string;
  readonly dtype: DType;
  readonly status: Status;
  /** Largest error of the numbers compared; null where there were none. */
  readonly maxError: number | null;
  /** Why it failed, was expected to, or was skipped; empty for a pass. */
  readonly reason: string;
}

export interface Report {
  readonly backend: string;
  readonly passed: number;
  readonly failed: number;
  readonly expectedFailures: number;
  readonly skipped: number;
  readonly cases: readonly CheckResult[];
}

/** What a check without dtype-specific tolerance is held to: a few units in the last place. */
const DEFAULT: Required<Omit<Tolerance, "reason">> = { float32: 2e-6, float64: 1e-13 };

/** All checks that the options ask for. */
export function listChecks({ cases = CASES, dtypes = DTYPES }: Options = {}): Check[] {
  return cases.flatMap((subject) => checksOf(subject, dtypes));
}

export function benchFor(device: Device, { wrap = (fn) => fn, tolerances = {} }: Options): Bench {
  return {
    device,
    wrap,
    tolerance: (op, own) => ({ ...DEFAULT, ...own, ...tolerances[op] }),
  };
}

/** The expected failure that names a check, if any. */
export function expectationFor(check: Check, { expectedFailures = [] }: Options): ExpectedFailure | undefined {
  return expectedFailures.find(({ checks }) =>
    typeof checks === "string" ? checks === check.name : checks.test(check.name),
  );
}

/** Expected failures that name no check at all: left over, or misspelt. */
export function unusedExpectations(checks: readonly Check[], options: Options): ExpectedFailure[] {
  const used = new Set(checks.map((check) => expectationFor(check, options)));
  return (options.expectedFailures ?? []).filter((expectation) => !used.has(expectation));
}

/** Runs one check. */
export async function runCheck(check: Check, bench: Bench, options: Options = {}): Promise<CheckResult> {
  const { name, op, dtype } = check;
  const skip = check.skip(bench.device);
  if (skip !== null) return { name, op, dtype, status: "skipped", maxError: null, reason: skip };
  const expectation = expectationFor(check, options);
  try {
    const maxError = await check.run(bench);
    return expectation
      ? { name, op, dtype, status: "failed", maxError, reason: unexpected(expectation) }
      : { name, op, dtype, status: "passed", maxError, reason: "" };
  } catch (error) {
    const maxError = error instanceof Mismatch && Number.isFinite(error.maxError) ? error.maxError : null;
    return expectation
      ? { name, op, dtype, status: "expectedFailure", maxError, reason: expectation.reason }
      : { name, op, dtype, status: "failed", maxError, reason: textOf(error) };
  }
}

function unexpected({ reason }: ExpectedFailure): string {
  return `passes, but is listed as an expected failure (${reason}): take it off the list`;
}

function textOf(error: unknown): string {
  if (error instanceof Mismatch) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Runs all checks of one case. */
export async function runCase(subject: Case, device: Device, options: Options = {}): Promise<CheckResult[]> {
  const bench = benchFor(device, options);
  const results: CheckResult[] = [];
  for (const check of checksOf(subject, options.dtypes ?? DTYPES)) results.push(await runCheck(check, bench, options));
  return results;
}

/**
 * Runs all cases on a device.
 * @example
 * const report = await runBackend(cpuJs());
 * console.log(report.passed, report.failed);
 */
export async function runBackend(device: Device, options: Options = {}): Promise<Report> {
  const checks = listChecks(options);
  const bench = benchFor(device, options);
  const cases: CheckResult[] = [];
  for (const check of checks) cases.push(await runCheck(check, bench, options));
  for (const { checks: pattern, reason } of unusedExpectations(checks, options)) {
    cases.push({
      name: `expected failure ${pattern}`,
      op: "expected failures",
      dtype: "float32",
      status: "failed",
      maxError: null,
      reason: `names no check (${reason})`,
    });
  }
  const number = (status: Status) => cases.filter((result) => result.status === status).length;
  return {
    backend: device.name,
    passed: number("passed"),
    failed: number("failed"),
    expectedFailures: number("expectedFailure"),
    skipped: number("skipped"),
    cases,
  };
}
