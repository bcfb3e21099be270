/** The book's command line: lists the examples, or runs one. */
import { writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { auto, BACKENDS, type BackendName } from "@neurite/auto";
import { Generator, isNeuriteError, manualSeed, setDefaultDevice } from "@neurite/core";
import { prepareFile } from "@neurite/io/node";
import { progressBar } from "@neurite/training/node";
import { Command, InvalidArgumentError, Option } from "commander";
import type { Entry, Run } from "./example.js";
import { EXAMPLES } from "./examples/index.js";
import { encodePNG } from "./pictures/png.js";
import { wrap } from "./wrap.js";

const FOLDER = "runs/book";

interface Flags {
  readonly backend: BackendName | "auto";
  readonly seed: number;
  readonly out: string;
  readonly json?: string;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError("It is a whole number, 0 or above.");
  return value;
}

async function writeJSON(file: string | undefined, value: unknown): Promise<void> {
  if (file === undefined) return;
  await prepareFile(file);
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** The chosen backend's device, which becomes the default. */
async function open(backend: Flags["backend"]) {
  const { device, reason } =
    backend === "auto" ? await auto() : { device: await BACKENDS[backend](), reason: "chosen by --backend." };
  console.error(wrap(`Backend ${device.name}: ${reason}`));
  setDefaultDevice(device);
  return device;
}

async function list(json: string | undefined): Promise<void> {
  const rows = EXAMPLES.map(({ name, section, title }) => ({ name, section, title }));
  const width = Math.max(...rows.map(({ name }) => name.length));
  for (const { name, section, title } of rows) console.log(`${section.padEnd(6)} ${name.padEnd(width)}  ${title}`);
  console.log("\nRun one with: npm run book -- NAME");
  await writeJSON(json, rows);
}

async function runExample({ name, section, title, load }: Entry, { backend, seed, out, json }: Flags): Promise<void> {
  if (json !== undefined) await prepareFile(json);
  const device = await open(backend);
  manualSeed(seed);
  console.log(`${section} ${title}`);
  const example = await load();
  let bar = progressBar();
  const pictures = new Map<string, string | Uint8Array>();
  const files = new Map<string, Uint8Array>();
  const lessons: string[] = [];
  const run: Run = {
    seed,
    generator: new Generator(seed),
    step: (report) => bar.step(report),
    say(line) {
      bar.stop();
      console.log(wrap(line));
      bar = progressBar();
    },
    conclude: (lesson) => void lessons.push(lesson),
    picture(picture, content) {
      if (typeof content === "string") pictures.set(`${picture}.svg`, content);
      else pictures.set(`${picture}.png`, encodePNG(content));
    },
    file: (file, content) => files.set(file, content),
  };
  const started = performance.now();
  const metrics = await example(run);
  const seconds = (performance.now() - started) / 1000;
  bar.stop();
  const folder = join(out, name);
  for (const [file, content] of [...pictures, ...files]) {
    await prepareFile(join(folder, file));
    await writeFile(join(folder, file), content);
  }
  const kept = [...pictures.keys()].map((file) => join(folder, file));
  for (const [metric, value] of Object.entries(metrics)) console.log(`${metric} ${Number(value.toPrecision(6))}`);
  const written = [...pictures.keys(), ...files.keys()].join(", ");
  console.log(wrap(`${seconds.toFixed(1)} s with seed ${seed}; in ${relative("", folder)}: ${written}`));
  for (const lesson of lessons) console.log(wrap(lesson));
  await writeJSON(json, { name, section, backend: device.name, seed, seconds, metrics, pictures: kept });
  await device.close();
}

const program = new Command("book")
  .description("Runs the examples of the chapter; without a name, lists them.")
  .argument("[name]", "an example")
  .addOption(new Option("--backend <name>", "where to run").choices(["auto", ...Object.keys(BACKENDS)]).default("auto"))
  .option("--seed <n>", "of all random numbers", wholeNumber, 1)
  .option("--out <dir>", "folder of the pictures", FOLDER)
  .option("--json <file>", "write the result, or the list, there")
  .action(async (name: string | undefined, flags: Flags) => {
    if (name === undefined) return list(flags.json);
    const entry = EXAMPLES.find((example) => example.name === name);
    return entry
      ? runExample(entry, flags)
      : program.error(`error: there is no example "${name}"; npm run book lists them`);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (!isNeuriteError(error)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
