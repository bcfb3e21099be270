/**
 * Layers against the same computation in tfjs: values, and gradients by input and by every parameter, in float32. The
 * layers that are a single op (convolution, pooling, norms) are compared with tfjs's ops in core's tests.
 */
import { Generator, type Tensor, tensor } from "@neurite/core";
import * as tf from "@tensorflow/tfjs-core";
import { describe, it } from "vitest";
import { bothLibraries, expectSame } from "../../core/test/tfjs.js";
import {
  Attention,
  Embedding,
  GRU,
  HORNN,
  Linear,
  LSTM,
  type Module,
  MultiHeadAttention,
  RNN,
  SinusoidalEncoding,
  TappedDelayLine,
  TransformerEncoderLayer,
  UnitDelay,
} from "../src/index.js";
import { substituting } from "./describe-layer.js";

bothLibraries();

type Named = Record<string, tf.Tensor>;

/** Compares `run` of a layer with `theirs`, which gets the inputs and the layer's parameters by name. */
function compare(
  make: (init: { generator: Generator }) => Module,
  run: (layer: Module, inputs: readonly Tensor[]) => Tensor,
  theirs: (inputs: readonly tf.Tensor[], parameters: Named) => tf.Tensor,
  shapes: readonly (readonly number[])[],
): void {
  const layer = make({ generator: new Generator(1) });
  const names = Object.keys(layer.parameters());
  const parameters = Object.values(layer.parameters()).map((parameter) => ({
    shape: parameter.shape,
    data: parameter.dataSync() as Float32Array,
  }));
  const count = shapes.length;
  expectSame(
    (...all) => substituting(layer, all.slice(count), () => run(layer, all.slice(0, count))),
    (...all) => theirs(all.slice(0, count), Object.fromEntries(names.map((name, i) => [name, all[count + i]!]))),
    [...shapes.map((shape) => ({ shape })), ...parameters],
  );
}

const affine = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) => {
  const flat = tf.matMul(tf.reshape(x, [-1, x.shape.at(-1)!]) as tf.Tensor2D, weight as tf.Tensor2D, false, true);
  return tf.add(tf.reshape(flat, [...x.shape.slice(0, -1), weight.shape[0]!]), bias);
};

type Step = (x: tf.Tensor, state: readonly tf.Tensor[], p: Named) => tf.Tensor[];

/** A cell over time, from zeros; the first state is the output. */
function unrolled(step: Step, hidden: number, states: number, reverse = false) {
  const suffix = reverse ? "L0Reverse" : "L0";
  return (x: tf.Tensor, parameters: Named): tf.Tensor => {
    const own = Object.entries(parameters).filter(([name]) => name.endsWith(suffix));
    const p = Object.fromEntries(own.map(([name, value]) => [name.slice(0, -suffix.length), value]));
    const [n, time, width] = x.shape as [number, number, number];
    let state = new Array<tf.Tensor>(states).fill(tf.zeros([n, hidden]));
    const outputs: tf.Tensor[] = [];
    for (let i = 0; i < time; i++) {
      const t = reverse ? time - 1 - i : i;
      state = step(tf.reshape(tf.slice(x, [0, t, 0], [n, 1, width]), [n, width]), state, p);
      outputs[t] = state[0]!;
    }
    return tf.stack(outputs, 1);
  };
}

const cells: readonly [string, typeof RNN | typeof GRU | typeof LSTM | typeof HORNN, number, Step][] = [
  [
    "RNN",
    RNN,
    1,
    (x, [h], p) => [tf.tanh(tf.add(affine(x, p.weightIh!, p.biasIh!), affine(h!, p.weightHh!, p.biasHh!)))],
  ],
  [
    "GRU",
    GRU,
    1,
    (x, [h], p) => {
      const [xr, xz, xn] = tf.split(affine(x, p.weightIh!, p.biasIh!), 3, 1);
      const [hr, hz, hn] = tf.split(affine(h!, p.weightHh!, p.biasHh!), 3, 1);
      const z = tf.sigmoid(tf.add(xz!, hz!));
      const next = tf.tanh(tf.add(xn!, tf.mul(tf.sigmoid(tf.add(xr!, hr!)), hn!)));
      return [tf.add(tf.mul(tf.sub(1, z), next), tf.mul(z, h!))];
    },
  ],
  [
    "LSTM",
    LSTM,
    2,
    (x, [h, c], p) => {
      const gates = tf.add(affine(x, p.weightIh!, p.biasIh!), affine(h!, p.weightHh!, p.biasHh!));
      const [i, f, g, o] = tf.split(gates, 4, 1);
      const next = tf.add(tf.mul(tf.sigmoid(f!), c!), tf.mul(tf.sigmoid(i!), tf.tanh(g!)));
      return [tf.mul(tf.sigmoid(o!), tf.tanh(next)), next];
    },
  ],
  [
    "HORNN",
    HORNN,
    2,
    (x, past, p) => {
      const fed = tf.matMul(tf.concat([...past], 1) as tf.Tensor2D, p.weightHh as tf.Tensor2D, false, true);
      return [tf.tanh(tf.add(affine(x, p.weightIh!, p.bias!), fed)), past[0]!];
    },
  ],
];

describe("recurrent layers do what the same cell does in tfjs", () => {
  const run = (layer: Module, [x]: readonly Tensor[]) => (layer as LSTM).forward(x!).output;

  it.each(cells)("%s, forward and in both directions", (_, Layer, states, step) => {
    compare(
      (init) => new Layer(3, 5, init),
      run,
      ([x], p) => unrolled(step, 5, states)(x!, p),
      [[2, 4, 3]],
    );
    compare(
      (init) => new Layer(3, 4, { bidirectional: true, ...init }),
      run,
      ([x], p) => tf.concat([unrolled(step, 4, states)(x!, p), unrolled(step, 4, states, true)(x!, p)], 2),
      [[2, 3, 3]],
    );
  });
});

const call = (layer: Module, inputs: readonly Tensor[]) =>
  (layer as unknown as { forward(...xs: readonly Tensor[]): Tensor }).forward(...inputs);

/** [n, time, heads·d] to [n, heads, time, d]. */
const cut = (x: tf.Tensor, heads: number) =>
  tf.transpose(tf.reshape(x, [x.shape[0]!, x.shape[1]!, heads, x.shape[2]! / heads]), [0, 2, 1, 3]);

function attention(x: tf.Tensor, p: Named, heads: number, prefix = ""): tf.Tensor {
  const [q, k, v] = tf
    .split(affine(x, p[`${prefix}inProjWeight`]!, p[`${prefix}inProjBias`]!), 3, 2)
    .map((y) => cut(y, heads));
  const scores = tf.div(tf.matMul(q!, k!, false, true), Math.sqrt(x.shape[2]! / heads));
  const joined = tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), v!), [0, 2, 1, 3]), x.shape);
  return affine(joined, p[`${prefix}outProj.weight`]!, p[`${prefix}outProj.bias`]!);
}

function layerNorm(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const low = tf.sub(x, tf.mean(x, -1, true));
  const normal = tf.div(low, tf.sqrt(tf.add(tf.mean(tf.square(low), -1, true), 1e-5)));
  return tf.add(tf.mul(normal, weight), bias);
}

describe("other layers do what the same computation does in tfjs", () => {
  it("Linear", () => {
    compare(
      (init) => new Linear(4, 3, init),
      call,
      ([x], p) => affine(x!, p.weight!, p.bias!),
      [[2, 5, 4]],
    );
  });

  it("Embedding", () => {
    const indices = [3, 0, 3, 1, 2, 3];
    compare(
      (init) => new Embedding(5, 3, init),
      (layer) => (layer as Embedding).forward(tensor(Int32Array.from(indices), { shape: [2, 3] })),
      (_, p) => tf.gather(p.weight!, tf.tensor2d(indices, [2, 3], "int32")),
      [],
    );
  });

  it("Attention with additive scores", () => {
    compare(
      (init) => new Attention({ score: "additive", queryFeatures: 3, keyFeatures: 2, units: 4, ...init }),
      (layer, [q, k, v]) => (layer as Attention).forward(q!, k!, v!).context,
      ([q, k, v], p) => {
        const project = (x: tf.Tensor, name: string) => affine(x, p[`additive.${name}.weight`]!, tf.scalar(0));
        const pairs = tf.tanh(tf.add(tf.expandDims(project(q!, "query"), 2), tf.expandDims(project(k!, "key"), 1)));
        return tf.matMul(tf.softmax(tf.squeeze(project(pairs, "energy"), [3])), v!);
      },
      [
        [2, 3, 3],
        [2, 5, 2],
        [2, 5, 4],
      ],
    );
  });

  it("MultiHeadAttention", () => {
    compare(
      (init) => new MultiHeadAttention(6, 2, init),
      call,
      ([x], p) => attention(x!, p, 2),
      [[2, 4, 6]],
    );
  });

  it("TransformerEncoderLayer", () => {
    compare(
      (init) => new TransformerEncoderLayer(4, 2, { feedForward: 7, dropout: 0, ...init }),
      call,
      ([x], p) => {
        const norm = (y: tf.Tensor, i: number) => layerNorm(y, p[`norm${i}.weight`]!, p[`norm${i}.bias`]!);
        const first = norm(tf.add(x!, attention(x!, p, 2, "selfAttn.")), 1);
        const hidden = tf.relu(affine(first, p["linear1.weight"]!, p["linear1.bias"]!));
        return norm(tf.add(first, affine(hidden, p["linear2.weight"]!, p["linear2.bias"]!)), 2);
      },
      [[2, 3, 4]],
    );
  });

  it("UnitDelay, TappedDelayLine and SinusoidalEncoding", () => {
    const shifted = (y: tf.Tensor, i: number) => {
      const [n, time, d] = y.shape as [number, number, number];
      return tf.slice(
        tf.pad(y, [
          [0, 0],
          [i, 0],
          [0, 0],
        ]),
        [0, 0, 0],
        [n, time, d],
      );
    };
    compare(
      () => new UnitDelay(3),
      call,
      ([y]) => shifted(y!, 1),
      [[2, 4, 3]],
    );
    compare(
      (init) => new TappedDelayLine(3, 3, { vector: true, ...init }),
      call,
      ([y], p) => tf.addN([0, 1, 2].map((i) => tf.mul(shifted(y!, i), tf.slice(p.weight!, [i, 0], [1, 3])))),
      [[2, 4, 3]],
    );
    compare(
      () => new SinusoidalEncoding(4),
      call,
      ([x]) => {
        const angles = tf.mul(tf.expandDims(tf.range(0, 5), 1), tf.tensor([1, 1 / 100]));
        return tf.add(x!, tf.reshape(tf.stack([tf.sin(angles), tf.cos(angles)], 2), [5, 4]));
      },
      [[2, 5, 4]],
    );
  });
});
