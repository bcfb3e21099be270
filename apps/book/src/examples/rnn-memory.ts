/**
 * Long memory (Jiang §8.2.4): one of eight symbols stands somewhere in a sequence of distractors, and the network is asked for
 * it at the end. A simple RNN, an LSTM, a GRU and a HORNN of the same width and the same training; how far back does each see?
 */
import { inference } from "@neurite/autograd";
import { argMax, crossEntropy, fromHost, type Generator, slice, type Tensor } from "@neurite/core";
import { type CellState, GRU, HORNN, Linear, LSTM, Module, type RecurrentLayer, RNN } from "@neurite/layers";
import { Adam } from "@neurite/optimizers";
import type { Example } from "../example.js";
import { type Curve, fit } from "../fit.js";
import { lineChart, type Series } from "../pictures/chart.js";

const SYMBOLS = 8;
const DISTRACTORS = 2;
const INPUTS = SYMBOLS + DISTRACTORS;
const TIME = 60;
const HIDDEN = 48;
const BATCH = 64;
const STEPS = 700;
/** Distances that count as long. */
const FAR = 40;
/** Test sequences for each distance. */
const TESTS = 16;
type Layer = RecurrentLayer<CellState>;

const LAYERS: Readonly<Record<string, (generator: Generator) => Layer>> = {
  rnn: (generator) => new RNN(INPUTS, HIDDEN, { generator }),
  lstm: (generator) => new LSTM(INPUTS, HIDDEN, { generator }) as unknown as Layer,
  gru: (generator) => new GRU(INPUTS, HIDDEN, { generator }),
  hornn: (generator) => new HORNN(INPUTS, HIDDEN, { order: 8, generator }) as unknown as Layer,
};

class Recall extends Module {
  readonly output: Linear;

  constructor(
    readonly recurrent: Layer,
    generator: Generator,
  ) {
    super();
    this.output = new Linear(HIDDEN, SYMBOLS, { generator });
  }

  /** [n, time, inputs] → [n, symbols] */
  forward(x: Tensor): Tensor {
    return this.output.forward(slice(this.recurrent.forward(x).output, [null, -1]));
  }
}

interface Task {
  /** One-hot [n, time, inputs]. */
  readonly x: Tensor;
  readonly y: Int32Array;
}

/** Sequences whose symbol stands `distances[row]` steps before the end. */
function draw(distances: readonly number[], generator: Generator): Task {
  const below = (n: number) => Math.floor(generator.uniform() * n);
  const y = Int32Array.from(distances, () => below(SYMBOLS));
  const x = new Float32Array(distances.length * TIME * INPUTS);
  distances.forEach((distance, row) => {
    for (let t = 0; t < TIME; t++) {
      const symbol = t === TIME - 1 - distance ? y[row]! : SYMBOLS + below(DISTRACTORS);
      x[(row * TIME + t) * INPUTS + symbol] = 1;
    }
  });
  return { x: fromHost(x, "float32", [distances.length, TIME, INPUTS]), y };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

export const rnnMemory: Example = async (run) => {
  const names = Object.keys(LAYERS);
  const distances = Array.from({ length: TIME }, (_, distance) => distance);
  const unseen = draw(distances.flatMap((distance) => new Array<number>(TESTS).fill(distance)), run.generator.fork(1));
  const curves: Series[] = [];
  const reach: Series[] = [];
  const metrics: Record<string, number> = {};
  for (const [i, name] of names.entries()) {
    const generator = run.generator.fork(2); // the same start and the same batches for all
    const model = new Recall(LAYERS[name]!(generator), generator);
    const answer = inference((x: Tensor) => argMax(model.forward(x)));
    const test = async (): Promise<Curve> => {
      const answers = await answer(unseen.x).data();
      const right = (k: number) => (answers[k] === unseen.y[k] ? 1 : 0);
      return distances.map((d) => [d, mean(Array.from({ length: TESTS }, (_, k) => right(d * TESTS + k)))] as const);
    };
    const far = (curve: Curve) => mean(curve.filter(([distance]) => distance >= FAR).map(([, accuracy]) => accuracy));
    const { measured } = await fit(run, {
      model,
      optimizer: new Adam(model.parameters(), { learningRate: 2e-3, clipNorm: 1 }),
      steps: STEPS,
      before: i * STEPS,
      total: names.length * STEPS,
      loss: () => {
        const { x, y } = draw(
          Array.from({ length: BATCH }, () => Math.floor(generator.uniform() * TIME)),
          generator,
        );
        return crossEntropy(model.forward(x), fromHost(y, "int32", [BATCH]));
      },
      points: 10,
      evaluate: async () => far(await test()),
    });
    curves.push({ name, points: measured });
    const points = await test();
    reach.push({ name, points });
    metrics[name] = far(points);
    run.say(`${name}: ${(100 * metrics[name]!).toFixed(1)} % of symbols ${FAR} to ${TIME - 1} steps back`);
  }
  unseen.x.dispose();
  const y = "accuracy";
  run.picture("curves", lineChart(curves, { title: `Recall over ${FAR} to ${TIME - 1} steps`, x: "step", y }));
  run.picture("reach", lineChart(reach, { title: "How far back each network sees", x: "steps since the symbol", y }));
  return metrics;
};
