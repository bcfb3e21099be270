/** Whole training steps: forward, backward and update, with the loss read back. */
import { valueAndGrad } from "@neurite/autograd";
import {
  crossEntropy,
  type Device,
  Generator,
  mean,
  normal,
  randomIntegers,
  relu,
  reshape,
  square,
  sub,
  type Tensor,
  tanh,
} from "@neurite/core";
import { Conv2d, Linear, LSTM, MaxPool2d, Module, TransformerEncoderLayer } from "@neurite/layers";
import { Translator } from "@neurite/models";
import { Adam, type Optimizer, SGD } from "@neurite/optimizers";
import type { Workload } from "../workload.js";

/** A device with one stream of random numbers for everything made on it. */
interface Place {
  readonly device: Device;
  readonly generator: Generator;
}

interface Task {
  readonly model: Module;
  readonly loss: () => Tensor;
}

function training(
  id: string,
  repeat: number,
  make: (place: Place) => Task,
  optimize: (model: Module) => Optimizer = (model) => new Adam(model.parameters()),
): Workload {
  return {
    suite: "training",
    id,
    repeat,
    setUp(device) {
      const { model, loss } = make({ device, generator: new Generator(1) });
      const optimizer = optimize(model);
      const step = valueAndGrad(loss, model.parameters());
      return () => {
        const { value, grads } = step();
        optimizer.step(grads);
        value.itemSync();
      };
    },
  };
}

class Perceptron extends Module {
  readonly layers: readonly Linear[];
  constructor(
    sizes: readonly number[],
    place: Place,
    readonly activation: (x: Tensor) => Tensor = relu,
  ) {
    super();
    this.layers = sizes.slice(1).map((size, i) => new Linear(sizes[i]!, size, place));
  }
  forward(x: Tensor): Tensor {
    return this.layers.reduce((y, layer, i) => {
      const z = layer.forward(y);
      return i < this.layers.length - 1 ? this.activation(z) : z;
    }, x);
  }
}

class ConvNet extends Module {
  readonly first: Conv2d;
  readonly second: Conv2d;
  readonly pool = new MaxPool2d(2);
  readonly hidden: Linear;
  readonly output: Linear;
  constructor(place: Place) {
    super();
    this.first = new Conv2d(1, 32, 3, place);
    this.second = new Conv2d(32, 64, 3, place);
    this.hidden = new Linear(5 * 5 * 64, 128, place);
    this.output = new Linear(128, 10, place);
  }
  forward(x: Tensor): Tensor {
    const once = this.pool.forward(relu(this.first.forward(x)));
    const twice = this.pool.forward(relu(this.second.forward(once)));
    return this.output.forward(relu(this.hidden.forward(reshape(twice, [x.shape[0]!, -1]))));
  }
}

const mlp = training("mlp_train", 1, (place) => {
  const model = new Perceptron([784, 512, 256, 10], place);
  const x = normal([128, 784], 0, 1, place);
  const y = randomIntegers([128], 0, 10, place);
  return { model, loss: () => crossEntropy(model.forward(x), y) };
});

const cnn = training("cnn_train", 1, (place) => {
  const model = new ConvNet(place);
  const x = normal([64, 28, 28, 1], 0, 1, place);
  const y = randomIntegers([64], 0, 10, place);
  return { model, loss: () => crossEntropy(model.forward(x), y) };
});

const lstm = training("lstm_train", 1, (place) => {
  const model = new LSTM(128, 256, place);
  const x = normal([32, 32, 128], 0, 1, place);
  return { model, loss: () => mean(square(model.forward(x).output)) };
});

const transformer = training("transformer_train", 1, (place) => {
  const model = new TransformerEncoderLayer(256, 8, { feedForward: 1024, dropout: 0, ...place });
  const x = normal([8, 64, 256], 0, 1, place);
  return { model, loss: () => mean(square(model.forward(x))) };
});

const tiny = training(
  "tiny_train",
  200,
  (place) => {
    const model = new Perceptron([2, 16, 1], place, tanh);
    const x = normal([4, 2], 0, 1, place);
    const y = normal([4, 1], 0, 1, place);
    return { model, loss: () => mean(square(sub(model.forward(x), y))) };
  },
  (model) => new SGD(model.parameters(), { learningRate: 0.1 }),
);

const translate = training(
  "translate_train",
  1,
  (place) => {
    const model = new Translator({ sourceTokens: 35, targetTokens: 31, ...place });
    const source = randomIntegers([64, 11], 1, 35, place);
    const targetIn = randomIntegers([64, 19], 1, 31, place);
    const targetOut = randomIntegers([64, 19], 1, 31, place);
    return { model, loss: () => model.loss(source, targetIn, targetOut) };
  },
  (model) => new Adam(model.parameters(), { learningRate: 3e-3, clipNorm: 1 }),
);

export const trainingSuite: readonly Workload[] = [mlp, cnn, lstm, transformer, tiny, translate];
