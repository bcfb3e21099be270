/** The program, as a person would use and misuse it: on neurite alone, which needs no peer. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const MAJOR = process.versions.node.split(".")[0]!;
const folder = mkdtempSync(join(tmpdir(), "neurite-bench-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const node = (...args: string[]): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
const bench = (...args: string[]) => node(join(ROOT, "apps/benchmark/dist/cli.js"), ...args);

// bundles the program
beforeAll(() => {
  const { status, stdout, stderr } = node(join(ROOT, "tools/run.mjs"), "bench", "--help");
  expect(status, stderr).toBe(0);
  expect(stdout).toContain("--quick");
}, 120_000);

it("measures a small net and a chain of ops end to end", () => {
  const json = join(folder, "run.json");
  const flags = ["--library", "neurite", "--node", MAJOR, "--backend", "wasm", "--rounds", "2", "--json", json];
  const { status, stdout, stderr } = bench(
    ...flags,
    "--workload",
    "tiny_train,add_16x100,first_use_mlp",
    "--variant",
    "simd",
  );
  expect(status, stderr).toBe(0);
  const { limits, rows, skipped } = JSON.parse(readFileSync(json, "utf8"));
  expect(skipped).toEqual([]);
  expect(rows.map((row: { workload: string }) => row.workload).sort()).toEqual([
    "add_16x100",
    "first_use_mlp",
    "tiny_train",
  ]);
  for (const row of rows) {
    expect(row).toMatchObject({
      library: "neurite",
      backend: "wasm",
      variant: "simd",
      threads: 1,
      node: process.version,
    });
    expect(row.medianMs).toBeGreaterThan(0);
    expect(row.minMs).toBeLessThanOrEqual(row.medianMs);
    expect(row.maxMs).toBeGreaterThanOrEqual(row.medianMs);
  }
  const { losses } = rows.find((row: { workload: string }) => row.workload === "tiny_train");
  expect(losses).toHaveLength(5);
  expect(losses[4]).toBeLessThan(losses[0]);
  expect(limits.simdPeakGflops).toBeGreaterThan(0);
  expect(limits.copyGBs).toBeGreaterThan(0);
  expect(stdout).toContain("training: tiny_train");
  expect(readFileSync(join(folder, "benchmark.html"), "utf8")).toMatch(/^<!doctype html>/);
}, 60_000);

describe("mistakes", () => {
  it.each([
    [["--suite", "kernel"], '"kernel" is none of kernels, layers'],
    [["--workload", "matmul512,matmul3"], '"matmul3" is none of'],
    [["--library", "keras"], '"keras" is none of neurite, tfjs'],
    [["--backend", "webgl"], '"webgl" is none of'],
    [["--variant", "fast"], '"fast" is none of simd, relaxed, turbo'],
    [["--threads", "0"], '"0" is none of 1'],
    [["--node", "8"], '"8" is none of'],
    [["--rounds", "0"], '"0" is no positive integer'],
    [["--rounds", "many"], '"many" is no positive integer'],
    [["--fast"], "unknown option '--fast'"],
  ])("%j are refused", (args, message) => {
    const { status, stderr } = bench(...args);
    expect(status).toBe(1);
    expect(stderr).toContain(message);
  });

  it("of a combination that measures nothing are told", () => {
    const { status, stderr } = bench("--library", "neurite", "--backend", "web", "--node", MAJOR);
    expect(status).toBe(1);
    expect(stderr).toContain("no library that is here runs these workloads");
  });
});
