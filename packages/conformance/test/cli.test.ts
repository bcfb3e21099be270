// The program as `npm run conformance` starts it, without the installation that comes before.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));

function run(...args: string[]) {
  const bundler = new URL("../../../tools/bundle.mjs", import.meta.url).href;
  const program = `import(${JSON.stringify(bundler)}).then((m) => m.bundleAndRun(${JSON.stringify(root)}, "packages/conformance", process.argv.slice(1)))`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["-e", program, "--", ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}

it("prints a table and the sum, and writes every check as JSON", () => {
  const folder = mkdtempSync(join(tmpdir(), "neurite-conformance-"));
  try {
    const file = join(folder, "report.json");
    const { status, stdout, stderr } = run("--backend", "cpu-js", "--op", "exp", "--op=sqrt", "--json", file);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^op +passed +failed/);
    expect(stdout).toMatch(/^exp +\d+/m);
    expect(stdout).toMatch(/cpu-js: \d+ passed, 0 failed, 0 expected to fail, 0 skipped, [\d.]+ s/);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    const report = JSON.parse(readFileSync(file, "utf8"));
    expect(report).toMatchObject({ backend: "cpu-js", failed: 0 });
    expect(report.cases).toHaveLength(report.passed);
    expect(new Set(report.cases.map(({ op }: { op: string }) => op))).toEqual(new Set(["exp", "sqrt"]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it("knows what a backend of this repository cannot do", () => {
  const { status, stdout } = run("--backend", "gpujs", "--mode", "cpu", "--op", "neg");
  expect(stdout).toMatch(/gpujs: \d+ passed, 0 failed, 5 expected to fail/);
  expect(status).toBe(0);
});

it.each([
  [["--backend", "cuda"], '--backend "cuda" is none of cpu-js, '],
  [["--backend", "gpujs", "--mode", "metal"], '--mode "metal" is none of webasm, cpu'],
  [["--mode", "cpu"], "cpu-js has no modes"],
  [["--op", "tanhh"], '--op "tanhh" is none of'],
  [["--bakend", "cpu-js"], "--bakend"],
])("refuses %j and lists the choices", (args, words) => {
  const { status, stderr } = run(...args);
  expect(status).toBe(1);
  expect(stderr).toContain(words);
  expect(stderr).toMatch(/--backend +cpu-js, .*gpujs/);
});
