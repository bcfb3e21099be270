/** The translator once more, written with tfjs-core: an independent reference. Weights are given by our names. */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import "@tensorflow/tfjs-backend-cpu";

export type Weights = Readonly<Record<string, tf.Tensor>>;

interface State {
  readonly h: tf.Tensor2D;
  readonly c: tf.Tensor2D;
}

const PADDING = 0;

/** x·Wᵀ + b with W [out, in]. */
function linear(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor2D {
  return tf.add(tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D, false, true), bias);
}

function lstmStep(x: tf.Tensor, { h, c }: State, w: Weights, prefix: string, suffix = ""): State {
  const named = (name: string) => w[`${prefix}.${name}${suffix}`]!;
  const gates = tf.add(linear(x, named("weightIh"), named("biasIh")), linear(h, named("weightHh"), named("biasHh")));
  const [i, f, g, o] = tf.split(gates, 4, 1) as tf.Tensor2D[];
  const next: tf.Tensor2D = tf.add(tf.mul(tf.sigmoid(f!), c), tf.mul(tf.sigmoid(i!), tf.tanh(g!)));
  return { h: tf.mul(tf.sigmoid(o!), tf.tanh(next)), c: next };
}

/** One direction of the encoder: its output at each position, and its last state. */
function readDirection(
  x: tf.Tensor3D,
  mask: tf.Tensor3D,
  w: Weights,
  suffix: string,
  reverse: boolean,
): { outputs: tf.Tensor2D[]; state: State } {
  const [n, time] = x.shape;
  const hidden = w["encoder.weightHhL0"]!.shape[1]!;
  let state: State = { h: tf.zeros([n, hidden]), c: tf.zeros([n, hidden]) };
  const outputs: tf.Tensor2D[] = new Array(time);
  for (let k = 0; k < time; k++) {
    const t = reverse ? time - 1 - k : k;
    const here = tf.squeeze(tf.slice(x, [0, t, 0], [n, 1, -1]), [1]) as tf.Tensor2D;
    const real = tf.reshape(tf.slice(mask, [0, t, 0], [n, 1, 1]), [n, 1]);
    const next = lstmStep(here, state, w, "encoder", suffix);
    const mix = (now: tf.Tensor2D, before: tf.Tensor2D) =>
      tf.add(tf.mul(real, now), tf.mul(tf.sub(1, real), before)) as tf.Tensor2D;
    state = { h: mix(next.h, state.h), c: mix(next.c, state.c) };
    outputs[t] = tf.mul(real, next.h);
  }
  return { outputs, state };
}

interface Memory {
  /** [n, source, features] */
  readonly memory: tf.Tensor3D;
  /** [n, source]: 0 at words, very negative at padding. */
  readonly penalty: tf.Tensor2D;
  readonly state: State;
}

function encode(w: Weights, source: tf.Tensor2D): Memory {
  const x = tf.gather(w["sourceEmbedding.weight"]!, source) as tf.Tensor3D;
  const real = tf.cast(tf.notEqual(source, PADDING), "float32");
  const mask = tf.expandDims(real, 2) as tf.Tensor3D;
  const forward = readDirection(x, mask, w, "L0", false);
  const backward = readDirection(x, mask, w, "L0Reverse", true);
  const both = forward.outputs.map((output, t) => tf.concat([output, backward.outputs[t]!], 1));
  return {
    memory: tf.stack(both, 1) as tf.Tensor3D,
    penalty: tf.mul(tf.sub(1, real), -1e9),
    state: {
      h: tf.concat([forward.state.h, backward.state.h], 1),
      c: tf.concat([forward.state.c, backward.state.c], 1),
    },
  };
}

interface Step extends State {
  readonly context: tf.Tensor2D;
  readonly logits: tf.Tensor2D;
}

function decodeStep(w: Weights, token: tf.Tensor1D, before: State & { context: tf.Tensor2D }, memory: Memory): Step {
  const embedded = tf.gather(w["targetEmbedding.weight"]!, token) as tf.Tensor2D;
  const { h, c } = lstmStep(tf.concat([embedded, before.context], 1), before, w, "decoder");
  const query = tf.expandDims(tf.matMul(h, w["attention.weight"] as tf.Tensor2D), 1);
  const scores = tf.squeeze(tf.matMul(query, memory.memory, false, true), [1]);
  const weights = tf.softmax(tf.add(scores, memory.penalty));
  const context = tf.squeeze(tf.matMul(tf.expandDims(weights, 1), memory.memory), [1]) as tf.Tensor2D;
  const logits = linear(tf.concat([h, context], 1), w["output.weight"]!, w["output.bias"]!);
  return { h, c, context, logits };
}

function start({ state, memory }: Memory): State & { context: tf.Tensor2D } {
  return { ...state, context: tf.zeros([memory.shape[0], memory.shape[2]]) };
}

/** Logits [n, target, tokens] with teacher forcing. */
export function forward(w: Weights, source: tf.Tensor2D, targetIn: tf.Tensor2D): tf.Tensor3D {
  const memory = encode(w, source);
  let state = start(memory);
  const logits: tf.Tensor2D[] = [];
  for (let t = 0; t < targetIn.shape[1]; t++) {
    const token = tf.reshape(tf.slice(targetIn, [0, t], [-1, 1]), [-1]) as tf.Tensor1D;
    const next = decodeStep(w, token, state, memory);
    logits.push(next.logits);
    state = next;
  }
  return tf.stack(logits, 1) as tf.Tensor3D;
}

/** Mean cross-entropy over the target tokens that are no padding. */
export function loss(w: Weights, source: tf.Tensor2D, targetIn: tf.Tensor2D, targetOut: tf.Tensor2D): tf.Scalar {
  const logits = forward(w, source, targetIn);
  const oneHot = tf.oneHot(targetOut, logits.shape[2]);
  const each = tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), oneHot), 2));
  const counts = tf.cast(tf.notEqual(targetOut, PADDING), "float32");
  return tf.div(tf.sum(tf.mul(each, counts)), tf.sum(counts));
}

/** Most likely tokens, fed back: [n][steps]. */
export function greedy(w: Weights, source: tf.Tensor2D, first: number, steps: number): number[][] {
  const memory = encode(w, source);
  let state = start(memory);
  let token = tf.fill([source.shape[0]], first, "int32") as tf.Tensor1D;
  const tokens: tf.Tensor1D[] = [];
  for (let t = 0; t < steps; t++) {
    const next = decodeStep(w, token, state, memory);
    token = tf.argMax(next.logits, 1) as tf.Tensor1D;
    tokens.push(token);
    state = next;
  }
  return (tf.stack(tokens, 1) as tf.Tensor2D).arraySync();
}
