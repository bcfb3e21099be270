/**
 * Character language models of first names (Jiang §8.2.4): the same model with each recurrent cell, its perplexity on names it
 * has not seen, and names it makes up. All cells have one width, one learning rate and the same batches; these were chosen on
 * the validation names. The test names are measured once for each cell.
 *
 * Seed 1, perplexity of 30 characters on the test names: GRU 8.4, LSTM 8.6, HORNN of order 2 8.6, RNN 8.7. After so few steps the
 * cells are close to one another; most names they make up are new and can be spoken.
 */
import { inference } from "@neurite/autograd";
import { crossEntropy, fromHost, type Tensor } from "@neurite/core";
import { END, PADDING, START, Vocabulary } from "@neurite/data";
import { type CellName, RNNLanguageModel } from "@neurite/models";
import { Adam, cosineDecay } from "@neurite/optimizers";
import { loadNames } from "../data/text.js";
import type { Example } from "../example.js";
import { fit } from "../fit.js";
import { lineChart, type Series } from "../pictures/chart.js";

const CELLS: readonly CellName[] = ["rnn", "lstm", "gru", "hornn"];
const BATCH = 64;
const STEPS = 350;
/** Names that are kept for validation, and as many for the test. */
const UNSEEN = 500;
const LONGEST = 12;
const GENERATED = 14;

/** Tokens in and the tokens that follow them, padded, int32 [n, longest + 1]. */
function pairs(names: readonly string[], vocabulary: Vocabulary): { readonly x: Tensor; readonly y: Tensor } {
  const rows = names.map((name) => [START, ...vocabulary.encode([...name]), END]);
  const time = LONGEST + 1;
  const shift = (by: number) =>
    fromHost(
      Int32Array.from(rows.flatMap((row) => Array.from({ length: time }, (_, t) => row[t + by] ?? PADDING))),
      "int32",
      [rows.length, time],
    );
  return { x: shift(0), y: shift(1) };
}

export const rnnText: Example = async (run) => {
  const all = (await loadNames()).filter(({ length }) => length <= LONGEST);
  const names = run.generator.permutation(all.length);
  const shuffled = Array.from(names, (i) => all[i]!);
  const train = shuffled.slice(2 * UNSEEN);
  const known = new Set(all);
  const vocabulary = Vocabulary.build(all.map((name) => [...name]));
  const validation = pairs(shuffled.slice(0, UNSEEN), vocabulary);
  const test = pairs(shuffled.slice(UNSEEN, 2 * UNSEEN), vocabulary);
  const curves: Series[] = [];
  const perplexities: Record<string, number> = {};
  for (const [i, cell] of CELLS.entries()) {
    const batches = run.generator.fork(1); // the same for all
    const generator = run.generator.fork(2);
    const model = new RNNLanguageModel({
      tokens: vocabulary.size,
      cell,
      features: 32,
      hidden: 96,
      dropout: 0.1,
      generator,
    });
    const loss = ({ x, y }: typeof test) => crossEntropy(model.forward(x), y, { ignoreIndex: PADDING });
    const measure = inference(loss);
    const perplexity = async (names: typeof test) => Math.exp(await measure(names).item());
    const { measured } = await fit(run, {
      model,
      optimizer: new Adam(model.parameters(), {
        learningRate: cosineDecay({ rate: 6e-3, total: STEPS }),
        clipNorm: 1,
      }),
      loss: () =>
        loss(
          pairs(
            Array.from({ length: BATCH }, () => train[batches.integer(train.length)]!),
            vocabulary,
          ),
        ),
      steps: STEPS,
      points: 14,
      before: i * STEPS,
      total: CELLS.length * STEPS,
      evaluate: () => perplexity(validation),
    });
    curves.push({ name: cell, points: measured });
    perplexities[cell] = await perplexity(test);
    const prompt = fromHost(new Int32Array(GENERATED).fill(START), "int32", [GENERATED, 1]);
    const options = { steps: LONGEST + 4, temperature: 0.8, end: END, generator };
    const made = (await model.generate(prompt, options)).map((tokens) => vocabulary.decode(tokens).join(""));
    prompt.dispose();
    run.say(`${cell}: perplexity ${perplexities[cell].toFixed(2)}`);
    run.say(`    ${made.map((name) => (known.has(name) ? name : `${name}*`)).join(" ")}`);
  }
  run.say("    (* not in the list)");
  for (const tensor of [validation, test].flatMap(({ x, y }) => [x, y])) tensor.dispose();
  run.picture("curves", lineChart(curves, { title: "Validation names", x: "step", y: "perplexity by character" }));
  const ranked = CELLS.toSorted((a, b) => perplexities[a]! - perplexities[b]!);
  const told = ranked.map((cell) => `${cell} ${perplexities[cell]!.toFixed(2)}`).join(", ");
  run.conclude(`Perplexity by letter on unseen names, of ${vocabulary.size} characters: ${told}.`);
  return Object.fromEntries(CELLS.map((cell) => [`${cell}Perplexity`, perplexities[cell]!]));
};
