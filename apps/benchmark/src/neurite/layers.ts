/** One layer, forward and backward: the gradients by its input, where it has one, and by its parameters. */

import type { Tensor } from "@neurite/core";
import {
  BatchNorm2d,
  Conv1d,
  Conv2d,
  Embedding,
  GRU,
  type InitOptions,
  LayerNorm,
  Linear,
  LSTM,
  MaxPool2d,
  type Module,
  MultiHeadAttention,
} from "@neurite/layers";
import type { Kind } from "./adapter.js";
import { pullBack } from "./kernels.js";

interface Run {
  readonly model: Module;
  readonly forward: (x: Tensor) => Tensor;
}

const plain = <M extends Module & { forward(x: Tensor): Tensor }>(model: M): Run => ({
  model,
  forward: (x) => model.forward(x),
});
const sequence = (model: LSTM | GRU): Run => ({ model, forward: (x) => model.forward(x).output });

const LAYERS: Readonly<Record<string, (init: InitOptions) => Run>> = {
  linear: (init) => plain(new Linear(512, 512, init)),
  conv1d: (init) => plain(new Conv1d(64, 64, 3, { padding: 1, ...init })),
  conv2d: (init) => plain(new Conv2d(32, 64, 3, { padding: 1, ...init })),
  maxPool2d: () => plain(new MaxPool2d(2)),
  batchNorm: (init) => plain(new BatchNorm2d(64, { trackRunningStats: false, ...init })),
  layerNorm: (init) => plain(new LayerNorm(256, init)),
  embedding: (init) => plain(new Embedding(1000, 64, init)),
  lstm: (init) => sequence(new LSTM(64, 128, init)),
  gru: (init) => sequence(new GRU(64, 128, init)),
  attention: (init) => {
    const model = new MultiHeadAttention(128, 4, init);
    return { model, forward: (x) => model.forward(x, x, x) };
  },
};

export const layers: Readonly<Record<string, Kind>> = Object.fromEntries(
  Object.entries(LAYERS).map(([name, make]): [string, Kind] => [
    `${name}Layer`,
    ({ device, tensors, workload: { weights } }) => {
      const { model, forward } = make({ device });
      const names = Object.keys(weights);
      model.loadStateDict(Object.fromEntries(names.map((weight) => [weight, tensors[weight]!])));
      const parameters = model.parameters();
      const { x, dy } = tensors;
      const sources = [...(x!.dtype === "float32" ? [x!] : []), ...names.map((weight) => parameters[weight]!)];
      return pullBack(sources, () => forward(x!), dy!);
    },
  ]),
);
