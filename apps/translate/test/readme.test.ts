/** The demo's lines of the README, typed one after the other, and what a person tries first after them. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "neurite-readme-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** `npm run demo …` in the temporary folder; gives what it prints. */
async function demo(line: string, ...more: readonly string[]): Promise<string> {
  const quoted = [...more.map((arg) => `'${arg}'`)].join(" ");
  const child = spawn(`node '${join(ROOT, "tools/run.mjs")}' demo ${line} ${quoted}`, {
    shell: true,
    cwd: folder,
    env: { ...process.env, INIT_CWD: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect(code, stderr).toBe(0);
  return stdout;
}

/** What stands behind `npm run demo --` in the lines of the README. */
async function linesOfReadme(): Promise<string[]> {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  return [...readme.matchAll(/^\| `npm run demo -- (.*?)` \|/gm)].map(([, line]) => line!);
}

/** The results of a run: what is right of the numbers that everybody tries, and in all. */
async function expectGood(file: string): Promise<void> {
  const { exactMatch, short } = JSON.parse(await readFile(join(folder, file), "utf8"));
  expect(exactMatch).toBeGreaterThanOrEqual(0.995);
  expect(short.all.numbers).toBe(10_000);
  expect(short.all.exactMatch).toBeGreaterThanOrEqual(0.999);
  expect(short.unseen.numbers).toBeGreaterThan(500);
  const wrong: number[] = short.all.wrong.map(({ number }: { number: number }) => number);
  expect(wrong.filter((number) => number <= 100 || (number < 1000 && number % 100 === 0))).toEqual([]);
}

it("the README's lines do what they say", async () => {
  const [help, translate, evaluate, ...others] = await linesOfReadme();
  expect(others).toEqual([]);
  expect(await demo(help!)).toMatch(/--seed .*--resume /s);
  expect(await demo("", "--json", "demo.json")).toMatch(/1000 unseen numbers:\nexact match/);
  await expectGood("demo.json");
  expect(await demo(translate!)).toBe(
    "four thousand seven hundred eleven\n  → quatre mille sept cent onze\nthree hundred\n  → trois cents\n",
  );
  expect(await demo(evaluate!)).toMatch(/exact match .*BLEU .*\n {2}by number of digits .*\nall of 0 … 9999/);
}, 240_000);

it.each([2, 3])(
  "seed %i is right for short numbers too",
  async (seed) => {
    await demo("train", "--seed", `${seed}`, "--out", `seed${seed}`, "--json", `seed${seed}.json`);
    await expectGood(`seed${seed}.json`);
  },
  240_000,
);
