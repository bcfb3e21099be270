/** The list of examples, in the order of the chapter. An example's file is loaded when it runs. */
import type { Entry } from "../example.js";

export const EXAMPLES: readonly Entry[] = [
  {
    name: "universal-approximator",
    section: "8.1.2",
    title: "One hidden layer approximates a function, the better the wider it is",
    load: async () => (await import("./universal-approximator.js")).universalApproximator,
  },
  {
    name: "dnn-mnist",
    section: "8.2.2",
    title: "A fully connected network reads handwritten digits",
    load: async () => (await import("./dnn-mnist.js")).dnnMnist,
  },
  {
    name: "cnn-mnist",
    section: "8.2.3",
    title: "A convolutional network reads handwritten digits",
    load: async () => (await import("./cnn-mnist.js")).cnnMnist,
  },
];
