/** Ctrl-C and SIGTERM: a last checkpoint, the terminal as it was, the signal's exit code; a second one ends at once. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle, program, terminal } from "./program.js";

let folder: string;
beforeAll(async () => {
  await bundle();
  folder = await mkdtemp(join(tmpdir(), "neurite-interrupt-"));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const SIZE = ["--features", "8", "--batch-size", "8", "--steps", "100", "--seed", "3"];
const checkpointOf = (run: string) => readFile(join(folder, run, "checkpoint.safetensors"));
/** Long enough to be interrupted. */
const LONG = ["--features", "32", "--steps", "100000"];

describe.runIf(process.platform !== "win32")("a training", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)(
    "that gets %s writes a checkpoint from which it goes on exactly, and exits with %i",
    async (signal, exit) => {
      const run = join(folder, signal);
      const args = (steps: string) => ["train", ...SIZE.with(5, steps), "--backend", "wasm"];
      const stopped = await program([...args("100000"), "--out", run], (child) => {
        child.stderr!.on("data", (text: Buffer) => {
          if (String(text).startsWith("step ")) child.kill(signal);
        });
        // the first line of progress comes late: by time otherwise
        setTimeout(() => child.kill(signal), 1500);
      });
      expect([stopped.code, stopped.stderr]).toEqual([exit, expect.stringMatching(/Go on with: .*--resume/)]);
      const { metadata } = headerOf(await checkpointOf(signal));
      const { step } = JSON.parse(metadata.state!) as { step: number };
      expect(step).toBeGreaterThan(0);
      // all of it in one run, and in two
      const steps = String(step + 20);
      const whole = await program([...args(steps), "--out", join(folder, `${signal}-whole`)]);
      const rest = await program(["train", "--resume", run, "--steps", steps, "--backend", "wasm"]);
      expect([whole.code, rest.code], whole.stderr + rest.stderr).toEqual([0, 0]);
      expect((await checkpointOf(signal)).equals(await checkpointOf(`${signal}-whole`))).toBe(true);
    },
    120_000,
  );
});

describe.runIf(process.platform === "linux")("in a terminal, ctrl-C", () => {
  it.each([1, 2])(
    "pressed %i times gives the cursor and the wrapping of lines back",
    async (times) => {
      const run = join(folder, `terminal${times}`);
      const { code, stdout } = await terminal(
        ["train", ...LONG, "--backend", "wasm", "--out", run],
        /\d+\/100000/,
        times,
      );
      expect(code, stdout.slice(-300)).toBe(130);
      expect(stdout.lastIndexOf("\x1b[?25h"), "the cursor is shown last").toBeGreaterThan(
        stdout.lastIndexOf("\x1b[?25l"),
      );
      expect(stdout.lastIndexOf("\x1b[?7h"), "lines wrap again").toBeGreaterThan(stdout.lastIndexOf("\x1b[?7l"));
      expect(stdout.lastIndexOf("\x1b[?25l"), "it had been hidden").toBeGreaterThan(-1);
    },
    60_000,
  );
});

function headerOf(file: Buffer): { metadata: Record<string, string> } {
  const length = Number(file.readBigUInt64LE(0));
  return { metadata: JSON.parse(file.subarray(8, 8 + length).toString("utf8")).__metadata__ };
}
