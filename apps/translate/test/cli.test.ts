/** The command line, as a person would use and misuse it. */
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle, limited, program } from "./program.js";

let folder: string;
const at = (name: string) => join(folder, name);
const SMALL = ["--features", "8", "--batch-size", "8", "--steps", "50"];

beforeAll(async () => {
  await bundle();
  folder = await mkdtemp(join(tmpdir(), "neurite-cli-"));
  const { code, stderr } = await program(["demo", ...SMALL, "--out", at("run"), "--json", at("out/run.json")]);
  expect(code, stderr).toBe(0);
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What is chosen by itself depends on the number of cores. */
const FASTEST = /^(worker-threads|wasm)$/;

describe("demo", () => {
  it("writes its results as JSON, and the curves as pictures", async () => {
    const result = JSON.parse(await readFile(at("out/run.json"), "utf8"));
    expect(Object.keys(result)).toEqual([
      "backend",
      "parameters",
      "steps",
      "seconds",
      "totalSeconds",
      "trainLoss",
      "devLoss",
      "exactMatch",
      "exactMatchByDigits",
      "bleu",
      "short",
      "samples",
    ]);
    expect(result).toMatchObject({ backend: expect.stringMatching(FASTEST), steps: 50 });
    expect(result.samples).toHaveLength(10);
    expect(Object.keys(result.samples[0])).toEqual(["number", "source", "target", "output"]);
    expect(result.seconds).toBeGreaterThan(0);
    expect(result.totalSeconds).toBeGreaterThan(result.seconds);
    expect(await readFile(at("run/curves.svg"), "utf8")).toMatch(/^<svg/);
  });

  it("gives the same checkpoint for the same seed, another for another", async () => {
    const first = await readFile(at("run/checkpoint.safetensors"));
    for (const [seed, same] of [
      ["1", true],
      ["2", false],
    ] as const) {
      await program(["train", ...SMALL, "--seed", seed, "--out", at(`seed${seed}`)]);
      expect(first.equals(await readFile(at(`seed${seed}/checkpoint.safetensors`)))).toBe(same);
    }
  }, 60_000);
});

describe("translate and evaluate", () => {
  it("use the trained network", async () => {
    const { code, stdout } = await program(["translate", "42", "seven hundred", "--model", at("run")]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^forty-two\n {2}→ .*\nseven hundred\n {2}→ /);
    const evaluated = await program([
      "evaluate",
      "--backend",
      "cpu-js",
      "--count",
      "20",
      "--model",
      at("run"),
      "--json",
      at("eval.json"),
    ]);
    expect(evaluated.stdout).toMatch(/20 unseen numbers:\nexact match \d\.\d{4}, BLEU/);
    expect(JSON.parse(await readFile(at("eval.json"), "utf8"))).toMatchObject({ backend: "cpu-js" });
  }, 60_000);
});

describe("a mistake", () => {
  const cases: [string, () => readonly string[], RegExp][] = [
    [
      "an unknown backend",
      () => ["train", "--backend", "cuda"],
      /--backend expects one of auto, worker-threads, wasm, cpu-js, gpujs, but received "cuda"/,
    ],
    ["a backend called like a method", () => ["train", "--backend", "toString"], /--backend expects one of/],
    [
      "a JSON path that cannot be written",
      () => ["train", "--json", "/dev/null/x.json"],
      /\/dev\/null\/x\.json expects a file that can be written/,
    ],
    [
      "a JSON path in no file system",
      () => ["train", "--json", "/proc/x/y"],
      /\/proc\/x\/y expects a file that can be written/,
    ],
    [
      "a run's folder that is a file",
      () => ["train", ...SMALL, "--out", at("out/run.json")],
      /out\/run\.json\/\S+ expects a file that can be written.*another folder/s,
    ],
    [
      "a run's folder in no file system",
      () => ["train", ...SMALL, "--out", "/proc/x"],
      /\/proc\/x\/\S+ expects a file/,
    ],
    [
      "a folder beside that of the run",
      () => ["train", "--resume", at("run"), "--out", at("b")],
      /--out expects to be left out/,
    ],
    [
      "words that are no number",
      () => ["translate", "blah", "--model", at("run")],
      /English number words, or digits \(0 to 999999\), but received "blah"/,
    ],
    ["no words", () => ["translate", "", "--model", at("run")], /but received nothing/],
    ["only a hyphen", () => ["translate", "--model", at("run"), "--", "-"], /but received nothing/],
    ["a negative number", () => ["translate", "--model", at("run"), "--", "-5"], /received "-5" \("5" is unknown\)/],
    ["a fraction", () => ["translate", "1.5", "--model", at("run")], /digits \(0 to 999999\), but received "1\.5"/],
    ["more numbers than there are", () => ["evaluate", "--count", "5000"], /There are 1000 unseen numbers/],
    ["an odd width", () => ["train", "--features", "15"], /Expected an even integer/],
    [
      "a width beyond any memory",
      () => ["train", "--features", "1000000000"],
      /length expects at most \d+ elements on backend .*Split the tensor/,
    ],
    ["an unknown flag", () => ["train", "--stepz", "3"], /unknown option '--stepz'.*Did you mean --steps/s],
    ["an unknown subcommand", () => ["trian"], /too many arguments|unknown command/],
    ["steps that are no number", () => ["train", "--steps", "many"], /Expected an integer/],
    [
      "a missing model",
      () => ["translate", "1", "--model", at("none")],
      /checkpoint\.safetensors expects an existing file/,
    ],
    [
      "a number too large",
      () => ["translate", "1000000", "--model", at("run")],
      /expects 0 to 999999, but received 1000000/,
    ],
    [
      "fewer steps than were done",
      () => ["train", "--resume", at("run"), "--steps", "3"],
      /--steps expects at least 50/,
    ],
    [
      "another seed when resuming",
      () => ["train", "--resume", at("run"), "--seed", "9"],
      /seed expects 1, as in the run/,
    ],
  ];
  for (const [name, args, message] of cases) {
    it(`is explained: ${name}`, async () => {
      const { code, stderr } = await program(args());
      expect(code).toBe(1);
      expect(stderr).toMatch(message);
      expect(stderr, "no stack trace").not.toMatch(/\n\s+at /);
    });
  }

  it("in a checkpoint is explained: truncated, damaged, foreign", async () => {
    const good = await readFile(at("run/checkpoint.safetensors"));
    await program(["train", ...SMALL, "--out", at("bad")]);
    const file = at("bad/checkpoint.safetensors");
    await truncate(file, good.length - 100);
    expect((await program(["train", "--resume", at("bad")])).stderr).toMatch(
      /readCheckpoint: file of .*bad\/checkpoint\.safetensors expects \d+ bytes/,
    );
    const altered = Buffer.from(good);
    altered[good.length - 1000]! ^= 4;
    await writeFile(file, altered);
    expect((await program(["translate", "1", "--model", at("bad")])).stderr).toMatch(
      /checksum of .*The file is damaged/,
    );
    await writeFile(file, "something else entirely, of some length");
    expect((await program(["translate", "1", "--model", at("bad")])).stderr).toMatch(/readCheckpoint: .*damaged/);
  }, 60_000);

  it.runIf(process.platform === "linux")(
    "like a disk that takes no more ends the run with the older checkpoint whole",
    async () => {
      const before = await readFile(at("run/checkpoint.safetensors"));
      // no file may grow beyond 4 kB: what a full disk does, for one process
      const { code, stderr } = await limited(4, ["train", "--resume", at("run"), "--steps", "52"]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/EFBIG.*an earlier one is still whole/s);
      expect(await readFile(at("run/checkpoint.safetensors"))).toEqual(before);
    },
    60_000,
  );
});
