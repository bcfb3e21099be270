import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CpuJsBackend, cpuJs } from "@neurite/backend-cpu-js";
import {
  CASES,
  type Case,
  describeBackend,
  elementwiseCase,
  expectThat,
  listChecks,
  numbers,
  runBackend,
  runCase,
  zip,
} from "@neurite/conformance";
import * as core from "@neurite/core";
import { Device, defineOp, dispatch, mul, type Row, registerKernel, sin, type Tensor } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { binary, unary } from "../../core/src/elementwise.js";
import { tableOf } from "../src/table.js";

const float32 = { dtypes: ["float32"] } as const;
const sinCase = CASES.filter(({ op }) => op === "sin");
const valuesOfSin = "sin of a matrix gives the values, shape and dtype of the reference [float32]";

/** A case whose reference is wrong by `error`. */
function wrongCase(error: number): Case {
  return {
    op: "sin",
    samples: [
      {
        name: "of a matrix",
        inputs: [numbers([2, 3])],
        run: ([x]) => sin(x),
        reference: ([x]) => zip([x], (value) => Math.sin(value) + error),
      },
    ],
  };
}

describe("coverage", () => {
  const rows = Object.values(core).flatMap((value) => {
    const row = (value as { row?: Row } | null)?.row;
    return row ? [row] : [];
  });
  const fileOf = (op: string) => fileURLToPath(new URL(`../src/cases/${kebab(op)}.ts`, import.meta.url));
  const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

  it("finds the rows of the elementwise table", () => {
    expect(rows.length).toBeGreaterThanOrEqual(45);
  });

  it.each(rows.map((row) => [row.name, row] as const))("has a case file for the row %s", (name) => {
    expect(existsSync(fileOf(name)), fileOf(name)).toBe(true);
    expect(CASES.map(({ op }) => op)).toContain(name);
  });

  it("has one case per op, and no two checks of one name", () => {
    expect(new Set(CASES.map(({ op }) => op)).size).toBe(CASES.length);
    const names = listChecks().map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it("says why where a tolerance is its own", () => {
    for (const { tolerance } of CASES) if (tolerance) expect(tolerance.reason.length).toBeGreaterThan(10);
  });
});

describe("runBackend", () => {
  it("reports every check with status, dtype and largest error", async () => {
    const report = await runBackend(cpuJs(), { ...float32, cases: sinCase });
    expect(report).toMatchObject({ backend: "cpu-js", failed: 0, expectedFailures: 0, passed: report.cases.length });
    expect(report.passed).toBeGreaterThan(30);
    const values = report.cases.find(({ name }) => name === valuesOfSin);
    expect(values).toMatchObject({ op: "sin", dtype: "float32", status: "passed", reason: "" });
    const slope = report.cases.find(
      ({ name }) => name === "sin of a matrix has the gradient of the reference [float32]",
    );
    expect(slope?.maxError).toBeGreaterThan(0);
    expect(slope?.maxError).toBeLessThan(1e-5);
  });

  it("fails where the reference differs, with the place and both numbers", async () => {
    const report = await runBackend(cpuJs(), { ...float32, cases: [wrongCase(1e-3)] });
    const failed = report.cases.find(({ name }) => name === valuesOfSin);
    expect(failed).toMatchObject({
      status: "failed",
      reason: expect.stringMatching(/^result 0 is -?0\.\d+ at \[\d,\d\], not/),
    });
    expect(failed?.maxError).toBeCloseTo(1e-3, 5);
  });

  it("counts an expected failure that fails as such, with its reason", async () => {
    const expectedFailures = [{ checks: /^sin of a matrix (gives the|shows|has)/, reason: "sines are hard" }];
    const report = await runBackend(cpuJs(), { ...float32, cases: [wrongCase(1e-2)], expectedFailures });
    expect(report.failed).toBe(0);
    expect(report.expectedFailures).toBe(9);
    expect(report.cases.find(({ name }) => name === valuesOfSin)).toMatchObject({
      status: "expectedFailure",
      reason: "sines are hard",
    });
  });

  it("fails an expected failure that passes", async () => {
    const expectedFailures = [{ checks: valuesOfSin, reason: "sines are hard" }];
    const report = await runBackend(cpuJs(), { ...float32, cases: [wrongCase(0)], expectedFailures });
    expect(report.failed).toBe(1);
    expect(report.cases.find(({ status }) => status === "failed")).toMatchObject({
      name: valuesOfSin,
      reason: "passes, but is listed as an expected failure (sines are hard): take it off the list",
    });
  });

  it("fails an expected failure that names no check", async () => {
    const expectedFailures = [{ checks: "sin of a tangent", reason: "misspelt" }];
    const report = await runBackend(cpuJs(), { ...float32, cases: sinCase, expectedFailures });
    expect(report.failed).toBe(1);
    expect(report.cases.at(-1)).toMatchObject({ status: "failed", reason: "names no check (misspelt)" });
  });

  it("takes a backend's own tolerances", async () => {
    const cases = [wrongCase(1e-4)];
    const tolerances = { sin: { float32: 1e-3, reason: "a coarse device" } };
    expect((await runBackend(cpuJs(), { ...float32, cases })).failed).toBeGreaterThan(0);
    expect((await runBackend(cpuJs(), { ...float32, cases, tolerances })).failed).toBe(0);
  });

  it("calls every op through `wrap`, whose mistakes it finds", async () => {
    let calls = 0;
    const counted = await runBackend(cpuJs(), {
      ...float32,
      cases: sinCase,
      wrap:
        (fn) =>
        (...inputs) => {
          calls++;
          return fn(...inputs);
        },
    });
    expect(counted.failed).toBe(0);
    expect(calls).toBeGreaterThan(30);
    const wrong = await runBackend(cpuJs(), {
      ...float32,
      cases: sinCase,
      wrap:
        (fn) =>
        (...inputs) =>
          fn(...inputs).map((y) => mul(y, 1.01)),
    });
    expect(wrong.failed).toBeGreaterThan(10);
  });

  it("gives float32 gradients the same reference as float64 ones", async () => {
    const report = await runBackend(cpuJs(), { cases: sinCase });
    const slopes = report.cases.filter(({ name }) => /of a matrix has the (second )?gradient/.test(name));
    expect(slopes.map(({ dtype, status }) => `${dtype} ${status}`).sort()).toEqual([
      "float32 passed",
      "float32 passed",
      "float64 passed",
      "float64 passed",
    ]);
    for (const { dtype, maxError } of slopes) expect(maxError).toBeLessThan(dtype === "float64" ? 1e-8 : 1e-5);
  });
});

describe("describeBackend", () => {
  /** Collects what would be registered. */
  function collect(options: Parameters<typeof describeBackend>[2], create = () => cpuJs()) {
    const tests: { name: string; body: (context: { skip?(): void }) => Promise<void> }[] = [];
    const groups: string[] = [];
    let closed: (() => Promise<void>) | undefined;
    describeBackend("it", create, {
      ...options,
      describe: (name, body) => {
        groups.push(name);
        body();
      },
      it: (name, body) => void tests.push({ name, body }),
      afterAll: (body) => {
        closed = body;
      },
    });
    return { tests, groups, close: () => closed?.() };
  }

  it("registers one test per check, grouped by op, and makes the device once", async () => {
    let made = 0;
    const create = () => {
      made++;
      return cpuJs();
    };
    const { tests, groups, close } = collect({ ...float32, cases: sinCase }, create);
    expect(groups).toEqual(["conformance of it", "sin"]);
    expect(tests.map(({ name }) => name)).toEqual(listChecks({ ...float32, cases: sinCase }).map(({ name }) => name));
    expect(made).toBe(0);
    for (const { body } of tests) await body({});
    expect(made).toBe(1);
    await close();
  });

  it("throws in a test whose check fails", async () => {
    const { tests } = collect({ ...float32, cases: [wrongCase(1e-3)] });
    await expect(tests.find(({ name }) => name === valuesOfSin)?.body({})).rejects.toThrow(/an error of/);
  });

  it("marks a test as skipped where the backend lacks the dtype", async () => {
    const backend = new CpuJsBackend();
    const dtypes = { ...backend.dtypes, float64: "none" } as const;
    const device = new Device(Object.assign(backend, { dtypes }));
    let skipped = 0;
    const { tests } = collect({ dtypes: ["float64"], cases: sinCase }, () => device);
    for (const { body } of tests) await body({ skip: () => void skipped++ });
    expect(skipped).toBe(tests.length);
  });

  it("throws in a test of an expected failure that passes or names nothing", async () => {
    const expectedFailures = [
      { checks: valuesOfSin, reason: "sines are hard" },
      { checks: "nothing", reason: "misspelt" },
    ];
    const { tests } = collect({ ...float32, cases: sinCase, expectedFailures });
    await expect(tests.find(({ name }) => name.startsWith(valuesOfSin))?.body({})).rejects.toThrow(
      /take it off the list/,
    );
    await expect(tests.at(-1)?.body({})).rejects.toThrow(/names no check/);
  });

  it("says what it lacks where there is no test framework", () => {
    expect(() => describeBackend("it", cpuJs)).toThrow(/no test framework found.*\{ describe, it \}/);
  });
});

describe("from outside", () => {
  it("an op with a kernel for an existing backend is checked, kernel and composition", async () => {
    let runs = 0;
    const cube = defineOp<Record<string, never>>({
      name: "cube",
      infer: ([x]) => [x!],
      compose: ([x]) => [mul(mul(x!, x!), x!)],
    });
    const kernel =
      (factor: number): Parameters<typeof registerKernel>[2] =>
      ([out], [x]) => {
        runs++;
        const [to, from] = [out.id as Float32Array, x.id as Float32Array];
        const size = x.shape.reduce((a, b) => a * b, 1);
        for (let i = 0; i < size; i++) to[out.offset + i] = from[x.offset + i] ** 3 * factor;
        return undefined;
      };
    const cubeCase: Case = {
      op: "cube",
      samples: [
        {
          name: "of a matrix",
          inputs: [numbers([3, 4])],
          run: ([x]) => dispatch(cube, [x], {}),
          reference: ([x]) => zip([x], (value) => value ** 3),
        },
      ],
      errors: [],
      checks: [{ name: "is checked freely", run: ({ device }) => expectThat(device.name === "cpu-js", "elsewhere") }],
    };
    const failed = async () => (await runCase(cubeCase, cpuJs())).filter(({ status }) => status === "failed");
    expect(await failed()).toEqual([]);
    expect(runs).toBe(0);
    registerKernel(cube, "cpu-js", kernel(1));
    expect(await failed()).toEqual([]);
    expect(runs).toBeGreaterThan(5);
    registerKernel(cube, "cpu-js", kernel(1.01));
    expect((await failed()).length).toBeGreaterThan(3);
  });

  it("an elementwise op takes one row and one case, gradients included", async () => {
    const logistic4 = unary("logistic4", (x) => core.e.div(4, core.e.add(1, core.e.exp(core.e.neg(x)))));
    const good = elementwiseCase(logistic4, { kind: "float", reference: (x) => 4 / (1 + Math.exp(-x)) });
    const results = await runCase(good, cpuJs());
    expect(results.filter(({ status }) => status !== "passed")).toEqual([]);
    expect(results.length).toBeGreaterThan(60);

    const wrongSlope = binary(
      "blend",
      (a, b) => core.e.mul(a, core.e.sin(b)),
      (a, b) => [core.e.sin(b!), core.e.mul(core.e.cos(b!), core.e.add(a!, 0.01))],
    );
    const bad = elementwiseCase(wrongSlope, { kind: "float", reference: (a, b) => a * Math.sin(b) });
    const failures = (await runCase(bad, cpuJs())).filter(({ status }) => status === "failed");
    expect(failures.length).toBeGreaterThan(5);
    expect(failures.every(({ name }) => /gradient/.test(name))).toBe(true);
  });

  it("an op that leaks is caught outside of scopes", async () => {
    const leaky: Case = {
      op: "leaky",
      samples: [
        {
          name: "of a matrix",
          inputs: [numbers([2, 3])],
          run: ([x]): Tensor => mul(mul(x, 2), 2),
          reference: ([x]) => zip([x], (value) => 4 * value),
          gradient: false,
        },
      ],
    };
    const failed = (await runCase(leaky, cpuJs(), float32)).filter(({ status }) => status === "failed");
    expect(failed.map(({ name }) => name)).toEqual(["leaky of a matrix gives back all storage [float32]"]);
  });
});

describe("the table of results", () => {
  it("has one line per op, at most 80 columns wide", async () => {
    const report = await runBackend(cpuJs(), { ...float32, cases: [...sinCase, wrongCase(1e-3)] });
    const lines = tableOf(report).split("\n");
    expect(lines.length).toBe(2);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(lines[1]).toMatch(/^sin +\d+ +\d+ +· +· +\d\.\de-\d+$/);
  });
});
