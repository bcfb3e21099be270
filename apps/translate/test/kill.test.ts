/** Runs that are killed at any moment and resumed end at the checkpoint of a run that was never killed. */
import { type FSWatcher, mkdirSync, watch } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
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

it("whatever the moment, also while a checkpoint is being written", async () => {
  const wanted = await reference();
  const run = join(folder, "killed");
  mkdirSync(run);
  // a seeded sequence: every third kill waits for a draft to appear, the others for a time
  let seed = 12345;
  const random = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed / 2 ** 32;
  };
  let kills = 0;
  let whileWriting = 0;
  for (let attempt = 0; attempt < 40; attempt++) {
    let watcher: FSWatcher | undefined;
    const { code } = await program(["train", ...SIZE, "--resume", run], (child) => {
      if (attempt >= 12) return;
      if (attempt % 3 === 2) {
        let drafts = 0;
        watcher = watch(run, (_, name) => {
          if (name !== "checkpoint.safetensors.tmp" || ++drafts < 2 + attempt) return;
          child.kill("SIGKILL");
        });
      } else setTimeout(() => child.kill("SIGKILL"), 500 + 1000 * random());
    });
    watcher?.close();
    if (code === 0) break;
    kills++;
    if ((await readdir(run)).includes("checkpoint.safetensors.tmp")) whileWriting++;
  }
  expect(kills).toBeGreaterThanOrEqual(3);
  expect(whileWriting, "kills that left half a checkpoint").toBeGreaterThanOrEqual(1);
  expect(await checkpointOf("killed")).toEqual(wanted);
  expect((await readdir(run)).sort()).toEqual(["checkpoint.safetensors", "curves.json", "curves.svg"]);
}, 180_000);
