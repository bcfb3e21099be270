/** A checkpoint whose tokens stood for other words is refused: its translations would be nonsense. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuJs } from "@neurite/backend-cpu-js";
import { setDefaultDevice } from "@neurite/core";
import { expect, it } from "vitest";
import { DEFAULTS } from "../src/task.js";
import { load, savedOptions, train } from "../src/train.js";

it("is refused by translate and by resume, with what to do", async () => {
  setDefaultDevice(cpuJs());
  const folder = await mkdtemp(join(tmpdir(), "neurite-corpus-"));
  const options = { ...DEFAULTS, features: 8, batchSize: 4, steps: 1 };
  try {
    await train({ options, folder, resume: false, checkpointEvery: undefined });
    await expect(savedOptions(folder)).resolves.toEqual(options);
    await train({ options: { ...options, corpus: 1 }, folder, resume: false, checkpointEvery: undefined });
    const refusal = /a network trained on corpus \d+, but received one of corpus 1\. Train it again/;
    await expect(load(folder)).rejects.toThrow(refusal);
    await expect(savedOptions(folder)).rejects.toThrow(refusal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);
