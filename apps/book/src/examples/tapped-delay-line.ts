/**
 * Memory blocks (Jiang §8.2.1). A tapped delay line finds the taps of an unknown filter from what goes in and comes out with
 * noise; another predicts speech from its past, compared with least squares; and a loop through a unit delay learns a
 * resonance with three numbers, of which a delay line gets no more than its taps reach.
 *
 * Seed 1: every tap of the filter to 0.003; 6.8 dB of prediction gain on unheard speech, as least squares; the loop to 1e-6.
 */
import { concat, fromHost, type Generator, mean, slice, square, sub, type Tensor } from "@neurite/core";
import { FeedbackLoop, Linear, Module, Recurrent, TappedDelayLine, UnitDelay } from "@neurite/layers";
import { Adam, cosineDecay } from "@neurite/optimizers";
import { loadSpeech } from "../data/speech.js";
import type { Example, Run } from "../example.js";
import { fit } from "../fit.js";
import { lineChart } from "../pictures/chart.js";

const RATE = 8000;
const STEPS = { filter: 400, speech: 1500, line: 400, loop: 400 } as const;
const TOTAL = STEPS.filter + STEPS.speech + STEPS.line + STEPS.loop;

/** Taps of the unknown filter; the line that learns them has some more. */
const FILTER = Array.from({ length: 24 }, (_, i) => 0.86 ** i * Math.cos(0.9 * i));
const FILTER_TAPS = 32;
/** Deviation of the noise on its output. */
const NOISE = 0.1;
/** Samples from which the next one of speech is predicted: 2 ms. */
const SPEECH_TAPS = 16;
/** y_t = b x_t + a₁ y_{t−1} + a₂ y_{t−2}: poles at 0.95 e^{±0.4i}. */
const RESONANCE = [0.5, 2 * 0.95 * Math.cos(0.4), -(0.95 ** 2)] as const;
const RESONANCE_TAPS = 24;

/** A sequence [1, time, 1]. */
const sequence = (values: ArrayLike<number>): Tensor =>
  fromHost(Float32Array.from(values), "float32", [1, values.length, 1]);

const noise = (length: number, generator: Generator) => Float32Array.from({ length }, () => generator.normal());

/** Σ_i taps_i x_{t−i} */
function filtered(x: ArrayLike<number>, taps: ArrayLike<number>): Float32Array {
  return Float32Array.from({ length: x.length }, (_, t) => {
    let sum = 0;
    for (let i = 0; i < taps.length && i <= t; i++) sum += taps[i]! * x[t - i]!;
    return sum;
  });
}

function resonance(x: ArrayLike<number>, [b, a1, a2]: readonly [number, number, number]): Float32Array {
  const y = new Float32Array(x.length);
  for (let t = 0; t < y.length; t++) y[t] = b * x[t]! + a1 * (y[t - 1] ?? 0) + a2 * (y[t - 2] ?? 0);
  return y;
}

/** Fits a module to give `y` for `x`. */
async function learn(
  run: Run,
  model: Module & { forward(x: Tensor): Tensor },
  { x, y, steps, rate, before }: { x: Tensor; y: Tensor; steps: number; rate: number; before: number },
): Promise<void> {
  const optimizer = new Adam(model.parameters(), { learningRate: cosineDecay({ rate, total: steps }) });
  const loss = () => mean(square(sub(model.forward(x), y)));
  await fit(run, { model, optimizer, loss, steps, before, total: TOTAL });
  for (const tensor of [x, y]) tensor.dispose();
}

/** What comes next from what has been: a tapped delay line behind a unit delay. */
class Predictor extends Module {
  readonly delay = new UnitDelay(1);

  constructor(readonly line: TappedDelayLine) {
    super();
  }

  forward(x: Tensor): Tensor {
    return this.line.forward(this.delay.forward(x));
  }
}

/** [y_t, y_{t−1}] from x_t and what is fed back, [y_{t−1}, y_{t−2}]. */
class Resonator extends Module {
  readonly mix: Linear;

  constructor(generator: Generator) {
    super();
    this.mix = new Linear(3, 1, { bias: false, generator });
  }

  forward(x: Tensor, fed: Tensor): Tensor {
    return concat([this.mix.forward(concat([x, fed], 1)), slice(fed, [null, [0, 1]])], 1);
  }
}

class Loop extends Module {
  readonly recurrent: Recurrent;

  constructor(readonly resonator: Resonator) {
    super();
    this.recurrent = new Recurrent(() => new FeedbackLoop(1, 2, resonator, [new UnitDelay(2)]) as never, 1);
  }

  /** [n, time, 1] → [n, time, 1] */
  forward(x: Tensor): Tensor {
    return slice(this.recurrent.forward(x).output, [null, null, [0, 1]]);
  }
}

/** The taps of least squares: R a = r with the signal's autocorrelation, solved by Levinson and Durbin's recursion. */
export function leastSquares(x: ArrayLike<number>, taps: number): number[] {
  const r = Array.from({ length: taps + 1 }, (_, lag) => {
    let sum = 0;
    for (let t = lag; t < x.length; t++) sum += x[t]! * x[t - lag]!;
    return sum;
  });
  let a: number[] = [];
  let error = r[0]!;
  for (let order = 0; order < taps; order++) {
    const k = (r[order + 1]! - a.reduce((sum, value, i) => sum + value * r[order - i]!, 0)) / error;
    a = [...a.map((value, i) => value - k * a[order - 1 - i]!), k];
    error *= 1 - k * k;
  }
  return a;
}

const energy = (x: ArrayLike<number>) => Array.from(x).reduce((sum, value) => sum + value * value, 0);

/** Signal to error of the prediction, in decibels. */
function gain(x: Float32Array, taps: ArrayLike<number>): number {
  const predicted = filtered(x, [0, ...Array.from(taps)]);
  return 10 * Math.log10(energy(x) / energy(x.map((value, t) => value - predicted[t]!)));
}

const indexed = (values: ArrayLike<number>) => Array.from(values, (value, i) => [i, value] as const);

/** Taps that begin one step back. */
const back = (taps: ArrayLike<number>) => indexed(taps).map(([i, tap]) => [i + 1, tap] as const);

const largest = (a: ArrayLike<number>, b: readonly number[]) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - (b[i] ?? 0))));

export const tappedDelayLine: Example = async (run) => {
  const { generator } = run;
  let before = 0;

  const input = noise(4000, generator);
  const heard = filtered(input, FILTER).map((value) => value + NOISE * generator.normal());
  const line = new TappedDelayLine(1, FILTER_TAPS, { generator });
  await learn(run, line, { x: sequence(input), y: sequence(heard), steps: STEPS.filter, rate: 0.02, before });
  before += STEPS.filter;
  const taps = await line.weight.data();
  const found = [
    { name: "filter", points: indexed([...FILTER, ...new Array<number>(FILTER_TAPS - FILTER.length).fill(0)]) },
    { name: "learned", points: indexed(taps), dots: true },
  ];
  run.picture("filter", lineChart(found, { title: "Taps of an unknown filter", x: "steps back", y: "tap" }));

  const speech = await loadSpeech(RATE);
  const split = Math.floor(0.8 * speech.length);
  const [seen, unseen] = [speech.subarray(0, split), speech.subarray(split)];
  const scale = Math.sqrt(seen.length / energy(seen));
  const loud = seen.map((value) => scale * value);
  const predictor = new Predictor(new TappedDelayLine(1, SPEECH_TAPS, { generator }));
  await learn(run, predictor, { x: sequence(loud), y: sequence(loud), steps: STEPS.speech, rate: 0.02, before });
  before += STEPS.speech;
  const learned = await predictor.line.weight.data();
  const best = leastSquares(seen, SPEECH_TAPS);
  const predictors = [
    { name: "least squares", points: back(best) },
    { name: "learned", points: back(learned), dots: true },
  ];
  run.picture("speech", lineChart(predictors, { title: "Taps that predict speech", x: "steps back", y: "tap" }));

  const excitation = noise(120, generator);
  const rung = resonance(excitation, RESONANCE);
  const short = new TappedDelayLine(1, RESONANCE_TAPS, { generator });
  await learn(run, short, { x: sequence(excitation), y: sequence(rung), steps: STEPS.line, rate: 0.02, before });
  before += STEPS.line;
  const resonator = new Resonator(generator);
  const loop = new Loop(resonator);
  await learn(run, loop, { x: sequence(excitation), y: sequence(rung), steps: STEPS.loop, rate: 0.03, before });
  const looped = Array.from(await resonator.mix.weight.data()) as [number, number, number];
  const impulse = Float32Array.from({ length: 80 }, (_, t) => (t === 0 ? 1 : 0));
  const responses = [
    { name: "resonance", points: indexed(resonance(impulse, RESONANCE)) },
    { name: "loop, 3 numbers", points: indexed(resonance(impulse, looped)), dots: true },
    { name: `line, ${RESONANCE_TAPS} taps`, points: indexed(filtered(impulse, await short.weight.data())) },
  ];
  run.picture("loop", lineChart(responses, { title: "Response to an impulse", x: "step", y: "output" }));

  const metrics = {
    largestTapError: largest(taps, FILTER),
    speechGainDecibels: gain(unseen, learned),
    leastSquaresGainDecibels: gain(unseen, best),
    loopLargestError: largest(looped, RESONANCE),
  };
  run.conclude(
    `The filter's taps are found to ${metrics.largestTapError.toPrecision(1)}, the loop's numbers to ${metrics.loopLargestError.toExponential(0)}.`,
  );
  run.conclude(
    `On unheard speech the learned taps gain ${metrics.speechGainDecibels.toFixed(2)} dB, ` +
      `least squares ${metrics.leastSquaresGainDecibels.toFixed(2)} dB.`,
  );
  return metrics;
};
