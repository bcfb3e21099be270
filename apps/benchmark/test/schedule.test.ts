/** The schedule, with fakes for libraries. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { batches, runCells, type ScheduleOptions } from "../src/schedule.js";
import { Session } from "../src/session.js";
import { type Behaviour, fakeEngine, trainingWorkload as workload } from "./fake.js";

const OPTIONS: ScheduleOptions = {
  rounds: 3,
  warmUp: [0.01, 0.05],
  budget: 10,
  processes: 16,
  prepareBy: Number.POSITIVE_INFINITY,
  deadline: Number.POSITIVE_INFINITY,
  say: () => {},
};
const reference = fakeEngine("right", { library: "neurite", backend: "cpu-js" });

/** Runs a fake beside a right one, which must not notice. */
async function beside(behaviour: Behaviour, options: Partial<ScheduleOptions> = {}) {
  const engines = [fakeEngine(behaviour, { library: "jax-js" }), fakeEngine("right")];
  const results = await runCells(
    engines.map((engine) => ({ workload, engine })),
    reference,
    { ...OPTIONS, ...options },
  );
  expect(results.rows.map(({ library }) => library)).toContain("tfjs");
  return results;
}

describe("a run", () => {
  it("gives a row for a library whose losses agree", async () => {
    const { rows, skipped } = await beside("right");
    expect(skipped).toEqual([]);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({
      suite: "training",
      workload: "fake_train",
      library: "jax-js",
      rounds: 3,
      medianMs: 2,
      minMs: 2,
      maxMs: 2,
      gflops: 2,
      perSecond: 500,
      peakRssMiB: 60,
      losses: [5, 4, 3, 2, 1],
      version: "1.2.3",
      note: null,
    });
  });

  it("hands on what a library says of its own handicap", async () => {
    const { rows } = await beside("remark");
    expect(rows.map(({ library, note }) => [library, note])).toEqual([
      ["jax-js", "slowed"],
      ["tfjs", null],
    ]);
  });

  it("does not time a library whose losses differ, and says by how much", async () => {
    const { rows, skipped } = await beside("wrong");
    expect(rows).toHaveLength(1);
    expect(skipped).toMatchObject([
      { library: "jax-js", workload: "fake_train", reason: expect.stringMatching(/losses differ .* by 3\.3e-3/) },
    ]);
  });

  it("marks the library whose algorithm is another, and does not compare it", async () => {
    const engine = fakeEngine("wrong", { library: "brain.js" });
    const { rows } = await runCells([{ workload, engine }], reference, OPTIONS);
    expect(rows).toMatchObject([{ library: "brain.js", note: expect.stringContaining("another algorithm") }]);
  });

  it.each<[Behaviour, RegExp]>([
    ["crash", /ended \(exit code 1\): .*it broke/],
    ["crash later", /ended \(exit code 3\)/],
    ["refuse", /no such kernel/],
  ])("reports and drops one that will %s", async (behaviour, reason) => {
    const { rows, skipped } = await beside(behaviour);
    expect(rows).toHaveLength(1);
    expect(skipped).toMatchObject([{ library: "jax-js", reason: expect.stringMatching(reason) }]);
  });

  it.each<Behaviour>(["hang", "hang later"])("reports and kills one that will %s", async (behaviour) => {
    const { rows, skipped } = await beside(behaviour, { budget: 1 });
    expect(rows).toHaveLength(1);
    expect(skipped).toMatchObject([{ reason: expect.stringMatching(/^no answer to "\w+" within 1 s$/) }]);
  });

  it("reports a program that does not exist", async () => {
    const engine = { ...fakeEngine("right"), command: { program: "/no/such/program", args: [] } };
    const { skipped } = await runCells([{ workload, engine }], reference, OPTIONS);
    expect(skipped).toMatchObject([{ reason: expect.stringMatching(/cannot be started/) }]);
  });

  it("compares nothing when the reference fails", async () => {
    const { rows, skipped } = await runCells(
      [{ workload, engine: fakeEngine("right") }],
      fakeEngine("refuse"),
      OPTIONS,
    );
    expect(rows).toEqual([]);
    expect(skipped).toMatchObject([{ reason: "the reference failed: no such kernel" }]);
  });

  it("prepares nothing when the time is over", async () => {
    const { rows, skipped } = await runCells([{ workload, engine: fakeEngine("right") }], reference, {
      ...OPTIONS,
      prepareBy: 0,
    });
    expect(rows).toEqual([]);
    expect(skipped).toMatchObject([{ reason: "the run's time is over" }]);
  });

  it("gives each prepared cell one round at least, and no more after the deadline", async () => {
    const { rows } = await beside("right", { deadline: 0 });
    expect(rows.map(({ rounds }) => rounds)).toEqual([1, 1]);
  });

  it("takes turns: every round measures every cell once", async () => {
    const folder = mkdtempSync(join(tmpdir(), "neurite-bench-"));
    try {
      const log = join(folder, "log");
      const cells = (["neurite", "tfjs", "jax-js"] as const).map((library) => ({
        workload,
        engine: fakeEngine("right", { library, log }),
      }));
      await runCells(cells, reference, OPTIONS);
      const turns = readFileSync(log, "utf8").trim().split("\n").slice(-9);
      expect(turns).toEqual([1, 2, 3].flatMap(() => ["neurite time", "tfjs time", "jax-js time"]));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("measures memory over 200 steps, and first uses in fresh processes", async () => {
    const modes = (["memory", "first"] as const).map((mode) => ({
      engine: fakeEngine("right"),
      workload: { ...workload, id: `fake_${mode}`, mode },
    }));
    const { rows, skipped } = await runCells(modes, reference, OPTIONS);
    expect(skipped).toEqual([]);
    expect(rows).toMatchObject([
      { medianMs: null, peakRssMiB: 52, rssStartMiB: 50, rssEndMiB: 51, losses: [5, 4, 3, 2, 1] },
      { medianMs: 20, perSecond: 50 },
    ]);
  });
});

describe("batches", () => {
  const cell = (id: string) => ({ workload: { ...workload, id }, engine: reference });

  it("hold few enough processes and never split a workload", () => {
    const cells = ["a", "a", "b", "b", "b", "c"].map(cell);
    const sizes = (limit: number) =>
      batches(cells, limit).map((batch) => batch.map(({ workload: { id } }) => id).join(""));
    expect(sizes(10)).toEqual(["aabbbc"]);
    expect(sizes(4)).toEqual(["aa", "bbbc"]);
    expect(sizes(1)).toEqual(["aa", "bbb", "c"]);
  });
});

describe("a session", () => {
  it("overhears what a library prints", async () => {
    const session = new Session(fakeEngine("noise").command);
    expect(await session.ask({ do: "open", workload }, 10)).toEqual({ version: "1.2.3" });
    session.close();
  });

  it("says after its end that it ended", async () => {
    const session = new Session(fakeEngine("crash").command);
    await expect(session.ask({ do: "check" }, 10)).rejects.toThrow("ended");
    await expect(session.ask({ do: "check" }, 10)).rejects.toThrow("ended");
  });
});
