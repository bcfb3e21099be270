/** Runs that are killed at any moment and resumed end at the checkpoint of a run that was never killed. */
import { type FSWatcher, mkdirSync, watch } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bundle, program } from "./program.js";

let folder: string;
beforeAll(async () => {
  await bundle();
  folder = await mkdtemp(join(tmpdir(), "neurite-kill-"));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const SIZE = ["--features", "8", "--batch-size", "8", "--steps", "60", "--seed", "3", "--checkpoint-every", "1"];
const checkpointOf = (name: string) => readFile(join(folder, name, "checkpoint.safetensors"));

async function reference(): Promise<Buffer> {
  const { code, stderr } = await program(["train", ...SIZE, "--out", join(folder, "whole")]);
  expect(code, stderr).toBe(0);
  return checkpointOf("whole");
}

/** What a checkpoint is called while it is written. */
const isDraft = (name: string | null) => name !== null && /^checkpoint\.safetensors\..*\.tmp$/.test(name);

/** Starts or resumes the run and kills it `delay` ms after its n-th write of a checkpoint began; gives the exit code. */
async function runUntil(run: string, n: number, delay: number): Promise<number | null> {
  let watcher: FSWatcher | undefined;
  let drafts = 0;
  const { code } = await program(["train", ...SIZE, "--resume", run], (child) => {
    watcher = watch(run, (event, name) => {
      // a draft appears and goes away again: two such events for each checkpoint
      if (!isDraft(name) || event !== "rename" || ++drafts !== 2 * n - 1) return;
      if (delay === 0) child.kill("SIGKILL");
      else setTimeout(() => child.kill("SIGKILL"), delay);
    });
  });
  watcher?.close();
  return code;
}

it("whatever the moment, also while a checkpoint is being written", async () => {
  const wanted = await reference();
  const run = join(folder, "killed");
  mkdirSync(run);
  // the first kill hits the very first checkpoint; every other one a write, the rest some moment between two of them
  const moments = [
    [1, 0],
    [5, 0],
    [4, 7],
    [6, 0],
    [3, 13],
    [7, 1],
    [4, 0],
    [5, 29],
  ] as const;
  let kills = 0;
  let halfWritten = 0;
  for (const [n, delay] of moments) {
    const code = await runUntil(run, n, delay);
    if (code === 0) break;
    kills++;
    if ((await readdir(run)).some(isDraft)) halfWritten++;
  }
  console.log(`killed ${kills} times, ${halfWritten} of them with a checkpoint half written`);
  expect(kills).toBeGreaterThanOrEqual(4);
  // what a kill in mid-write leaves behind, in any case once
  const host = hostname().replace(/\W/g, "");
  await writeFile(
    join(run, `checkpoint.safetensors.${host}-99999999-1a2b3c4d.tmp`),
    wanted.subarray(0, wanted.length / 2),
  );
  const { code, stderr } = await program(["train", ...SIZE, "--resume", run]);
  expect(code, stderr).toBe(0);
  expect(await checkpointOf("killed")).toEqual(wanted);
  expect((await readdir(run)).sort()).toEqual(["checkpoint.safetensors", "curves.json", "curves.svg"]);
}, 180_000);
