// Valid calls of the constructors of layers, and of the functions beside them.

import { Generator } from "@neurite/core";
import * as layers from "@neurite/layers";
import { type Calls, count, options, whole } from "./walk.js";

const init = () => ({ dtype: "float32", generator: new Generator(1) });
const made = (name: keyof typeof layers, args: () => readonly unknown[]): Calls => ({
  [name]: {
    run: (...given: never[]) => new (functions.get(name) as new (...all: never[]) => unknown)(...given),
    args,
  },
});
const functions = new Map<string, unknown>(Object.entries(layers));
const recurrent = () => ({ ...init(), layers: count(1), bidirectional: true, dropout: 0.1, bias: true });
const transformer = () => ({ ...init(), feedForward: count(4), dropout: 0.1, activation: "gelu", normFirst: true });

export const LAYERS: Calls = {
  ...made("Linear", () => [count(2), count(3), options({ ...init(), bias: true, activation: "relu" })]),
  ...made("Embedding", () => [count(4), count(2), options(init())]),
  ...made("Conv1d", () => [count(2), count(4), count(3), options({ ...init(), bias: true, groups: count(2) })]),
  ...made("Conv2d", () => [count(2), count(4), [count(3), count(3)], options({ ...init(), stride: 2, padding: 1 })]),
  ...made("ConvTranspose2d", () => [count(2), count(4), count(3), options({ ...init(), outputPadding: 0 })]),
  ...made("MaxPool2d", () => [count(2), options({ stride: 2, padding: 0, dilation: 1, ceilMode: true })]),
  ...made("AvgPool2d", () => [count(2), options({ stride: 2, padding: 0, countIncludePad: true, ceilMode: true })]),
  ...made("AdaptiveAvgPool2d", () => [count(2)]),
  ...made("BatchNorm", () => [count(2), options({ ...init(), eps: 1e-5, momentum: 0.1, affine: true })]),
  ...made("LayerNorm", () => [[count(2)], options({ ...init(), eps: 1e-5, affine: true, bias: true })]),
  ...made("RMSNorm", () => [[count(2)], options({ ...init(), eps: 1e-5, affine: true })]),
  ...made("GroupNorm", () => [count(2), count(4), options({ ...init(), eps: 1e-5, affine: true })]),
  ...made("Dropout", () => [0.5, options(init())]),
  ...made("AlphaDropout", () => [0.5, options(init())]),
  ...made("Dropout2d", () => [0.5, options(init())]),
  ...made("RNNCell", () => [count(2), count(3), options({ ...init(), bias: true, nonlinearity: "relu" })]),
  ...made("LSTMCell", () => [count(2), count(3), options({ ...init(), bias: true })]),
  ...made("GRUCell", () => [count(2), count(3), options({ ...init(), bias: true })]),
  ...made("HORNNCell", () => [count(2), count(3), options({ ...init(), bias: true, order: count(2) })]),
  ...made("RNN", () => [count(2), count(3), options({ ...recurrent(), nonlinearity: "relu" })]),
  ...made("LSTM", () => [count(2), count(3), options(recurrent())]),
  ...made("GRU", () => [count(2), count(3), options(recurrent())]),
  ...made("HORNN", () => [count(2), count(3), options({ ...recurrent(), order: count(2) })]),
  ...made("Attention", () => [
    options({ ...init(), score: "bilinear", queryFeatures: count(2), keyFeatures: count(2) }),
  ]),
  ...made("AdditiveScore", () => [count(2), count(2), count(2), options(init())]),
  ...made("TapAttention", () => [count(2), options({ ...init(), queryFeatures: count(2), keyFeatures: count(2) })]),
  ...made("ColumnAttention", () => [options({ ...init(), score: "dot", queryFeatures: count(2) })]),
  ...made("ColumnTransformerLayer", () => [
    count(4),
    count(2),
    options({ ...init(), feedForward: count(4), eps: 1e-5 }),
  ]),
  ...made("MultiHeadAttention", () => [count(4), count(2), options({ ...init(), dropout: 0.1, bias: true })]),
  ...made("TransformerEncoderLayer", () => [count(4), count(2), options(transformer())]),
  ...made("TransformerDecoderLayer", () => [count(4), count(2), options(transformer())]),
  ...made("TransformerEncoder", () => [count(4), count(2), options({ ...transformer(), layers: count(1) })]),
  ...made("TransformerDecoder", () => [count(4), count(2), options({ ...transformer(), layers: count(1) })]),
  ...made("Transformer", () => [
    count(4),
    count(2),
    options({ ...transformer(), encoderLayers: count(1), decoderLayers: count(1) }),
  ]),
  ...made("SinusoidalEncoding", () => [count(4)]),
  ...made("LearnedEncoding", () => [count(4), count(4), options(init())]),
  ...made("TappedDelayLine", () => [count(4), count(2), options({ ...init(), vector: true })]),
  ...made("UnitDelay", () => [count(4)]),
  ...made("PReLU", () => [count(2), options({ ...init(), initial: 0.25 })]),
  ...made("Softmax", () => [whole(-1)]),
  ...made("LogSoftmax", () => [whole(-1)]),
  ...made("GLU", () => [whole(-1)]),
  ...made("Flatten", () => [whole(1), whole(-1)]),
  ...made("Upsample", () => [count(2)]),
  ...made("Hardtanh", () => [-1, 1]),
  causalMask: { run: layers.causalMask, args: () => [count(3), options({})] },
  sinusoidalTable: {
    run: layers.sinusoidalTable,
    args: () => [count(3), count(4), options({ start: whole(1), dtype: "float32" })],
  },
  initXavierUniform: {
    run: layers.initXavierUniform,
    args: () => [[count(2), count(3)], options({ ...init(), gain: 1, layout: "out,in" })],
  },
  initKaimingNormal: {
    run: layers.initKaimingNormal,
    args: () => [[count(2), count(3)], options({ ...init(), gain: 1, mode: "out", layout: "out,in" })],
  },
  initOrthogonal: {
    run: layers.initOrthogonal,
    args: () => [[count(2), count(3)], options({ ...init(), gain: 1, layout: "out,in" })],
  },
};
