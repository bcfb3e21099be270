/**
 * Recurrent layers against the Keras-style layers of tfjs: outputs, final states, and gradients by input and weights, in one
 * and both directions, with and without padding. The GRU of tfjs resets the state before its product, this one after it; with
 * a diagonal matrix of the candidate the two are one. tfjs-layers is no dependency: `keras.json` holds what this script
 * writes with `@tensorflow/tfjs` 4.22.0, in float32 and six digits:
 *
 * ```js
 * import { writeFileSync } from "node:fs";
 * import * as tf from "@tensorflow/tfjs";
 *
 * await tf.setBackend("cpu");
 * const product = (shape) => shape.reduce((a, b) => a * b, 1);
 * const fill = (shape, f) => tf.tensor(Float32Array.from({ length: product(shape) }, (_, i) => f(i)), shape);
 * const wave = (shape, seed) => fill(shape, (i) => Math.sin(1.3 * i + seed) * 0.6);
 * const list = (t) => Array.from(t.dataSync(), (v) => Number(v.toFixed(6)));
 * const lengths = [4, 2];
 * const mask = tf.cast(fill([2, 4], (i) => Number(i % 4 < lengths[Math.floor(i / 4)])), "bool");
 *
 * function run(layer, masked, gru) {
 *   const x = wave([2, 4, 3], 0);
 *   layer.build(x.shape);
 *   const weights = layer.getWeights().map((w, i) => {
 *     const [rows, columns] = w.shape;
 *     const diagonal = (k) => k % columns < 2 * rows || (k % columns) - 2 * rows === Math.floor(k / columns);
 *     const value = wave(w.shape, i + 1);
 *     return gru && i % 3 === 1 ? tf.mul(value, fill(w.shape, (k) => Number(diagonal(k)))) : value;
 *   });
 *   layer.setWeights(weights);
 *   const forward = (input) => layer.call(input, masked ? { mask } : {});
 *   const loss = (input) => {
 *     const [y] = forward(input);
 *     const v = wave(y.shape, 9);
 *     return tf.sum(tf.mul(y, masked ? tf.mul(v, tf.expandDims(tf.cast(mask, "float32"), 2)) : v));
 *   };
 *   const variables = layer.trainableWeights.map((w) => w.val);
 *   const { grads } = tf.variableGrads(() => loss(x), variables);
 *   return { results: forward(x).map(list), dx: list(tf.grad(loss)(x)), grads: variables.map((v) => list(grads[v.name])) };
 * }
 *
 * const all = {};
 * for (const masked of [false, true]) {
 *   for (const [name, kind] of Object.entries({ RNN: "simpleRNN", LSTM: "lstm", GRU: "gru" })) {
 *     const options = { units: 2, returnSequences: true, returnState: true, recurrentActivation: "sigmoid" };
 *     const make = () => tf.layers[kind](options);
 *     const both = () => tf.layers.bidirectional({ layer: make(), mergeMode: "concat" });
 *     const suffix = masked ? ", masked" : "";
 *     all[name + suffix] = run(make(), masked, kind === "gru");
 *     all[`${name}, both directions${suffix}`] = run(both(), masked, kind === "gru");
 *   }
 * }
 * writeFileSync("keras.json", `${JSON.stringify(all)}\n`);
 * ```
 */
import { readFileSync } from "node:fs";
import { valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import { mul, setDefaultDevice, sum, type Tensor, tensor } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { GRU, LSTM, type Module, type RecurrentInput, type RecurrentOutput, RNN } from "../src/index.js";
import { distance, float64, values } from "./describe-layer.js";

setDefaultDevice(cpuJs());

interface Reference {
  /** Output and final states, direction by direction. */
  readonly results: readonly (readonly number[])[];
  readonly dx: readonly number[];
  /** By kernel, recurrent kernel and bias, direction by direction. */
  readonly grads: readonly (readonly number[])[];
}
const references: Readonly<Record<string, Reference>> = JSON.parse(
  readFileSync(new URL("./keras.json", import.meta.url), "utf8"),
);

type Recurrent = Module & { forward(x: Tensor, input?: RecurrentInput): RecurrentOutput };
const layers = { RNN, LSTM, GRU } as unknown as Record<
  string,
  new (
    inputs: number,
    hidden: number,
    options: object,
  ) => Recurrent
>;
/** Where each of our gates is in Keras. */
const order: Readonly<Record<string, readonly number[]>> = { RNN: [0], LSTM: [0, 1, 2, 3], GRU: [1, 0, 2] };
const [N, TIME, INPUTS, UNITS] = [2, 4, 3, 2] as const;
const LENGTHS = [4, 2];
/** Six digits of float32. */
const TOLERANCE = 5e-6;

const wave = (size: number, seed: number) => Array.from({ length: size }, (_, i) => Math.sin(1.3 * i + seed) * 0.6);
const f64 = (data: readonly number[], shape: readonly number[]) => tensor(Float64Array.from(data), { shape });

/** A kernel of Keras, [rows, gates·units], as PyTorch has it, [gates·units, rows], and a bias alike; and back. */
const turned = (keras: readonly number[], rows: number, gates: readonly number[]) =>
  gates.flatMap((gate) =>
    Array.from({ length: UNITS * rows }, (_, i) => {
      const [unit, row] = [Math.floor(i / rows), i % rows];
      return keras[row * gates.length * UNITS + gate * UNITS + unit]!;
    }),
  );

/** The weights of a direction, with those of Keras that begin at number `first`. */
function weights(kind: string, first: number, suffix: string): Record<string, Tensor> {
  const gates = order[kind]!;
  const rows = gates.length * UNITS;
  const recurrent = wave(UNITS * rows, first + 2).map((value, k) => {
    const [row, column] = [Math.floor(k / rows), k % rows];
    return kind === "GRU" && column >= 2 * UNITS && column - 2 * UNITS !== row ? 0 : value;
  });
  return {
    [`weightIh${suffix}`]: f64(turned(wave(INPUTS * rows, first + 1), INPUTS, gates), [rows, INPUTS]),
    [`weightHh${suffix}`]: f64(turned(recurrent, UNITS, gates), [rows, UNITS]),
    [`biasIh${suffix}`]: f64(turned(wave(rows, first + 3), 1, gates), [rows]),
    [`biasHh${suffix}`]: f64(new Array<number>(rows).fill(0), [rows]),
  };
}

describe.each(Object.entries(references))("%s", (name, reference) => {
  const kind = name.split(",")[0]!;
  const directions = name.includes("both directions") ? 2 : 1;
  const masked = name.includes("masked");
  const suffixes = ["L0", "L0Reverse"].slice(0, directions);
  const width = directions * UNITS;
  const real = Array.from({ length: N * TIME * width }, (_, i) => {
    const step = Math.floor(i / width);
    return !masked || step % TIME < LENGTHS[Math.floor(step / TIME)]! ? 1 : 0;
  });

  it("gives the outputs, states and gradients of Keras", () => {
    const layer = new layers[kind]!(INPUTS, UNITS, { bidirectional: directions === 2, ...float64() });
    layer.loadStateDict(Object.assign({}, ...suffixes.map((suffix, i) => weights(kind, 3 * i, suffix))));
    const x = f64(wave(N * TIME * INPUTS, 0), [N, TIME, INPUTS]);
    const options = masked ? { lengths: LENGTHS } : {};
    const { output, state } = layer.forward(x, options);

    // Keras repeats the last output in the padding, where this gives 0
    const [expected, ...states] = reference.results;
    expect(
      distance(
        values(output),
        expected!.map((value, i) => value * real[i]!),
      ),
    ).toBeLessThan(TOLERANCE);
    const finals = Object.values(state).map(values);
    const own = suffixes.flatMap((_, i) => finals.map((final) => final.slice(i * N * UNITS, (i + 1) * N * UNITS)));
    expect(distance(own.flat(), states.flat())).toBeLessThan(TOLERANCE);

    const error = f64(
      wave(output.size, 9).map((value, i) => value * real[i]!),
      output.shape,
    );
    const run = valueAndGrad(() => sum(mul(layer.forward(x, options).output, error)), { x, ...layer.parameters() });
    const grads = run().grads as Record<string, Tensor>;
    expect(distance(values(grads.x!), reference.dx)).toBeLessThan(TOLERANCE);
    suffixes.forEach((suffix, i) => {
      const [kernel, , bias] = reference.grads.slice(3 * i);
      expect(distance(values(grads[`weightIh${suffix}`]!), turned(kernel!, INPUTS, order[kind]!))).toBeLessThan(
        TOLERANCE,
      );
      expect(distance(values(grads[`biasIh${suffix}`]!), turned(bias!, 1, order[kind]!))).toBeLessThan(TOLERANCE);
      // by the zeros of the GRU's candidate the two forms have other gradients
      const recurrent = turned(reference.grads[3 * i + 1]!, UNITS, order[kind]!);
      const given = values(layer.parameters()[`weightHh${suffix}`]!);
      const shared = values(grads[`weightHh${suffix}`]!).map((value, k) => (given[k] === 0 ? recurrent[k]! : value));
      expect(distance(shared, recurrent)).toBeLessThan(TOLERANCE);
    });
  });
});

it("all three kinds were compared, in both directions and with padding", () => {
  expect(Object.keys(references)).toHaveLength(12);
});
