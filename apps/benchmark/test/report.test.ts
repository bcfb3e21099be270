/** What a run leaves behind. */
import { describe, expect, it } from "vitest";
import { ownRow, ratioChart, shareOfLimit } from "../src/charts.js";
import { growthOf } from "../src/growth.js";
import { toHTML } from "../src/html.js";
import { makeReport, type Report, type Row, ratio } from "../src/report.js";
import { formatReport, groupSkipped } from "../src/table.js";

const row = (fields: Partial<Row>): Row => ({
  suite: "kernels",
  workload: "matmul512",
  library: "neurite",
  backend: "wasm",
  variant: "relaxed",
  threads: 1,
  node: "v24.21.0",
  medianMs: 5,
  minMs: 4.9,
  maxMs: 6,
  rounds: 9,
  gflops: 53,
  gbPerSecond: null,
  perSecond: 200,
  peakRssMiB: 80,
  rssStartMiB: null,
  rssEndMiB: null,
  losses: null,
  work: null,
  version: "0.1.0",
  note: null,
  ...fields,
});

const scaling = [1e6, 4e6, 16e6].map((work) =>
  row({
    suite: "scaling",
    workload: `full_n${work}_d1`,
    work,
    medianMs: work / 1e6,
    minMs: work / 1e6,
    maxMs: work / 1e6,
  }),
);
const rows = [
  row({}),
  row({ variant: "turbo", medianMs: 2.5 }),
  row({ variant: "simd", node: "v20.20.2", medianMs: 7 }),
  row({ backend: "worker-threads", threads: 2, medianMs: 2.6 }),
  row({ library: "tfjs", variant: "", medianMs: 10, minMs: 9, maxMs: 12, gflops: 27 }),
  row({ library: "torch", backend: "cpu", variant: "", threads: 2, node: null, medianMs: 1.3, minMs: 1.3, maxMs: 1.3 }),
  row({
    library: "brain.js",
    backend: "js",
    variant: "",
    note: "another algorithm",
    suite: "training",
    workload: "tiny_train",
  }),
  row({
    suite: "memory",
    workload: "memory_mlp",
    medianMs: null,
    minMs: null,
    maxMs: null,
    gflops: null,
    perSecond: null,
    rssStartMiB: 60,
    rssEndMiB: 61,
  }),
  ...scaling,
  row({ suite: "scaling", workload: "threads_mlp_train", backend: "worker-threads", medianMs: 6 }),
  row({ suite: "scaling", workload: "threads_mlp_train", backend: "worker-threads", medianMs: 4, threads: 2 }),
];
const limits = { simdPeakGflops: 58, fmaPeakGflops: 60, copyGBs: 30 };
const report: Report = makeReport({
  limits,
  rows,
  skipped: [
    { library: "torch", reason: "no Python can import it" },
    {
      library: "tfjs",
      backend: "wasm",
      workload: "cnn_train",
      reason: "Kernel <'Conv2DBackpropFilter'> not registered",
    },
    {
      library: "tfjs",
      backend: "wasm",
      workload: "conv_fwd_bwd",
      reason: "Kernel <'Conv2DBackpropFilter'> not registered",
    },
  ],
  omitted: ["peers on the older Node"],
});

describe("the report", () => {
  it("has machine, commit, limits and rows with these keys", () => {
    const parsed = JSON.parse(JSON.stringify(report));
    expect(parsed).toMatchObject({
      machine: { cpu: expect.any(String), cores: expect.any(Number), memoryGiB: expect.any(Number) },
      commit: expect.stringMatching(/^[0-9a-f]{40}\+?$/),
      limits: { simdPeakGflops: 58, fmaPeakGflops: 60, copyGBs: 30 },
    });
    const promised =
      "suite workload library backend variant threads node medianMs minMs maxMs gflops perSecond peakRssMiB losses";
    for (const one of parsed.rows) for (const key of promised.split(" ")) expect(one).toHaveProperty(key);
  });

  it("tells how much longer a peer takes", () => {
    expect(ratio(rows[4]!, rows[0]!)).toBe(2);
    expect(ratio(rows[7]!, rows[0]!)).toBeNull();
  });

  it("compares peers with wasm on the newest Node, or with as many threads", () => {
    expect(ownRow(rows.slice(0, 6), 1)).toBe(rows[0]);
    expect(ownRow(rows.slice(0, 6), 2)).toBe(rows[3]);
  });

  it("relates kernels to the limit of what they use", () => {
    expect(shareOfLimit(row({ gflops: 54 }), limits)).toBeCloseTo(0.9);
    expect(shareOfLimit(row({ gflops: 29, variant: "simd" }), limits)).toBeCloseTo(0.5);
    expect(shareOfLimit(row({ gflops: null, gbPerSecond: 15 }), limits)).toBeCloseTo(0.5);
    expect(shareOfLimit(row({ gflops: null }), limits)).toBeNull();
  });

  it("fits how time grows with the book's work", () => {
    const [growth] = growthOf(rows);
    expect(growth).toMatchObject({ law: "n·d", engine: "wasm relaxed n24" });
    expect(growth!.exponent).toBeCloseTo(1, 10);
  });
});

describe("the table", () => {
  const text = formatReport(report);

  it("is at most 80 columns wide", () => {
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it("has each workload once, times with their spread, and memory", () => {
    expect(text.match(/^kernels: matmul512$/gm)).toHaveLength(1);
    expect(text).toMatch(/tfjs wasm n24 +10\.0 \(9\.00–12\.0\) ms +27\.0 GFLOP\/s/);
    expect(text).toContain("80.0 MiB (60.0 → 61.0)");
    expect(text).toMatch(/n·d +wasm relaxed n24 +1\.00/);
  });

  it("says what did not run, what does not rank and what was left out", () => {
    expect(text).toMatch(/brain\.js js n24 .* \*$/m);
    expect(text).toContain("* brain.js: another algorithm");
    expect(text).toContain("tfjs wasm (cnn_train, conv_fwd_bwd):");
    expect(text).toContain("peers on the older Node");
  });

  it("joins what did not run for the same reason", () => {
    expect(groupSkipped(report.skipped)).toHaveLength(2);
  });
});

describe("the page", () => {
  const page = toHTML(report);

  it("needs nothing from outside", () => {
    expect(page).not.toMatch(/<(script|link|img|iframe)\b|@import|url\(|(src|href)=/);
  });

  it("has charts of ratios, growth and threads, without holes", () => {
    expect(page.match(/<svg/g)).toHaveLength(4);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    expect(page).toContain("tfjs wasm n24 takes 2 times as long");
    expect(page).toContain("time ∝ (n·d)^1.00");
    expect(page).toContain("1.50×");
  });

  it("escapes what libraries say", () => {
    expect(page).toContain("&#60;'Conv2DBackpropFilter'&#62;");
  });

  it("has no chart of ratios without peers", () => {
    expect(ratioChart(rows.slice(0, 4), 1)).toBe("");
  });
});
