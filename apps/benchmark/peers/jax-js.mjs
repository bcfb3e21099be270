/**
 * jax-js, everything under jit. A function consumes the arrays that it is given, so `.ref` keeps those that are needed again.
 * There is no scan, so recurrent nets are unrolled; convolution is NCHW. One thread: in Node it has no more by itself.
 */
import { defaultDevice, init, jit, lax, nn, numpy as np, valueAndGrad, vjp } from "@jax-js/jax";
import { versionOf } from "./version.mjs";

const nchw = (x) => np.transpose(x, [0, 3, 1, 2]);
const nhwc = (x) => np.transpose(x, [0, 2, 3, 1]);
const oihw = (w) => np.transpose(w, [3, 2, 0, 1]);
const hwio = (w) => np.transpose(w, [2, 3, 1, 0]);

// ---- nets; `w` gives a weight by name, to be used once

const dense = (x, w, name) => np.matmul(x, w(`${name}weight`).transpose()).add(w(`${name}bias`));

function layerNorm(x, weight, bias) {
  return nn.standardize(x, -1, { epsilon: 1e-5 }).mul(weight).add(bias);
}

function convolve(x, w, name) {
  const bias = w(`${name}.bias`).reshape([1, -1, 1, 1]);
  return lax.convGeneralDilated(x, w(`${name}.weight`), [1, 1], "VALID").add(bias);
}

/** The largest of each 2 × 2; an odd row or column at the end is left out. */
function pool(x) {
  const [n, c, h, width] = x.shape;
  const [rows, columns] = [h >> 1, width >> 1];
  const even = x.slice([], [], [0, 2 * rows], [0, 2 * columns]);
  return np.max(even.reshape([n, c, rows, 2, columns, 2]), [3, 5]);
}

function attention(x, w, heads) {
  const [n, t, features] = x.shape;
  const size = features / heads;
  const parts = np
    .matmul(x.reshape([n * t, features]), w("selfAttn.inProjWeight").transpose())
    .add(w("selfAttn.inProjBias"));
  const [q, k, v] = np.split(parts, 3, 1).map((part) => part.reshape([n, t, heads, size]));
  const joined = nn.dotProductAttention(q, k, v).reshape([n * t, features]);
  return dense(joined, w, "selfAttn.outProj.").reshape([n, t, features]);
}

const NETS = {
  mlp: (x, w) => dense(nn.relu(dense(nn.relu(dense(x, w, "0.")), w, "2.")), w, "4."),
  cnn(x, w) {
    const once = pool(nn.relu(convolve(x, w, "0")));
    const twice = pool(nn.relu(convolve(once, w, "3")));
    return dense(nn.relu(dense(twice.reshape([x.shape[0], -1]), w, "7.")), w, "9.");
  },
  lstm(x, w) {
    const [n, t, inputs] = x.shape;
    const hidden = w("weightHhL0").shape[1];
    const shares = np
      .matmul(x.reshape([n * t, inputs]), w("weightIhL0").transpose())
      .add(w("biasIhL0").add(w("biasHhL0")))
      .reshape([n, t, 4 * hidden]);
    let h = np.zeros([n, hidden]);
    let c = np.zeros([n, hidden]);
    const outputs = [];
    for (let step = 0; step < t; step++) {
      const gates = shares.ref.slice([], step, []).add(np.matmul(h, w("weightHhL0").transpose()));
      const gate = (i) => gates.ref.slice([], [i * hidden, (i + 1) * hidden]);
      c = nn
        .sigmoid(gate(1))
        .mul(c)
        .add(nn.sigmoid(gate(0)).mul(np.tanh(gate(2))));
      h = nn.sigmoid(gate(3)).mul(np.tanh(c.ref));
      outputs.push(h.ref);
    }
    return np.stack(outputs, 1);
  },
  transformer(x, w, { heads }) {
    const [n, t, features] = x.shape;
    const attended = layerNorm(x.ref.add(attention(x, w, heads)), w("norm1.weight"), w("norm1.bias"));
    const rows = attended.ref.reshape([n * t, features]);
    const fed = dense(nn.relu(dense(rows, w, "linear1.")), w, "linear2.").reshape([n, t, features]);
    return layerNorm(attended.add(fed), w("norm2.weight"), w("norm2.bias"));
  },
  tiny: (x, w) => dense(np.tanh(dense(x, w, "0.")), w, "2."),
};

/** Filters as [out, in, h, w]. Matrices stay [out, in]: so trained nets are fastest here. */
function prepared(kind, name, tensor) {
  if (tensor.ndim === 4) return oihw(tensor);
  if (kind.startsWith("cnn") && name === "7.weight") {
    // the flattened image has its channels first here
    return np.transpose(tensor.reshape([128, 5, 5, 64]), [0, 3, 1, 2]).reshape([128, 1600]);
  }
  return tensor;
}

const weightOf = (weights) => (name) => weights[name].ref;

// ---- ways to run

/** Computes under jit; `outputs` reads the results in neurite's layouts. */
function computation(compute, inputs, convert = (x) => x) {
  const compiled = jit((values) => compute(...values));
  const call = () => compiled(inputs.map((x) => x.ref));
  return {
    async run() {
      for (const result of call()) {
        await result.blockUntilReady();
        result.dispose();
      }
    },
    outputs: () => call().map((result, i) => convert(result, i).dataSync()),
  };
}

/** Adam, or plain gradient descent; what depends on the step comes from the host. */
const UPDATES = {
  adam(weight, gradient, [m, v], [rate, correction]) {
    const nextM = m.mul(0.9).add(gradient.ref.mul(1 - 0.9));
    const nextV = v.mul(0.999).add(gradient.ref.mul(gradient).mul(1 - 0.999));
    const root = np.sqrt(nextV.ref).mul(correction).add(1e-8);
    return [weight.sub(nextM.ref.mul(rate).div(root)), [nextM, nextV]];
  },
  sgd: (weight, gradient, slots, [rate]) => [weight.sub(gradient.mul(rate)), slots],
};

function training({ kind, options, weights }, tensors) {
  const names = Object.keys(weights);
  const { labels, target } = tensors;
  const expected = labels ? nn.oneHot(labels, 10) : target;
  const loss = (values, x, y) => {
    const out = NETS[kind](x, weightOf(values), options);
    if (!labels) return np.square(out.sub(y)).mean();
    return nn.logSoftmax(out).mul(y).sum(1).mean().mul(-1);
  };
  const rule = kind === "tiny" ? UPDATES.sgd : UPDATES.adam;
  const step = jit((values, slots, scalars, x, y) => {
    const [value, grads] = valueAndGrad(loss)(values, x, y);
    const nextValues = {};
    const nextSlots = {};
    for (const name of names) {
      [nextValues[name], nextSlots[name]] = rule(
        values[name].ref,
        grads[name],
        slots[name],
        scalars.map((scalar) => scalar.ref),
      );
    }
    return [value, nextValues, nextSlots];
  });
  let values = Object.fromEntries(names.map((name) => [name, tensors[name]]));
  let slots = Object.fromEntries(
    names.map((name) => [
      name,
      kind === "tiny" ? [] : [np.zerosLike(values[name].ref), np.zerosLike(values[name].ref)],
    ]),
  );
  let count = 0;
  return {
    run() {
      count++;
      const { learningRate } = options;
      const scalars =
        kind === "tiny" ? [learningRate] : [learningRate / (1 - 0.9 ** count), 1 / Math.sqrt(1 - 0.999 ** count)];
      let value;
      [value, values, slots] = step(
        values,
        slots,
        scalars.map((scalar) => np.array(scalar)),
        tensors.x.ref,
        expected.ref,
      );
      return value.item();
    },
  };
}

function kernel({ kind, options }, tensors) {
  const { a, b, c, x, filters, dy } = tensors;
  switch (kind) {
    case "matmul":
      return computation(
        (left, right) => [
          np.matmul(options.transposeA ? np.transpose(left) : left, options.transposeB ? np.transpose(right) : right),
        ],
        [a, b],
      );
    case "conv": {
      const convolve = (images, weights) =>
        lax.convGeneralDilated(
          images,
          weights,
          [1, 1],
          [
            [1, 1],
            [1, 1],
          ],
        );
      const converts = [nhwc, nhwc, hwio];
      const compute = (images, weights, gradient) => {
        if (!options.backward) return [convolve(images, weights)];
        const [y, back] = vjp(convolve, [images, weights]);
        return [y, ...back(gradient)];
      };
      const inputs = [nchw(x), filters, ...(options.backward ? [nchw(dy)] : [])];
      return computation(compute, inputs, (result, i) => converts[i](result));
    }
    case "tanh":
      return computation((p, q, r) => [np.tanh(p.mul(q).add(r))], [a, b, c]);
    case "softmax":
      return computation((rows) => [nn.softmax(rows)], [x]);
    case "layernorm":
      return computation((rows, weight, bias) => [layerNorm(rows, weight, bias)], [x, tensors.weight, tensors.bias]);
    default:
      throw new Error(`no code for ${kind}`);
  }
}

function forwardPass({ kind, options, weights }, tensors) {
  const net = NETS[kind.slice(0, -"Forward".length)];
  const names = Object.keys(weights);
  const compute = (x, ...values) => [net(x, (name) => values[names.indexOf(name)].ref, options)];
  return computation(compute, [tensors.x, ...names.map((name) => tensors[name])]);
}

export async function create({ backend }) {
  await init(backend);
  defaultDevice(backend);
  return {
    version: versionOf("@jax-js/jax"),
    open(workload, arrays) {
      const { kind, weights, inputs, options } = workload;
      const tensors = {};
      for (const [name, { shape }] of Object.entries({ ...weights, ...inputs })) {
        const tensor = np.array(arrays[name], { shape });
        const image = name === "x" && kind.startsWith("cnn");
        tensors[name] = name in weights ? prepared(kind, name, tensor) : image ? nchw(tensor) : tensor;
      }
      if (kind.endsWith("Forward")) return forwardPass(workload, tensors);
      return "learningRate" in options ? training(workload, tensors) : kernel(workload, tensors);
    },
  };
}
