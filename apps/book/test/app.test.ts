/** The command line, as a person would use and misuse it; and the list of examples. */
import { execFile } from "node:child_process";
import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXAMPLES } from "../src/examples/index.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const execute = promisify(execFile);

/** Runs `npm run book -- …args`, without npm. */
const book = (...args: string[]) =>
  execute(process.execPath, ["tools/run.mjs", "book", ...args], { cwd: root, encoding: "utf8" });

let folder: string;
const at = (name: string) => join(folder, name);
const longest = (text: string) => Math.max(...text.split("\n").map(({ length }) => length));
const json = async (name: string) => JSON.parse(await readFile(at(name), "utf8"));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "neurite-book-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the list of examples", () => {
  it("is in the order of the chapter, under names of their own", () => {
    const names = EXAMPLES.map(({ name }) => name);
    const sections = EXAMPLES.map(({ section }) => section);
    expect(new Set(names).size).toBe(names.length);
    expect(sections).toEqual([...sections].sort());
    for (const { name, section, title } of EXAMPLES) {
      expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(section).toMatch(/^8\.[1-5](\.[1-5])?$/);
      expect(title).toMatch(/^[A-Z]/);
    }
  });

  it.each(EXAMPLES.map((entry) => [entry.name, entry] as const))("can load %s", async (_, { load }) => {
    expect(await load()).toBeTypeOf("function");
  });

  it("is printed, and written as JSON", async () => {
    const { stdout } = await book("--json", at("deep/list.json"));
    const rows = EXAMPLES.map(({ name, section, title }) => ({ name, section, title }));
    expect(await json("deep/list.json")).toEqual(rows);
    for (const { name, section, title } of rows) {
      expect(stdout.split("\n").find((line) => line.split(/\s+/)[1] === name)).toMatch(new RegExp(`^${section}`));
      expect(stdout).toContain(title);
    }
    expect(longest(stdout)).toBeLessThanOrEqual(80);
  });
});

describe("an example", () => {
  it("writes its figures as JSON and its pictures as files, the same for the same seed", async () => {
    const run = (name: string, ...args: string[]) =>
      book("automatic-differentiation", "--json", at(`${name}.json`), "--out", at(name), ...args);
    const [{ stdout, stderr }] = await Promise.all([
      run("first", "--seed", "3", "--backend", "cpu-js"),
      run("second", "--seed", "3"),
      run("other", "--seed", "4"),
    ]);
    const [result, second, other] = await Promise.all(["first.json", "second.json", "other.json"].map(json));
    expect(result).toMatchObject({
      name: "automatic-differentiation",
      section: "8.3.2",
      backend: "cpu-js",
      seed: 3,
      seconds: expect.any(Number),
    });
    expect(Object.keys(result)).toEqual(["name", "section", "backend", "seed", "seconds", "metrics", "pictures"]);
    expect(stderr).toContain("Backend cpu-js: chosen by --backend.");
    for (const [metric, value] of Object.entries(result.metrics)) {
      expect(value, metric).toBeTypeOf("number");
      expect(stdout).toContain(metric);
    }
    expect(longest(stdout)).toBeLessThanOrEqual(80);
    // what it shows comes last
    expect(stdout.trimEnd().split("\n").slice(-2).join(" ")).toMatch(
      new RegExp(`^At their best step.* ${result.metrics.largestError.toExponential(0)}; .*\\.$`),
    );
    expect(result.metrics.largestError).toBeLessThan(1e-9);
    expect(result.metrics.secondOrderError).toBeLessThan(1e-9);
    expect(second.metrics).toEqual(result.metrics);
    expect(other.metrics).not.toEqual(result.metrics);
    expect(result.pictures.length).toBeGreaterThan(0);
    for (const picture of result.pictures) {
      expect(picture).toMatch(/\.(svg|png)$/);
      await access(picture);
      expect(basename(join(picture, ".."))).toBe("automatic-differentiation");
    }
    const [svg] = await Promise.all(result.pictures.map((picture: string) => readFile(picture, "utf8")));
    expect(svg).toMatch(/^<svg .*<\/svg>\n$/s);
  }, 60_000);
});

describe("a mistake", () => {
  it.each([
    ["an unknown name", ["perceptron"], /there is no example "perceptron"; npm run book lists them/],
    [
      "an unknown backend",
      ["dnn-mnist", "--backend", "abacus"],
      /Allowed choices are auto, worker-threads, wasm, cpu-js/,
    ],
    ["a seed that is no number", ["dnn-mnist", "--seed", "x"], /It is a whole number, 0 or above/],
    ["a negative seed", ["dnn-mnist", "--seed=-1"], /It is a whole number, 0 or above/],
  ])("is explained: %s", async (_, args, message) => {
    await expect(book(...args)).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
  });
});
