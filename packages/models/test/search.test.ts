import { cpuJs } from "@neurite/backend-cpu-js";
import { type Device, Generator, scope, setDefaultDevice, slice, type Tensor, tensor, zeros } from "@neurite/core";
import { beforeEach, describe, expect, it } from "vitest";
import {
  beamSearch,
  type Decoder,
  type EncoderDecoder,
  greedySearch,
  type Hypothesis,
  RecurrentEncoderDecoder,
  RNNLanguageModel,
  sample,
  TransformerEncoderDecoder,
  TransformerLanguageModel,
  Translator,
} from "../src/index.js";
import { distance, float64, values } from "./describe-model.js";

let device: Device;
beforeEach(() => {
  // what other tests dropped comes back at times of its own
  device = cpuJs();
  setDefaultDevice(device);
});

/** What a promise is rejected with. */
const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable("it was fulfilled"),
    (error: unknown) => error,
  );

const [START, END, VOCABULARY] = [1, 2, 5];
const rowsOf = (rows: readonly (readonly number[])[]) =>
  tensor(Int32Array.from(rows.flat()), { shape: [rows.length, rows[0]!.length] });

type Model = { forward(source: Tensor, targetIn: Tensor): Tensor };
interface Case {
  readonly name: string;
  readonly make: (seed: number) => { readonly model: Model; readonly decoder: EncoderDecoder };
}

const sizes = { sourceTokens: 7, targetTokens: VOCABULARY };
const cases: readonly Case[] = [
  ...(["rnn", "gru", "lstm", "hornn"] as const).map((cell, i) => ({
    name: cell,
    make: (seed: number) => {
      const attention = (["bilinear", "additive", "dot", null] as const)[i]!;
      const options = { ...sizes, cell, features: 6, layers: 1 + (i % 2), attention, ...float64(seed) };
      const model = new RecurrentEncoderDecoder(options);
      return { model, decoder: model as EncoderDecoder };
    },
  })),
  {
    name: "transformer",
    make: (seed) => {
      const shape = { features: 8, heads: 2, encoderLayers: 1, decoderLayers: 2, feedForward: 8 };
      const model = new TransformerEncoderDecoder({ ...sizes, ...shape, ...float64(seed) }).eval();
      return { model, decoder: model as EncoderDecoder };
    },
  },
  {
    name: "Translator",
    make: (seed) => {
      const model = new Translator({ ...sizes, features: 6, ...float64(seed) });
      return { model, decoder: model.writer() as EncoderDecoder };
    },
  },
];

const SOURCES = [
  [4, 5, 6],
  [3, 6, 0],
  [6, 6, 6],
];

/** log p of each next token after `prefix`, by teacher forcing. */
function nextLogP(model: Model, source: readonly number[], prefix: readonly number[]): number[] {
  return scope(() => {
    const logits = model.forward(rowsOf([source]), rowsOf([[START, ...prefix]]));
    const last = values(slice(logits, [0, -1]));
    const top = Math.max(...last);
    const norm = top + Math.log(last.reduce((sum, value) => sum + Math.exp(value - top), 0));
    return last.map((value) => value - norm) as never;
  }) as number[];
}

/** Every sequence that ends or has the greatest length, best first. */
function exhaustive(model: Model, source: readonly number[], maxLength: number, penalty: number): Hypothesis[] {
  const found: Hypothesis[] = [];
  const visit = (tokens: number[], logProbability: number): void => {
    nextLogP(model, source, tokens).forEach((logP, token) => {
      const [length, sum] = [tokens.length + 1, logProbability + logP];
      const ended = token === END;
      if (!ended && length < maxLength) {
        visit([...tokens, token], sum);
        return;
      }
      const score = sum / ((5 + length) / 6) ** penalty;
      found.push({ tokens: ended ? tokens : [...tokens, token], logProbability: sum, score, ended });
    });
  };
  visit([], 0);
  return found.sort((a, b) => b.score - a.score);
}

describe.each(cases)("searches over $name", ({ make }) => {
  it("steps to the logits of teacher forcing", () => {
    const { model, decoder } = make(3);
    const source = rowsOf(SOURCES);
    const target = [
      [1, 3, 4],
      [1, 4, 4],
      [1, 0, 3],
    ];
    const expected = model.forward(source, rowsOf(target));
    const encoded = decoder.encode(source);
    let state = decoder.start(encoded);
    for (let t = 0; t < 3; t++) {
      state = decoder.step(tensor(Int32Array.from(target, (row) => row[t]!)), state, encoded);
      expect(distance(values(decoder.logits(state)), values(slice(expected, [null, t])))).toBeLessThan(1e-12);
    }
  });

  it("finds with a wide beam what an exhaustive search finds, short or long", async () => {
    const { model, decoder } = make(4);
    for (const lengthPenalty of [0, 1]) {
      const options = { start: START, end: END, maxLength: 3, beams: 100, best: 6, lengthPenalty };
      const found = await beamSearch(decoder, decoder.encode(rowsOf(SOURCES)), options);
      expect(found.length).toBe(3);
      SOURCES.forEach((source, i) => {
        const expected = exhaustive(model, source, 3, lengthPenalty).slice(0, 6);
        expect(found[i]!.map(({ tokens, ended }) => [tokens, ended])).toEqual(
          expected.map(({ tokens, ended }) => [tokens, ended]),
        );
        found[i]!.forEach(({ score, logProbability }, k) => {
          expect(score).toBeCloseTo(expected[k]!.score, 10);
          expect(logProbability).toBeCloseTo(expected[k]!.logProbability, 10);
        });
      });
    }
  });

  it("is greedy search with one beam, and treats sources alone", async () => {
    for (const seed of [5, 6, 7]) {
      const { decoder } = make(seed);
      const written = values(greedySearch(decoder, decoder.encode(rowsOf(SOURCES)), { start: START, steps: 6 }));
      const options = { start: START, end: END, maxLength: 6 };
      const found = await beamSearch(decoder, decoder.encode(rowsOf(SOURCES)), { ...options, beams: 1 });
      found.forEach(([best], i) => {
        const row = written.slice(6 * i, 6 * i + 6);
        expect(best!.tokens).toEqual(row.includes(END) ? row.slice(0, row.indexOf(END)) : row);
      });
      const together = await beamSearch(decoder, decoder.encode(rowsOf(SOURCES)), { ...options, beams: 3, best: 3 });
      for (const [i, source] of SOURCES.entries()) {
        const [alone] = await beamSearch(decoder, decoder.encode(rowsOf([source])), { ...options, beams: 3, best: 3 });
        expect(alone!.map(({ tokens }) => tokens)).toEqual(together[i]!.map(({ tokens }) => tokens));
        alone!.forEach(({ score }, k) => void expect(score).toBeCloseTo(together[i]![k]!.score, 10));
      }
    }
  });

  it("leaves nothing behind but what was encoded", async () => {
    const { decoder } = make(5);
    const encoded = scope(() => decoder.encode(rowsOf(SOURCES)) as never) as unknown;
    const before = device.memory().storages;
    await beamSearch(decoder, encoded, { start: START, end: END, maxLength: 4, beams: 3 });
    await sample(decoder, encoded, { start: START, steps: 4, end: END });
    expect(device.memory().storages).toBe(before);
  });
});

/** Writes from a table: the scores after each token, whatever came before. */
class Table implements Decoder<Tensor, { readonly last: Tensor }> {
  constructor(readonly scores: readonly (readonly number[])[]) {}
  start(rows: Tensor) {
    return { last: rows };
  }
  step(tokens: Tensor) {
    return { last: tokens };
  }
  logits({ last }: { last: Tensor }) {
    const rows = Array.from(last.dataSync(), (token) => this.scores[token]!);
    return tensor(
      rows.map((row) => [...row]),
      { dtype: "float64" },
    );
  }
}

it("leaves nothing behind when the decoder throws at a later step", async () => {
  const made = cases[0]!.make(3).decoder;
  const failing = (): EncoderDecoder => {
    let steps = 0;
    return {
      encode: (source) => made.encode(source),
      start: (encoded) => made.start(encoded),
      logits: (state) => made.logits(state),
      step(token, state, encoded) {
        if (++steps === 3) throw new Error("no further");
        return made.step(token, state, encoded);
      },
    };
  };
  const source = rowsOf([[3, 4, 5]]);
  const encoded = scope(() => made.encode(source) as never) as unknown;
  const before = device.memory().storages;
  await expect(sample(failing(), encoded, { start: START, steps: 5 })).rejects.toThrow("no further");
  await expect(beamSearch(failing(), encoded, { start: START, end: END, maxLength: 5, beams: 2 })).rejects.toThrow(
    "no further",
  );
  expect(device.memory().storages).toBe(before);
});

it("ends between two tokens when it is told to, with nothing left behind", async () => {
  const decoder = cases[0]!.make(3).decoder;
  const source = rowsOf([[3, 4, 5]]);
  const encoded = scope(() => decoder.encode(source) as never) as unknown;
  const before = device.memory().storages;
  const stopping = (stop: () => void): EncoderDecoder => {
    let steps = 0;
    return {
      encode: (tokens) => decoder.encode(tokens),
      start: (given) => decoder.start(given),
      logits: (state) => decoder.logits(state),
      step(token, state, given) {
        if (++steps === 3) stop();
        expect(steps).toBeLessThan(4);
        return decoder.step(token, state, given);
      },
    };
  };
  for (const search of [
    (signal: AbortSignal, stop: () => void) => sample(stopping(stop), encoded, { start: START, steps: 50, signal }),
    (signal: AbortSignal, stop: () => void) =>
      beamSearch(stopping(stop), encoded, { start: START, end: END, maxLength: 50, beams: 2, signal }),
  ]) {
    const controller = new AbortController();
    expect(await errorOf(search(controller.signal, () => controller.abort()))).toBe(controller.signal.reason);
    expect(device.memory().storages).toBe(before);
  }
});

it("generate is stopped by a timer", async () => {
  const model = new RNNLanguageModel({ tokens: VOCABULARY, cell: "gru", features: 4, hidden: 4 }).eval();
  const signal = AbortSignal.timeout(100);
  expect(await errorOf(model.generate(rowsOf([[1, 2]]), { steps: 10_000_000, signal }))).toBe(signal.reason);
});

describe("beamSearch", () => {
  const log = Math.log;
  // after 0: 1 or 2 or the end 3; after 1 anything; after 2 the end for sure
  const table = new Table([
    [-50, log(0.6), log(0.3), log(0.1)],
    [log(0.4), log(0.3), -50, log(0.3)],
    [-50, -50, -50, 0],
    [0, 0, 0, 0],
  ]);
  const one = () => zeros([1], { dtype: "int32" });

  it("finds by hand a sequence that greedy search misses", async () => {
    const greedy = values(greedySearch(table, one(), { start: 0, steps: 2 }));
    expect(greedy).toEqual([1, 0]);
    const [found] = await beamSearch(table, one(), { start: 0, end: 3, maxLength: 2, beams: 2, best: 2 });
    expect(found!.map(({ tokens, ended }) => [tokens, ended])).toEqual([
      [[2], true],
      [[1, 0], false],
    ]);
    expect(found![0]!.logProbability).toBeCloseTo(log(0.3), 10);
    expect(found![1]!.logProbability).toBeCloseTo(log(0.24), 10);
  });

  it("ranks by the length penalty of Wu et al.", async () => {
    const options = { start: 0, end: 3, maxLength: 3, beams: 30, best: 4 };
    const [short] = await beamSearch(table, one(), options);
    const [long] = await beamSearch(table, one(), { ...options, lengthPenalty: 5 });
    expect(short![0]!.tokens).toEqual([2]);
    expect(long![0]!.tokens.length).toBeGreaterThan(1);
    for (const { tokens, ended, logProbability, score } of long!) {
      expect(score).toBeCloseTo(logProbability / ((5 + tokens.length + Number(ended)) / 6) ** 5, 10);
    }
  });

  it("takes a start token for each row", async () => {
    const rows = zeros([2], { dtype: "int32" });
    const start = tensor(Int32Array.of(0, 2));
    const found = await beamSearch(table, rows, { start, end: 3, maxLength: 2, beams: 1 });
    expect(found.map(([best]) => best!.tokens)).toEqual([[1, 0], []]);
    expect(start.disposed).toBe(false);
  });

  it("refuses options that make no sense", async () => {
    const options = { start: 0, end: 3, maxLength: 2 };
    await expect(beamSearch(table, one(), { ...options, beams: 0 })).rejects.toThrow(/beams expects an integer from 1/);
    await expect(beamSearch(table, one(), { ...options, beams: 2, best: 3 })).rejects.toThrow(
      /best expects an integer from 1 to the 2 beams, but received 3/,
    );
    await expect(beamSearch(table, one(), { ...options, maxLength: 1.5 })).rejects.toThrow(/maxLength expects/);
    const wrong = { ...options, start: tensor(Int32Array.of(1, 2)) };
    await expect(beamSearch(table, one(), wrong)).rejects.toThrow(/start expects \[1\], but received \[2\]/);
    expect(() => greedySearch(table, one(), { start: 0, steps: 0 })).toThrow(/steps expects a positive integer/);
    const empty = Object.assign(Object.create(table), { start: () => ({}) }) as Decoder<
      Tensor,
      { readonly last: Tensor }
    >;
    expect(() => greedySearch(empty, one(), { start: 0, steps: 1 })).toThrow(/state expects tensors/);
  });
});

describe("sample", () => {
  const table = new Table([
    [log4(0.5), log4(0.3), log4(0.2), -50],
    [9, 0, 0, 0],
    [0, 0, 0, 9],
    [0, 0, 0, 0],
  ]);
  const many = 4000;
  const rows = () => zeros([many], { dtype: "int32" });
  const shares = (drawn: readonly (readonly number[])[]) =>
    [0, 1, 2].map((token) => drawn.filter(([first]) => first === token).length / many);
  const draw = (options: { temperature?: number; topK?: number }) =>
    sample(table, rows(), { start: 0, steps: 1, generator: new Generator(3), ...options });

  it("draws as often as the model says", async () => {
    // three standard deviations of a share are at most 3·√(¼/4000) = 0.024
    const close = (actual: readonly number[], expected: readonly number[]) =>
      actual.forEach((share, i) => void expect(Math.abs(share - expected[i]!)).toBeLessThan(0.024));
    close(shares(await draw({})), [0.5, 0.3, 0.2]);
    close(shares(await draw({ topK: 2 })), [0.625, 0.375, 0]);
    const cold = [0.25, 0.09, 0.04].map((weight) => weight / 0.38);
    close(shares(await draw({ temperature: 0.5 })), cold);
    expect(shares(await draw({ topK: 2 }))[2]).toBe(0);
    expect(shares(await draw({ topK: 1 }))).toEqual([1, 0, 0]);
    expect(shares(await draw({ temperature: 0 }))).toEqual([1, 0, 0]);
  });

  it("draws the same from the same seed, and stops at the end mark", async () => {
    expect(await draw({})).toEqual(await draw({}));
    const start = tensor(Int32Array.of(2, 1));
    const generator = new Generator(1);
    const two = zeros([2], { dtype: "int32" });
    const written = await sample(table, two, { start, steps: 3, end: 3, temperature: 0, generator });
    expect(written).toEqual([[], [0, 0, 0]]);
    expect(generator.state().counter).toBe(0);
  });

  it("refuses options that make no sense", async () => {
    const one = zeros([1], { dtype: "int32" });
    await expect(draw({ temperature: -1 })).rejects.toThrow(
      /temperature expects a finite number, 0 or above, but received -1/,
    );
    await expect(draw({ topK: 0 })).rejects.toThrow(/topK expects a positive integer/);
    await expect(sample(table, one, { start: 0, steps: 0 })).rejects.toThrow(/steps expects a positive integer/);
  });
});

describe.each([
  ...(["rnn", "gru", "lstm", "hornn"] as const).map((cell) => ({
    name: cell,
    model: () => new RNNLanguageModel({ tokens: 6, cell, features: 8, layers: 2, ...float64(5) }),
  })),
  ...(["sinusoidal", "learned"] as const).map((positions) => ({
    name: `transformer with ${positions} positions`,
    model: () =>
      new TransformerLanguageModel({ tokens: 6, features: 8, heads: 2, layers: 2, positions, ...float64(5) }).eval(),
  })),
])("a language model, $name", ({ model }) => {
  const prompts = [
    [1, 4, 2],
    [5, 3, 3],
  ];

  it("continues with what the whole sequence makes likeliest, from a prompt of any length", async () => {
    const net = model();
    for (const given of [prompts, prompts.map(([first]) => [first!])]) {
      const written = await net.generate(rowsOf(given), { steps: 5, temperature: 0 });
      let sequences = given;
      for (let t = 0; t < 5; t++) {
        const logits = values(slice(net.forward(rowsOf(sequences)), [null, -1]));
        sequences = sequences.map((row, i) => {
          const scores = logits.slice(6 * i, 6 * i + 6);
          return [...row, scores.indexOf(Math.max(...scores))];
        });
      }
      expect(written).toEqual(sequences.map((row) => row.slice(-5)));
    }
  });

  it("steps to the logits of the whole sequence", () => {
    const net = model() as unknown as EncoderDecoder & { forward(tokens: Tensor): Tensor };
    const tokens = [[1, 4, 2, 5, 0, 3]];
    const expected = net.forward(rowsOf(tokens));
    let state = net.encode(rowsOf([[1, 4, 2]]));
    for (const t of [2, 3, 4, 5]) {
      state = net.step(tensor(Int32Array.of(tokens[0]![t]!)), state, state);
      expect(distance(values(net.logits(state)), values(slice(expected, [null, t])))).toBeLessThan(1e-12);
    }
  });

  it("writes the same from the same seed and leaves nothing behind", async () => {
    const net = model();
    const prompt = rowsOf(prompts);
    const before = device.memory().storages;
    const write = (seed: number) => net.generate(prompt, { steps: 12, topK: 4, generator: new Generator(seed) });
    const first = await write(1);
    expect(first.map((row) => row.length)).toEqual([12, 12]);
    expect(await write(1)).toEqual(first);
    expect(await write(2)).not.toEqual(first);
    expect(device.memory().storages).toBe(before);
    await expect(net.generate(zeros([1, 0], { dtype: "int32" }), { steps: 2 })).rejects.toThrow(/at least one step/);
  });
});

describe("RNNLanguageModel", () => {
  it("carries its state over parts of a sequence", () => {
    const net = new RNNLanguageModel({ tokens: 6, cell: "hornn", features: 8, ...float64(5) });
    const whole = net.forward(rowsOf([[1, 2, 3, 4, 5]]));
    const first = net.run(rowsOf([[1, 2]]));
    const second = net.run(rowsOf([[3, 4, 5]]), { state: first.state });
    const parts = [...values(first.logits), ...values(second.logits)];
    expect(distance(parts, values(whole))).toBeLessThan(1e-13);
  });

  it("refuses tied weights of two widths", () => {
    expect(() => new RNNLanguageModel({ tokens: 6, features: 8, hidden: 9, tieWeights: true })).toThrow(
      /hidden expects 8, as many as the embedding has.*received 9/,
    );
  });
});

function log4(share: number): number {
  // any constant may be added to logits
  return Math.log(share) + 4;
}
