/**
 * Question answering (Jiang §8.5.1): from a fact and a question about it the answer is written word by word, by a GRU
 * encoder–decoder with attention. It is asked about facts whose combinations of person, thing and recipient it has not met.
 *
 * Of these combinations 60 % are for training, 20 % for validation and 20 % for the test. The learning rate and the number of
 * steps were chosen on the validation facts; the test facts are asked about once, at the end.
 *
 * Seed 1: all 600 test answers exact, as are the validation answers from step 100 on.
 */
import { inference } from "@neurite/autograd";
import type { Generator, Tensor } from "@neurite/core";
import { START, Vocabulary } from "@neurite/data";
import { greedySearch, RecurrentEncoderDecoder } from "@neurite/models";
import { Adam, cosineDecay, warmup } from "@neurite/optimizers";
import { type Example, percent } from "../example.js";
import { fit } from "../fit.js";
import { beside, heatmap, lineChart } from "../pictures/chart.js";
import { attentionOf, batchOf, type Pair, sourcesOf } from "../sequences.js";

const PEOPLE = ["ahab", "ishmael", "queequeg", "starbuck", "stubb", "flask", "pip", "tashtego", "daggoo", "elijah"];
const VERBS = ["gave", "sold", "lent", "showed"];
const PARTICIPLES = ["given", "sold", "lent", "shown"];
const COLORS = ["red", "green", "black", "white", "golden", "rusty"];
const THINGS = ["harpoon", "lamp", "coin", "map", "barrel", "rope", "knife", "pipe"];
const PLACES = ["cabin", "harbor", "chapel", "inn", "galley", "boat"];

const BATCH = 64;
const STEPS = 300;
/** Questions of the validation and of the test. */
const UNSEEN = 600;
/** Shares of the combinations. */
const SHARES = { validation: 0.2, test: 0.2 };
const LONGEST = 10;
const SHOWN = 8;

/** Who did what with which thing, to whom, and where. */
interface Fact {
  readonly who: string;
  readonly verb: string;
  readonly color: string;
  readonly thing: string;
  readonly whom: string;
  readonly place: string;
}

type Question = (fact: Fact) => readonly [question: string, answer: string];

const QUESTIONS: readonly Question[] = [
  ({ thing, verb, who, whom }) => [`who ${verb} the ${thing} to ${whom} ?`, `${who} did`],
  ({ thing, verb, who, whom }) => [
    `to whom was the ${thing} ${PARTICIPLES[VERBS.indexOf(verb)]} by ${who} ?`,
    `to ${whom}`,
  ],
  ({ thing, color }) => [`what color is the ${thing} ?`, `the ${thing} is ${color}`],
  ({ who, place }) => [`where was ${who} ?`, `${who} was in the ${place}`],
  ({ whom, place }) => [`where was ${whom} ?`, `${whom} was in the ${place}`],
  ({ who, whom, verb, color, thing }) => [`what did ${who} do ?`, `he ${verb} a ${color} ${thing} to ${whom}`],
];

const words = (text: string) => text.split(" ");

type Part = "train" | keyof typeof SHARES;

/** A fact and a question of one of the parts. */
function draw(generator: Generator, part: Part): Pair & { readonly kind: number } {
  const any = (list: readonly string[]) => list[generator.integer(list.length)]!;
  for (;;) {
    const [who, whom, thing] = [any(PEOPLE), any(PEOPLE), any(THINGS)];
    if (who === whom || partOf(who, whom, thing) !== part) continue;
    const fact: Fact = { who, whom, thing, verb: any(VERBS), color: any(COLORS), place: any(PLACES) };
    const kind = generator.integer(QUESTIONS.length);
    const [question, answer] = QUESTIONS[kind]!(fact);
    const said = `in the ${fact.place} ${who} ${fact.verb} a ${fact.color} ${thing} to ${whom} . ${question}`;
    return { source: words(said), target: words(answer), kind };
  }
}

/** Where a combination belongs, whatever the seed. */
function partOf(who: string, whom: string, thing: string): Part {
  const number = (PEOPLE.indexOf(who) * PEOPLE.length + PEOPLE.indexOf(whom)) * THINGS.length + THINGS.indexOf(thing);
  const place = ((number * 7919) % 100) / 100;
  if (place < SHARES.validation) return "validation";
  return place < SHARES.validation + SHARES.test ? "test" : "train";
}

const isRight = ({ target }: Pair, answer: readonly string[]) => answer.join(" ") === target.join(" ");

export const questionAnswering: Example = async (run) => {
  const { generator } = run;
  const [validation, unseen] = (["validation", "test"] as const).map((part) =>
    Array.from({ length: UNSEEN }, () => draw(generator, part)),
  ) as [ReturnType<typeof draw>[], ReturnType<typeof draw>[]];
  const all = Array.from({ length: 5000 }, () => draw(generator, "train"));
  const languages = {
    source: Vocabulary.build(all.map(({ source }) => source)),
    target: Vocabulary.build(all.map(({ target }) => target)),
  };
  const model = new RecurrentEncoderDecoder({
    sourceTokens: languages.source.size,
    targetTokens: languages.target.size,
    cell: "gru",
    attention: "scaledDot",
    features: 64,
    hidden: 128,
    generator,
  });
  const search = inference((source: Tensor) =>
    greedySearch(model, model.encode(source), { start: START, steps: LONGEST }),
  );
  const answersTo = async (pairs: readonly Pair[]) => {
    const source = sourcesOf(pairs, languages.source);
    const tokens = await search(source).data();
    source.dispose();
    return pairs.map((_, i) => languages.target.decode(tokens.subarray(i * LONGEST, (i + 1) * LONGEST)));
  };
  const exactMatch = (pairs: readonly Pair[], answers: readonly (readonly string[])[]) =>
    pairs.filter((pair, i) => isRight(pair, answers[i]!)).length / pairs.length;
  const { measured } = await fit(run, {
    model,
    optimizer: new Adam(model.parameters(), {
      learningRate: warmup(30, cosineDecay({ rate: 6e-3, total: STEPS - 30 })),
      clipNorm: 1,
    }),
    loss: () =>
      model.loss(
        ...batchOf(
          Array.from({ length: BATCH }, () => draw(generator, "train")),
          languages,
        ),
      ),
    steps: STEPS,
    points: 16,
    evaluate: async () => exactMatch(validation, await answersTo(validation)),
  });
  run.picture(
    "curve",
    lineChart([{ name: "validation facts", points: measured }], {
      title: "Exact answers about unseen facts",
      x: "step",
      y: "share of the answers",
    }),
  );
  const answers = await answersTo(unseen);
  for (const [i, pair] of unseen.slice(0, SHOWN).entries()) {
    const remark = isRight(pair, answers[i]!) ? "" : ` (right: ${pair.target.join(" ")})`;
    run.say(`${pair.source.join(" ")} → ${answers[i]!.join(" ")}${remark}`);
  }
  const maps: string[] = [];
  for (const kind of [QUESTIONS.length - 1, 3]) {
    const shown = unseen.find((pair) => pair.kind === kind)!;
    const { weights, written } = await attentionOf(model, shown, languages);
    maps.push(
      heatmap(weights, {
        title: "What the answer looks at",
        x: "fact and question",
        y: "answer",
        columns: shown.source,
        rows: written,
        cell: 26,
      }),
    );
  }
  run.picture("attention", beside(maps, 1));
  const testExactMatch = exactMatch(unseen, answers);
  run.conclude(
    `Of ${UNSEEN} questions about combinations it had not met, it answers ${percent(testExactMatch)} exactly, word by word.`,
  );
  return { validationExactMatch: measured.at(-1)![1], testExactMatch, testQuestions: UNSEEN };
};
