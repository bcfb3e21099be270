/**
 * ONNX Runtime, which only runs finished nets: forward passes and kernels. Weights are constants of the graph, as in a file
 * that was exported, so it may rearrange them beforehand. Convolutions are NCHW.
 */
import { Graph } from "./onnx.mjs";
import { versionOf } from "./version.mjs";

/** A host array with its axes in another order. */
function permuted(data, shape, axes) {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const target = axes.map((axis) => shape[axis]);
  const result = new data.constructor(data.length);
  const index = new Array(target.length).fill(0);
  for (let i = 0; i < result.length; i++) {
    let from = 0;
    for (let k = 0; k < index.length; k++) from += index[k] * strides[axes[k]];
    result[i] = data[from];
    for (let k = index.length - 1; k >= 0 && ++index[k] === target[k]; k--) index[k] = 0;
  }
  return result;
}

const TO_NCHW = [0, 3, 1, 2];
const TO_OIHW = [3, 2, 0, 1];
const TO_NHWC = [0, 2, 3, 1];

/** Builders of graphs: from the graph, the input's name, weights as constants and options to the output's name. */
const MODELS = {
  mlp(g, x, w) {
    const layer = (y, name) => g.node("Gemm", [y, w(`${name}.weight`), w(`${name}.bias`)], { transB: 1 });
    const relu = (y) => g.node("Relu", [y]);
    return layer(relu(layer(relu(layer(x, "0")), "2")), "4");
  },
  cnn(g, x, w) {
    const block = (y, name) => {
      const convolved = g.node("Conv", [y, w.filters(`${name}.weight`), w(`${name}.bias`)], { kernel_shape: [3, 3] });
      return g.node("MaxPool", [g.node("Relu", [convolved])], { kernel_shape: [2, 2], strides: [2, 2] });
    };
    // channels last when flattened, as the weights expect
    const last = g.node("Transpose", [block(block(x, "0"), "3")], { perm: TO_NHWC });
    const hidden = g.node("Gemm", [g.node("Flatten", [last]), w("7.weight"), w("7.bias")], { transB: 1 });
    return g.node("Gemm", [g.node("Relu", [hidden]), w("9.weight"), w("9.bias")], { transB: 1 });
  },
  lstm(g, x, w) {
    const hidden = w.shape("weightHhL0")[1];
    // gates i, o, f, c there; i, f, g, o here
    const gates = (name) => {
      const data = w.data(name);
      const rows = data.length / 4;
      return Float32Array.from([0, 3, 1, 2].flatMap((gate) => Array.from(data.slice(gate * rows, (gate + 1) * rows))));
    };
    const weights = ["weightIhL0", "weightHhL0"].map((name) => g.constant(gates(name), [1, ...w.shape(name)]));
    const bias = g.constant(Float32Array.from([...gates("biasIhL0"), ...gates("biasHhL0")]), [1, 8 * hidden]);
    const steps = g.node("Transpose", [x], { perm: [1, 0, 2] });
    const [y] = g.node("LSTM", [steps, ...weights, bias], { hidden_size: hidden }, 3);
    return g.node("Transpose", [g.node("Squeeze", [y, g.integers(1)])], { perm: [1, 0, 2] });
  },
  transformer(g, x, w, { heads }) {
    const [n, t, features] = w.shape("x");
    const size = features / heads;
    const project = (y, weight, bias) => {
      const [outs, ins] = w.shape(weight);
      const matrix = g.constant(permuted(w.data(weight), [outs, ins], [1, 0]), [ins, outs]);
      return g.node("Add", [g.node("MatMul", [y, matrix]), w(bias)]);
    };
    const linear = (y, name) => project(y, `${name}.weight`, `${name}.bias`);
    const norm = (y, name) =>
      g.node("LayerNormalization", [y, w(`${name}.weight`), w(`${name}.bias`)], { axis: -1, epsilon: 1e-5 });
    const parts = g.node(
      "Split",
      [project(x, "selfAttn.inProjWeight", "selfAttn.inProjBias"), g.integers(features, features, features)],
      { axis: 2 },
      3,
    );
    const [q, k, v] = parts.map((part, i) => {
      const split = g.node("Reshape", [part, g.integers(n, t, heads, size)]);
      return g.node("Transpose", [split], { perm: i === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3] });
    });
    const scale = g.constant(Float32Array.of(1 / Math.sqrt(size)), [1]);
    const weights = g.node("Softmax", [g.node("Mul", [g.node("MatMul", [q, k]), scale])], { axis: -1 });
    const mixed = g.node("Transpose", [g.node("MatMul", [weights, v])], { perm: [0, 2, 1, 3] });
    const joined = g.node("Reshape", [mixed, g.integers(n, t, features)]);
    const attended = norm(g.node("Add", [x, linear(joined, "selfAttn.outProj")]), "norm1");
    const fed = linear(g.node("Relu", [linear(attended, "linear1")]), "linear2");
    return norm(g.node("Add", [attended, fed]), "norm2");
  },
  resnet18(g, x, w) {
    const convolve = (y, convolution, norm, size, stride) => {
      const pad = (size - 1) / 2;
      const attributes = { kernel_shape: [size, size], strides: [stride, stride], pads: [pad, pad, pad, pad] };
      const convolved = g.node("Conv", [y, w.filters(`${convolution}.weight`)], attributes);
      const names = ["weight", "bias", "runningMean", "runningVar"].map((name) => w(`${norm}.${name}`));
      return g.node("BatchNormalization", [convolved, ...names], { epsilon: 1e-5 });
    };
    const relu = (y) => g.node("Relu", [y]);
    const pool = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
    let y = g.node("MaxPool", [relu(convolve(x, "conv1", "bn1", 7, 2))], pool);
    for (let stage = 1; stage <= 4; stage++) {
      for (const block of [0, 1]) {
        const name = `layer${stage}.${block}`;
        const stride = stage > 1 && block === 0 ? 2 : 1;
        const inner = relu(convolve(y, `${name}.conv1`, `${name}.bn1`, 3, stride));
        const body = convolve(inner, `${name}.conv2`, `${name}.bn2`, 3, 1);
        const short = stride === 1 ? y : convolve(y, `${name}.downsample.0`, `${name}.downsample.1`, 1, 2);
        y = relu(g.node("Add", [body, short]));
      }
    }
    const flat = g.node("Flatten", [g.node("GlobalAveragePool", [y])]);
    return g.node("Gemm", [flat, w("fc.weight"), w("fc.bias")], { transB: 1 });
  },
};

/** Kernels, whose operands are all inputs. */
const KERNELS = {
  matmul(g, { a, b }, { transposeA, transposeB }) {
    if (!transposeA && !transposeB) return g.node("MatMul", [a, b]);
    return g.node("Gemm", [a, b], { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 });
  },
  conv: (g, { x, filters }) => g.node("Conv", [x, filters], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
  tanh: (g, { a, b, c }) => g.node("Tanh", [g.node("Add", [g.node("Mul", [a, b]), c])]),
  softmax: (g, { x }) => g.node("Softmax", [x], { axis: -1 }),
  layernorm: (g, { x, weight, bias }) => g.node("LayerNormalization", [x, weight, bias], { axis: -1, epsilon: 1e-5 }),
};
/** What each kernel reads. */
const OPERANDS = {
  matmul: ["a", "b"],
  conv: ["x", "filters"],
  tanh: ["a", "b", "c"],
  softmax: ["x"],
  layernorm: ["x", "weight", "bias"],
};

/** Gives weights as constants by name. */
function weightsOf(graph, specs, arrays) {
  const w = (name) => graph.constant(arrays[name], specs[name].shape);
  return Object.assign(w, {
    data: (name) => arrays[name],
    shape: (name) => specs[name].shape,
    filters(name) {
      const { shape } = specs[name];
      return graph.constant(
        permuted(arrays[name], shape, TO_OIHW),
        TO_OIHW.map((axis) => shape[axis]),
      );
    },
  });
}

export async function create({ backend, threads }) {
  const name = `onnxruntime-${backend}`;
  const ort = await import(name);
  if (backend === "web") {
    ort.env.wasm.numThreads = threads;
    ort.env.logLevel = "error";
  }
  return {
    version: versionOf(name),
    async open({ kind, weights, inputs, options }, arrays) {
      const specs = { ...weights, ...inputs };
      const graph = new Graph();
      const feeds = {};
      const feed = (name) => {
        const { shape } = specs[name];
        const image = shape.length === 4;
        const axes = name === "filters" ? TO_OIHW : TO_NCHW;
        const data = image ? permuted(arrays[name], shape, axes) : arrays[name];
        const sizes = image ? axes.map((axis) => shape[axis]) : shape;
        feeds[name] = new ort.Tensor("float32", data, sizes);
        return graph.input(name, sizes);
      };
      const output = kind.endsWith("Forward")
        ? MODELS[kind.slice(0, -"Forward".length)](graph, feed("x"), weightsOf(graph, specs, arrays), options)
        : KERNELS[kind](graph, Object.fromEntries(OPERANDS[kind].map((name) => [name, feed(name)])), options);
      const session = await ort.InferenceSession.create(graph.model(output), {
        executionProviders: [backend === "web" ? "wasm" : "cpu"],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        // threads that wait for work would take the cores of the others
        extra: { session: { intra_op: { allow_spinning: "0" } } },
      });
      const run = async () => (await session.run(feeds))[output];
      return {
        async run() {
          (await run()).dispose();
        },
        async outputs() {
          const { data, dims } = await run();
          return [dims.length === 4 ? permuted(data, dims, TO_NHWC) : data];
        },
      };
    },
  };
}
