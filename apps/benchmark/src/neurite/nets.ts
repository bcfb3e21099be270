/** Nets: training steps with the loss read back, and forward passes. */
import { inference, valueAndGrad } from "@neurite/autograd";
import { crossEntropy, type Device, mean, square, sub, type Tensor } from "@neurite/core";
import {
  Conv2d,
  Flatten,
  type InitOptions,
  type Layer,
  Linear,
  LSTM,
  MaxPool2d,
  type Module,
  ReLU,
  Sequential,
  Tanh,
  TransformerEncoderLayer,
} from "@neurite/layers";
import { ResNet, Translator } from "@neurite/models";
import { Adam, SGD } from "@neurite/optimizers";
import type { Kind, Tensors } from "./adapter.js";

/** A net and how it is used. */
interface Net {
  readonly model: Module;
  readonly forward: (x: Tensor) => Tensor;
  readonly loss: () => Tensor;
}

type MakeNet = (init: InitOptions, tensors: Tensors, heads: number) => Net;

const squaredError = (y: Tensor, target: Tensor) => mean(square(sub(y, target)));

/** A classifier of x by labels. */
const classifier = (model: Layer, { x, labels }: Tensors): Net => ({
  model,
  forward: (images) => model.forward(images),
  loss: () => crossEntropy(model.forward(x!), labels!),
});

const NETS: Readonly<Record<string, MakeNet>> = {
  mlp: (init, tensors) =>
    classifier(
      new Sequential(
        new Linear(784, 512, init),
        new ReLU(),
        new Linear(512, 256, init),
        new ReLU(),
        new Linear(256, 10, init),
      ),
      tensors,
    ),
  cnn: (init, tensors) =>
    classifier(
      new Sequential(
        new Conv2d(1, 32, 3, init),
        new ReLU(),
        new MaxPool2d(2),
        new Conv2d(32, 64, 3, init),
        new ReLU(),
        new MaxPool2d(2),
        new Flatten(),
        new Linear(1600, 128, init),
        new ReLU(),
        new Linear(128, 10, init),
      ),
      tensors,
    ),
  lstm: (init, { x, target }) => {
    const model = new LSTM(128, 256, init);
    const forward = (inputs: Tensor) => model.forward(inputs).output;
    return { model, forward, loss: () => squaredError(forward(x!), target!) };
  },
  transformer: (init, { x, target }, heads) => {
    const model = new TransformerEncoderLayer(256, heads, { feedForward: 1024, dropout: 0, ...init });
    const forward = (inputs: Tensor) => model.forward(inputs);
    return { model, forward, loss: () => squaredError(forward(x!), target!) };
  },
  tiny: (init, { x, target }) => {
    const model = new Sequential(new Linear(2, 16, init), new Tanh(), new Linear(16, 1, init));
    const forward = (inputs: Tensor) => model.forward(inputs);
    return { model, forward, loss: () => squaredError(forward(x!), target!) };
  },
  translate: (init, { source, targetIn, targetOut }) => {
    const model = new Translator({ sourceTokens: 34, targetTokens: 31, ...init });
    return {
      model,
      forward: (tokens) => model.forward(tokens, targetIn!),
      loss: () => model.loss(source!, targetIn!, targetOut!),
    };
  },
  resnet18: (init, tensors) => classifier(new ResNet(18, init), tensors),
};

function load(make: MakeNet, device: Device, tensors: Tensors, names: readonly string[], heads: unknown): Net {
  const net = make({ device }, tensors, Number(heads));
  net.model.loadStateDict(Object.fromEntries(names.map((name) => [name, tensors[name]!])));
  return net;
}

const training =
  (make: MakeNet): Kind =>
  ({ device, tensors, workload: { kind, weights, options } }) => {
    const { model, loss } = load(make, device, tensors, Object.keys(weights), options.heads);
    const settings = {
      learningRate: Number(options.learningRate),
      ...(options.clipNorm ? { clipNorm: Number(options.clipNorm) } : {}),
    };
    const parameters = model.parameters();
    const optimizer = kind === "tiny" ? new SGD(parameters, settings) : new Adam(parameters, settings);
    const step = valueAndGrad(loss, parameters);
    return {
      run() {
        const { value, grads } = step();
        optimizer.step(grads);
        return value.itemSync();
      },
    };
  };

const forwardPass =
  (make: MakeNet): Kind =>
  ({ device, tensors, workload: { weights, options } }) => {
    const { model, forward } = load(make, device, tensors, Object.keys(weights), options.heads);
    model.eval();
    const predict = inference(forward);
    const { x } = tensors;
    return { run: () => predict(x!), outputs: () => [predict(x!).dataSync()] };
  };

export const nets: Readonly<Record<string, Kind>> = Object.fromEntries(
  Object.entries(NETS).flatMap(([name, make]) => [
    [name, training(make)],
    [`${name}Forward`, forwardPass(make)],
  ]),
);
