/**
 * TensorFlow.js, stock, as its users have it: eager ops on its cpu or wasm backend. Threads stay off, as tfjs wants in Node.
 * Weights of matrix products are kept [in, out], its own layout, so that the forward pass transposes nothing.
 */
import * as tf from "@tensorflow/tfjs";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";

/** Names of weights [out, in], which are transposed on their way in and out. */
const MATRIX = /(^|\.)(inProjW|w)eight(Ih|Hh)?(L0)?(Reverse)?$/;
const isMatrix = (kind, name, shape) =>
  shape.length === 2 && MATRIX.test(name) && !/mbedding|attention\.weight/.test(name) && kind !== "embeddingLayer";

// ---- parts of nets; `w` gives a weight by name

const dense = (x, w, name) => tf.add(tf.matMul(x, w(`${name}weight`)), w(`${name}bias`));

/** x [n, t, inputs] times a matrix. */
function project(x, matrix, bias) {
  const [n, t, inputs] = x.shape;
  return tf.reshape(tf.add(tf.matMul(tf.reshape(x, [n * t, inputs]), matrix), bias), [n, t, -1]);
}

function layerNorm(x, weight, bias) {
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), weight), bias);
}

function lstmCell(gates, c) {
  const [i, f, g, o] = tf.split(gates, 4, 1);
  const next = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
  return { h: tf.mul(tf.sigmoid(o), tf.tanh(next)), c: next };
}

/** The LSTM over x [n, t, inputs]: all outputs and the last state. */
function lstm(x, w, name, suffix, reverse = false) {
  const hidden = w(`${name}weightHh${suffix}`).shape[0];
  const bias = tf.add(w(`${name}biasIh${suffix}`), w(`${name}biasHh${suffix}`));
  const shares = tf.unstack(project(x, w(`${name}weightIh${suffix}`), bias), 1);
  if (reverse) shares.reverse();
  let state = { h: tf.zeros([x.shape[0], hidden]), c: tf.zeros([x.shape[0], hidden]) };
  const outputs = shares.map((share) => {
    state = lstmCell(tf.add(share, tf.matMul(state.h, w(`${name}weightHh${suffix}`))), state.c);
    return state.h;
  });
  return { outputs: reverse ? outputs.reverse() : outputs, state };
}

function gru(x, w) {
  const hidden = w("weightHhL0").shape[0];
  const shares = tf.unstack(project(x, w("weightIhL0"), w("biasIhL0")), 1);
  let h = tf.zeros([x.shape[0], hidden]);
  const outputs = shares.map((share) => {
    const [xr, xz, xn] = tf.split(share, 3, 1);
    const [hr, hz, hn] = tf.split(tf.add(tf.matMul(h, w("weightHhL0")), w("biasHhL0")), 3, 1);
    const z = tf.sigmoid(tf.add(xz, hz));
    const n = tf.tanh(tf.add(xn, tf.mul(tf.sigmoid(tf.add(xr, hr)), hn)));
    h = tf.add(tf.mul(tf.sub(1, z), n), tf.mul(z, h));
    return h;
  });
  return tf.stack(outputs, 1);
}

function attention(x, w, name, heads) {
  const [n, t, features] = x.shape;
  const size = features / heads;
  const [q, k, v] = tf
    .split(project(x, w(`${name}inProjWeight`), w(`${name}inProjBias`)), 3, 2)
    .map((part) => tf.transpose(tf.reshape(part, [n, t, heads, size]), [0, 2, 1, 3]));
  const weights = tf.softmax(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(size)));
  const joined = tf.reshape(tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]), [n, t, features]);
  return project(joined, w(`${name}outProj.weight`), w(`${name}outProj.bias`));
}

const convolve = (x, filters, stride, pad) => tf.conv2d(x, filters, stride, pad);

function resnet18(x, w) {
  const norm = (y, name) =>
    tf.batchNorm(y, w(`${name}.runningMean`), w(`${name}.runningVar`), w(`${name}.bias`), w(`${name}.weight`), 1e-5);
  let y = tf.relu(norm(convolve(x, w("conv1.weight"), 2, 3), "bn1"));
  y = tf.maxPool(y, 3, 2, 1);
  for (let stage = 1; stage <= 4; stage++) {
    for (const block of [0, 1]) {
      const name = `layer${stage}.${block}`;
      const stride = stage > 1 && block === 0 ? 2 : 1;
      const inner = tf.relu(norm(convolve(y, w(`${name}.conv1.weight`), stride, 1), `${name}.bn1`));
      const body = norm(convolve(inner, w(`${name}.conv2.weight`), 1, 1), `${name}.bn2`);
      const short =
        stride === 1 ? y : norm(convolve(y, w(`${name}.downsample.0.weight`), 2, 0), `${name}.downsample.1`);
      y = tf.relu(tf.add(body, short));
    }
  }
  return dense(tf.mean(y, [1, 2]), w, "fc.");
}

/** Rows of a table. On wasm gather has no gradient, so the product with one-hot vectors stands for it. */
const embed = (table, tokens) =>
  tf.getBackend() === "wasm"
    ? project(tf.oneHot(tokens, table.shape[0]).toFloat(), table, tf.scalar(0))
    : tf.gather(table, tokens);

function translate(source, targetIn, w) {
  const x = embed(w("sourceEmbedding.weight"), source);
  const [forward, backward] = [lstm(x, w, "encoder.", "L0"), lstm(x, w, "encoder.", "L0Reverse", true)];
  const memory = tf.stack(
    forward.outputs.map((output, t) => tf.concat([output, backward.outputs[t]], 1)),
    1,
  );
  const penalty = tf.mul(tf.cast(tf.equal(source, 0), "float32"), -1e9);
  let h = tf.concat([forward.state.h, backward.state.h], 1);
  let c = tf.concat([forward.state.c, backward.state.c], 1);
  let context = tf.zerosLike(h);
  const rows = tf.unstack(embed(w("targetEmbedding.weight"), targetIn), 1).map((token) => {
    const input = tf.matMul(tf.concat([token, context], 1), w("decoder.weightIh"));
    const state = tf.add(tf.matMul(h, w("decoder.weightHh")), tf.add(w("decoder.biasIh"), w("decoder.biasHh")));
    ({ h, c } = lstmCell(tf.add(input, state), c));
    const query = tf.expandDims(tf.matMul(h, w("attention.weight")), 1);
    const scores = tf.add(tf.squeeze(tf.matMul(query, memory, false, true), [1]), penalty);
    context = tf.squeeze(tf.matMul(tf.expandDims(tf.softmax(scores), 1), memory), [1]);
    return tf.concat([h, context], 1);
  });
  return project(tf.stack(rows, 1), w("output.weight"), w("output.bias"));
}

/** The nets' outputs. */
const NETS = {
  mlp: (x, w) => dense(tf.relu(dense(tf.relu(dense(x, w, "0.")), w, "2.")), w, "4."),
  cnn(x, w) {
    const once = tf.maxPool(tf.relu(tf.add(convolve(x, w("0.weight"), 1, "valid"), w("0.bias"))), 2, 2, "valid");
    const twice = tf.maxPool(tf.relu(tf.add(convolve(once, w("3.weight"), 1, "valid"), w("3.bias"))), 2, 2, "valid");
    return dense(tf.relu(dense(tf.reshape(twice, [x.shape[0], -1]), w, "7.")), w, "9.");
  },
  lstm: (x, w) => tf.stack(lstm(x, w, "", "L0").outputs, 1),
  transformer(x, w, { heads }) {
    const attended = layerNorm(tf.add(x, attention(x, w, "selfAttn.", heads)), w("norm1.weight"), w("norm1.bias"));
    const hidden = tf.relu(project(attended, w("linear1.weight"), w("linear1.bias")));
    const fed = project(hidden, w("linear2.weight"), w("linear2.bias"));
    return layerNorm(tf.add(attended, fed), w("norm2.weight"), w("norm2.bias"));
  },
  tiny: (x, w) => dense(tf.tanh(dense(x, w, "0.")), w, "2."),
  resnet18,
};

const LAYERS = {
  linear: (x, w) => dense(x, w, ""),
  conv1d: (x, w) => tf.add(tf.conv1d(x, w("weight"), 1, "same"), w("bias")),
  conv2d: (x, w) => tf.add(convolve(x, w("weight"), 1, 1), w("bias")),
  maxPool2d: (x) => tf.maxPool(x, 2, 2, "valid"),
  batchNorm(x, w) {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    return tf.batchNorm(x, mean, variance, w("bias"), w("weight"), 1e-5);
  },
  layerNorm: (x, w) => layerNorm(x, w("weight"), w("bias")),
  embedding: (x, w) => tf.gather(w("weight"), x),
  lstm: (x, w) => tf.stack(lstm(x, w, "", "L0").outputs, 1),
  gru,
  attention: (x, w, { heads }) => attention(x, w, "", heads),
};

// ---- ways to run

/** Computes and frees; `outputs` reads the results. */
function computation(compute, convert = (x) => x) {
  return {
    run: () => tf.tidy(() => void compute()),
    outputs: () => tf.tidy(() => compute().map((x, i) => convert(x, i).dataSync())),
  };
}

/** Loss of the output against labels, or the mean squared error. */
function lossOf(y, { labels, target }) {
  if (labels) return tf.losses.softmaxCrossEntropy(tf.oneHot(labels, y.shape[1]), y);
  return tf.mean(tf.squaredDifference(y, target));
}

function translateLoss(inputs, w) {
  const logits = translate(inputs.source, inputs.targetIn, w);
  const each = tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), tf.oneHot(inputs.targetOut, logits.shape[2])), 2));
  const counts = tf.cast(tf.notEqual(inputs.targetOut, 0), "float32");
  return tf.div(tf.sum(tf.mul(each, counts)), tf.sum(counts));
}

function training({ kind, options }, tensors, names) {
  const { learningRate, clipNorm } = options;
  const variables = Object.fromEntries(names.map((name) => [name, tf.variable(tensors[name])]));
  const w = (name) => variables[name];
  const optimizer = kind === "tiny" ? tf.train.sgd(learningRate) : tf.train.adam(learningRate, 0.9, 0.999, 1e-8);
  const loss = () =>
    kind === "translate" ? translateLoss(tensors, w) : lossOf(NETS[kind](tensors.x, w, options), tensors);
  return {
    run() {
      const cost = clipNorm ? clippedStep(optimizer, loss, clipNorm) : optimizer.minimize(loss, true);
      const value = cost.dataSync()[0];
      cost.dispose();
      return value;
    },
  };
}

function clippedStep(optimizer, loss, limit) {
  return tf.tidy(() => {
    const { value, grads } = tf.variableGrads(loss);
    const squares = Object.values(grads).map((gradient) => tf.sum(tf.square(gradient)));
    const scale = tf.minimum(1, tf.div(limit, tf.sqrt(tf.addN(squares))));
    optimizer.applyGradients(Object.fromEntries(Object.entries(grads).map(([name, g]) => [name, tf.mul(g, scale)])));
    return value;
  });
}

/** Forward, and the gradients by the sources for a given gradient of the output. */
function pullBack(sources, forward, dy, convert) {
  const both = tf.valueAndGrads(forward);
  return computation(() => {
    const { value, grads } = both(sources, dy);
    return [value, ...grads];
  }, convert);
}

function layer({ kind, options }, tensors, names) {
  const compute = LAYERS[kind.slice(0, -"Layer".length)];
  const { x, dy } = tensors;
  const inputs = x.dtype === "float32" ? [x] : [];
  const forward = (...values) => {
    const weights = values.slice(inputs.length);
    return compute(inputs.length > 0 ? values[0] : x, (name) => weights[names.indexOf(name)], options);
  };
  const convert = (result, i) => {
    const name = names[i - 1 - inputs.length];
    return name && isMatrix(kind, name, result.shape) ? tf.transpose(result) : result;
  };
  return pullBack([...inputs, ...names.map((name) => tensors[name])], forward, dy, convert);
}

function dispatch({ options: { op }, operations }, { x, y, w }) {
  const steps = { add: (z) => tf.add(z, y), add_scalar: (z) => tf.add(z, 1), relu: (z) => tf.relu(z) };
  const chain = (start, step) => {
    let z = start;
    for (let i = 0; i < operations; i++) z = step(z);
    return z;
  };
  if (op !== "grad") return computation(() => [chain(x, steps[op])]);
  const gradient = tf.grad((weight) => tf.sum(chain(x, (z) => tf.mul(z, weight))));
  return computation(() => [gradient(w)]);
}

function kernel({ kind, options }, tensors) {
  const { a, b, c, x, filters, dy } = tensors;
  switch (kind) {
    case "matmul":
      return computation(() => [tf.matMul(a, b, options.transposeA, options.transposeB)]);
    case "conv":
      return options.backward
        ? pullBack([x, filters], (images, weights) => convolve(images, weights, 1, 1), dy)
        : computation(() => [convolve(x, filters, 1, 1)]);
    case "tanh":
      return computation(() => [tf.tanh(tf.add(tf.mul(a, b), c))]);
    case "softmax":
      return computation(() => [tf.softmax(x)]);
    case "layernorm":
      return computation(() => [layerNorm(x, tensors.weight, tensors.bias)]);
    default:
      throw new Error(`no code for ${kind}`);
  }
}

export async function create({ backend }) {
  if (backend === "wasm") {
    setWasmPaths(new URL(".", import.meta.resolve("@tensorflow/tfjs-backend-wasm")).pathname);
    setThreadsCount(1);
  }
  if (!(await tf.setBackend(backend))) throw new Error(`its backend ${backend} cannot be started`);
  await tf.ready();
  return {
    version: tf.version.tfjs,
    open(workload, arrays) {
      const { kind, weights, inputs, options } = workload;
      const tensors = {};
      for (const [name, { shape, integer }] of Object.entries({ ...weights, ...inputs })) {
        const tensor = tf.tensor(arrays[name], shape, integer ? "int32" : "float32");
        tensors[name] = name in weights && isMatrix(kind, name, shape) ? tf.transpose(tensor) : tensor;
      }
      const names = Object.keys(weights);
      if (kind === "dispatch") return dispatch(workload, tensors);
      if (kind.endsWith("Layer")) return layer(workload, tensors, names);
      if (kind.endsWith("Forward")) {
        const net = NETS[kind.slice(0, -"Forward".length)];
        return computation(() => [net(tensors.x, (name) => tensors[name], options)]);
      }
      return "learningRate" in options ? training(workload, tensors, names) : kernel(workload, tensors);
    },
  };
}
