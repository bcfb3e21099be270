/** The command line of the fuzzer. */
import { writeFile } from "node:fs/promises";
import { BACKENDS } from "@neurite/auto";
import { cpuJs } from "@neurite/backend-cpu-js";
import { type Device, setDefaultDevice } from "@neurite/core";
import { prepareFile } from "@neurite/io/node";
import { Command, InvalidArgumentError, Option } from "commander";
import { type Finding, fuzz, type Progress, SUBJECT_NAMES } from "./fuzz.js";

const MAKERS: Readonly<Record<string, () => Promise<Device>>> = {
  ...BACKENDS,
  gpujs: async () => (await import("@neurite/backend-gpujs")).gpujs(),
};
/** gpujs takes so long for a call that the others would wait for it. */
const DEFAULT = Object.keys(BACKENDS);

interface Flags {
  readonly seconds: number;
  readonly seed: number;
  readonly backend?: readonly string[];
  readonly op?: readonly string[];
  readonly json?: string;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError("It is a whole number, 0 or above.");
  return value;
}

function opName(text: string, before: readonly string[] = []): string[] {
  if (!SUBJECT_NAMES.includes(text)) throw new InvalidArgumentError(`It is one of ${SUBJECT_NAMES.join(", ")}.`);
  return [...before, text];
}

const sum = ({ calls, programs, findings }: Progress): string =>
  `${calls} calls, ${programs} programs: ${findings.length === 0 ? "no fault" : `${findings.length} faulty`}`;

function print({ subject, backend, problem, input }: Finding): void {
  console.log(`\n${subject} on ${backend}: ${problem}\n${input}`);
}

async function run({ seconds, seed, backend = DEFAULT, op = [], json }: Flags): Promise<void> {
  if (json !== undefined) await prepareFile(json);
  const devices: Record<string, Device> = {};
  for (const name of backend) devices[name] = await MAKERS[name]!();
  const reference = cpuJs();
  setDefaultDevice(reference);
  console.log(`Comparing ${backend.join(", ")} with float64 in JavaScript for ${seconds} s, seed ${seed}.`);
  let printed = 0;
  let shown = performance.now();
  const progress = await fuzz(
    { devices, reference },
    {
      seconds,
      seed,
      only: op,
      onProgress(progress) {
        for (const finding of progress.findings.slice(printed)) print(finding);
        printed = progress.findings.length;
        if (performance.now() - shown < 60_000) return;
        shown = performance.now();
        console.log(sum(progress));
      },
    },
  );
  console.log(`\n${sum(progress)}`);
  if (json !== undefined)
    await writeFile(json, `${JSON.stringify({ seed, backends: backend, ...progress }, null, 2)}\n`);
  for (const device of Object.values(devices)) await device.close();
  process.exitCode = progress.findings.length === 0 ? 0 : 1;
}

const program = new Command("fuzz")
  .description(
    "Random calls and programs, compared between backends and with float64. Exits with 1 when something differs.",
  )
  .option("--seconds <n>", "how long", wholeNumber, 60)
  .option("--seed <n>", "of all that is drawn", wholeNumber, 1)
  .addOption(
    new Option("--backend <name...>", `those to test (default: ${DEFAULT.join(", ")})`).choices(Object.keys(MAKERS)),
  )
  .option("--op <name>", 'only this op, or only "program"; may be given again', opName)
  .option("--json <file>", "write the findings there");

program.action(run);
await program.parseAsync();
