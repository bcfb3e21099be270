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
  {
    name: "resnet-emoji",
    section: "8.2.3",
    title: "A residual network tells kinds of emoji apart",
    load: async () => (await import("./resnet-emoji.js")).resnetEmoji,
  },
  {
    name: "optimizers",
    section: "8.4.1",
    title: "ADAM and its relatives on one task",
    load: async () => (await import("./optimizers.js")).optimizers,
  },
  {
    name: "regularization",
    section: "8.4.2",
    title: "Ten ways against overfitting",
    load: async () => (await import("./regularization.js")).regularization,
  },
  {
    name: "schedules",
    section: "8.4.3",
    title: "Eight schedules of the learning rate",
    load: async () => (await import("./schedules.js")).schedules,
  },
  {
    name: "learning-curves",
    section: "8.4.3",
    title: "The three learning curves of three networks",
    load: async () => (await import("./learning-curves.js")).learningCurves,
  },
];
