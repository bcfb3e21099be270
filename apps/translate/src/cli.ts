/** The command line: train, translate, evaluate, and demo, which is all of them. */
import { writeFile } from "node:fs/promises";
import { isNeuriteError, ValueError } from "@neurite/core";
import type { Vocabulary } from "@neurite/data";
import { prepareFile } from "@neurite/io/node";
import { Interrupted, interruptible } from "@neurite/training/node";
import { Command, InvalidArgumentError } from "commander";
import { BACKEND_NAMES, DEFAULT_BACKEND, useBackend } from "./backends.js";
import { type Evaluation, evaluate, evaluateShort, isExact, meanLoss, type Sample, translate } from "./evaluate.js";
import { detokenize, digitsIn, LARGEST, normalize, pairOf, tokenize } from "./numbers.js";
import { DEFAULTS, type RunOptions, type Task } from "./task.js";
import { load, savedOptions, train } from "./train.js";

const FOLDER = "runs/translate";

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError("Expected an integer, 0 or above.");
  return value;
}

function positive(text: string): number {
  const value = count(text);
  if (value === 0) throw new InvalidArgumentError("Expected an integer above 0.");
  return value;
}

function upToThousand(text: string): number {
  const value = positive(text);
  if (value > 1000) throw new InvalidArgumentError("There are 1000 unseen numbers.");
  return value;
}

function even(text: string): number {
  const value = positive(text);
  if (value % 2 === 1)
    throw new InvalidArgumentError("Expected an even integer: the encoder has half in each direction.");
  return value;
}

interface TrainFlags {
  readonly seed?: number;
  readonly steps?: number;
  readonly features?: number;
  readonly batchSize?: number;
  readonly backend: string;
  readonly out?: string;
  readonly resume?: string;
  readonly checkpointEvery?: number;
  readonly json?: string;
}

function trainCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option("--seed <n>", `random numbers to start from (default: ${DEFAULTS.seed})`, count)
    .option("--steps <n>", `training steps in all, also when resuming (default: ${DEFAULTS.steps})`, positive)
    .option("--features <n>", `width of the network, even (default: ${DEFAULTS.features})`, even)
    .option("--batch-size <n>", `sentences in a step (default: ${DEFAULTS.batchSize})`, positive)
    .option("--backend <name>", `one of ${BACKEND_NAMES.join(", ")}`, DEFAULT_BACKEND)
    .option("--out <dir>", `folder for the checkpoint and the curves (default: ${FOLDER})`)
    .option("--resume <dir>", "continue the run in this folder")
    .option("--checkpoint-every <n>", "steps from one checkpoint to the next", positive)
    .option("--json <file>", "write the results there");
}

/** Options of the run: those given, else those of the run that is resumed, else the defaults. */
async function runOptions(flags: TrainFlags): Promise<RunOptions> {
  const saved = flags.resume === undefined ? null : await savedOptions(flags.resume);
  if (flags.resume !== undefined && !saved) console.log(`No checkpoint in ${flags.resume} yet: starting from step 0.`);
  const base = saved ?? DEFAULTS;
  const { seed = base.seed, features = base.features, batchSize = base.batchSize, steps = base.steps } = flags;
  for (const [name, given] of Object.entries({ seed, features, batchSize })) {
    const before = base[name as keyof RunOptions];
    if (!saved || given === before) continue;
    throw new ValueError({
      op: "train",
      argument: name,
      expected: `${before}, as in the run that is resumed`,
      received: String(given),
      remedy: "Leave it out, or start a new run.",
    });
  }
  return { ...base, seed, features, batchSize, steps };
}

async function runTraining(flags: TrainFlags, samples: number): Promise<void> {
  const started = performance.now();
  if (flags.json !== undefined) await prepareFile(flags.json);
  if (flags.resume !== undefined && flags.out !== undefined) {
    throw new ValueError({
      op: "train",
      argument: "--out",
      expected: "to be left out with --resume",
      received: flags.out,
      remedy: "A resumed run goes on in its own folder.",
    });
  }
  const options = await runOptions(flags);
  const folder = flags.resume ?? flags.out ?? FOLDER;
  const device = await useBackend(flags.backend);
  console.log(`Training English → French number words on ${device.name}, ${options.steps} steps.`);
  const { task, fit } = await interruptible((signal) =>
    train({ options, folder, resume: flags.resume !== undefined, checkpointEvery: flags.checkpointEvery, signal }),
  ).catch((error: unknown) => {
    if (error instanceof Interrupted) console.error(`Go on with: npm run demo -- train --resume ${folder}`);
    throw error;
  });
  const { corpus, model } = task;
  const result = await evaluate(task, corpus.test);
  const short = await evaluateShort(task);
  const shown = result.samples.slice(0, samples);
  for (const sample of shown) printSample(sample);
  const devLoss = await meanLoss(task, corpus.development);
  const parameters = Object.values(model.parameters()).reduce((n, parameter) => n + parameter.size, 0);
  const seconds = fit.seconds;
  const totalSeconds = (performance.now() - started) / 1000;
  console.log(
    `\n${parameters} parameters, ${fit.steps} steps in ${seconds.toFixed(1)} s; ${corpus.test.length} unseen numbers:`,
  );
  printEvaluation(result, short);
  const curves = fit.curves.points.length > 0 ? `, learning curves: ${folder}/curves.svg` : "";
  console.log(`Checkpoint: ${folder}/checkpoint.safetensors${curves}`);
  await writeJSON(flags.json, {
    backend: device.name,
    parameters,
    steps: fit.steps,
    seconds,
    totalSeconds,
    trainLoss: fit.objective,
    devLoss,
    exactMatch: result.exactMatch,
    exactMatchByDigits: result.exactMatchByDigits,
    bleu: result.bleu,
    short,
    samples: shown,
  });
}

function printSample(sample: Sample): void {
  const { source, target, output } = sample;
  console.log(`\n  ${source}\n  ${isExact(sample) ? "=" : "≠"} ${output}`);
  if (!isExact(sample)) console.log(`    expected: ${target}`);
}

/** Wrong ones of 0 … 9,999 that are printed. */
const MOST_WRONG = 5;

function printEvaluation(
  { exactMatch, exactMatchByDigits, bleu }: Evaluation,
  { all, unseen }: Awaited<ReturnType<typeof evaluateShort>>,
): void {
  console.log(`exact match ${exactMatch.toFixed(4)}, BLEU ${bleu.toFixed(2)}`);
  const lengths = Object.entries(exactMatchByDigits).map(([digits, share]) => `${digits}: ${share.toFixed(4)}`);
  console.log(`  by number of digits   ${lengths.join("   ")}`);
  console.log(`all of 0 … ${all.numbers - 1}: exact match ${all.exactMatch.toFixed(4)}`);
  console.log(`  the ${unseen.numbers} unseen of them: ${unseen.exactMatch.toFixed(4)}`);
  for (const { number, output } of all.wrong.slice(0, MOST_WRONG)) console.log(`  ${number} ≠ ${output}`);
  if (all.wrong.length > MOST_WRONG) console.log(`  … ${all.wrong.length - MOST_WRONG} more (--json lists them)`);
}

async function writeJSON(file: string | undefined, value: unknown): Promise<void> {
  if (file !== undefined) await writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** Number words as they are, digits as the words of their number. */
function readInput(text: string, { source }: Task): string[] {
  const number = digitsIn(text);
  if (number === null) return knownWords(text, source);
  if (number <= LARGEST) return [...pairOf(number).source];
  throw new ValueError({
    op: "translate",
    argument: "number",
    expected: `0 to ${LARGEST}`,
    received: text,
  });
}

/** The tokens of a text. @throws ValueError naming a word that the network has never seen */
function knownWords(text: string, vocabulary: Vocabulary): string[] {
  const tokens = tokenize(normalize(text));
  const unknown = tokens.find((token) => !vocabulary.tokens.includes(token));
  const empty = tokens.every((token) => token === "-");
  if (!empty && unknown === undefined) return tokens;
  throw new ValueError({
    op: "translate",
    argument: "text",
    expected: `English number words, or digits (0 to ${LARGEST})`,
    received: empty ? "nothing" : unknown === text ? `"${text}"` : `"${text}" ("${unknown}" is unknown)`,
    remedy: 'For example: "three hundred twenty-one", or 321.',
  });
}

const demo = trainCommand("demo", "train, then translate numbers the network never saw").action((flags: TrainFlags) =>
  runTraining(flags, 10),
);

const trainOnly = trainCommand("train", "train, and measure on unseen numbers").action((flags: TrainFlags) =>
  runTraining(flags, 0),
);

const translateCommand = new Command("translate")
  .description("translate numbers, as digits or English words")
  .argument("<text...>", 'e.g. 4711 "three hundred"')
  .option("--model <dir>", "folder of the trained run", FOLDER)
  .option("--backend <name>", `one of ${BACKEND_NAMES.join(", ")}`, DEFAULT_BACKEND)
  .action(async (texts: string[], { model, backend }: { model: string; backend: string }) => {
    await useBackend(backend);
    const task = await load(model);
    const sentences = texts.map((text) => readInput(text, task));
    const outputs = await translate(task, sentences);
    outputs.forEach((output, i) => {
      console.log(`${detokenize(sentences[i]!)}\n  → ${detokenize(output)}`);
    });
  });

const evaluateCommand = new Command("evaluate")
  .description("exact match and BLEU on unseen numbers")
  .option("--model <dir>", "folder of the trained run", FOLDER)
  .option("--backend <name>", `one of ${BACKEND_NAMES.join(", ")}`, DEFAULT_BACKEND)
  .option("--count <n>", "unseen numbers to translate, at most 1000", upToThousand, 1000)
  .option("--json <file>", "write the results there")
  .action(async (flags: { model: string; backend: string; count: number; json?: string }) => {
    if (flags.json !== undefined) await prepareFile(flags.json);
    const device = await useBackend(flags.backend);
    const task = await load(flags.model);
    const pairs = task.corpus.test.slice(0, flags.count);
    const result = await evaluate(task, pairs);
    const short = await evaluateShort(task);
    console.log(`${pairs.length} unseen numbers:`);
    printEvaluation(result, short);
    const devLoss = await meanLoss(task, task.corpus.development);
    const samples = result.samples.slice(0, 10);
    await writeJSON(flags.json, { backend: device.name, devLoss, ...result, short, samples });
  });

const program = new Command("translate")
  .description("An encoder–decoder that learns to translate English number words to French ones.")
  .addCommand(demo, { isDefault: true })
  .addCommand(trainOnly)
  .addCommand(translateCommand)
  .addCommand(evaluateCommand)
  .addHelpText("after", () => `\nWithout a command, demo runs:\n\n${demo.helpInformation()}`);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof Interrupted) {
    console.error(`Stopped: ${error.message}.`);
    process.exit(error.exitCode);
  }
  if (!isNeuriteError(error)) throw error;
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
}
