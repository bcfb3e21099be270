/** The list of examples, in the order of the chapter. An example's file is loaded when it runs. */
import type { Entry } from "../example.js";

export const EXAMPLES: readonly Entry[] = [
  {
    name: "universal-approximator",
    section: "8.1.2",
    title: "The wider the layer, the closer the function",
    load: async () => (await import("./universal-approximator.js")).universalApproximator,
  },
  {
    name: "building-blocks",
    section: "8.2.1",
    title: "Activations, softmax, pooling, and their costs",
    load: async () => (await import("./building-blocks.js")).buildingBlocks,
  },
  {
    name: "normalization",
    section: "8.2.1",
    title: "A deep network with and without norms",
    load: async () => (await import("./normalization.js")).normalization,
  },
  {
    name: "tapped-delay-line",
    section: "8.2.1",
    title: "Delay lines find a filter, a loop rings",
    load: async () => (await import("./tapped-delay-line.js")).tappedDelayLine,
  },
  {
    name: "dnn-mnist",
    section: "8.2.2",
    title: "A fully connected network reads digits",
    load: async () => (await import("./dnn-mnist.js")).dnnMnist,
  },
  {
    name: "cnn-mnist",
    section: "8.2.3",
    title: "A convolutional network reads digits",
    load: async () => (await import("./cnn-mnist.js")).cnnMnist,
  },
  {
    name: "resnet-emoji",
    section: "8.2.3",
    title: "A residual network tells kinds of emoji apart",
    load: async () => (await import("./resnet-emoji.js")).resnetEmoji,
  },
  {
    name: "rnn-memory",
    section: "8.2.4",
    title: "How far back RNN, LSTM, GRU and HORNN see",
    load: async () => (await import("./rnn-memory.js")).rnnMemory,
  },
  {
    name: "rnn-text",
    section: "8.2.4",
    title: "First names, letter by letter, with each cell",
    load: async () => (await import("./rnn-text.js")).rnnText,
  },
  {
    name: "transformer",
    section: "8.2.5",
    title: "A small transformer writes like Moby-Dick",
    load: async () => (await import("./transformer.js")).transformer,
  },
  {
    name: "loss-functions",
    section: "8.3.1",
    title: "Squares, cross-entropy, smoothed labels, Huber",
    load: async () => (await import("./loss-functions.js")).lossFunctions,
  },
  {
    name: "automatic-differentiation",
    section: "8.3.2",
    title: "Gradients, their gradients, and Jacobians",
    load: async () => (await import("./automatic-differentiation.js")).automaticDifferentiation,
  },
  {
    name: "mini-batch-sgd",
    section: "8.3.3",
    title: "SGD by 1, 16, 128 and all examples",
    load: async () => (await import("./mini-batch-sgd.js")).miniBatchSgd,
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
    title: "Nine ways against overfitting",
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
  {
    name: "autoencoder",
    section: "8.5",
    title: "From 784 pixels to 16 numbers and back",
    load: async () => (await import("./autoencoder.js")).autoencoder,
  },
  {
    name: "wavenet",
    section: "8.5",
    title: "WaveNet hears a voice and goes on",
    load: async () => (await import("./wavenet.js")).wavenet,
  },
  {
    name: "sequence-to-sequence",
    section: "8.5.1",
    title: "From spelling to pronunciation, in three ways",
    load: async () => (await import("./sequence-to-sequence.js")).sequenceToSequence,
  },
  {
    name: "question-answering",
    section: "8.5.1",
    title: "Answers from a question and a fact",
    load: async () => (await import("./question-answering.js")).questionAnswering,
  },
];
