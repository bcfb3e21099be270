/**
 * brain.js 1.6.1 on the tiny net. It learns by another rule: weights change after each example, not after the four of the
 * batch, and tanh is applied to the output too. So its losses are its own.
 */
import { createRequire } from "node:module";
import { versionOf } from "./version.mjs";

const require = createRequire(import.meta.url);
const brain = require("brain.js");

export async function create() {
  return {
    version: versionOf("brain.js"),
    open({ options }, arrays) {
      const net = new brain.NeuralNetwork({
        hiddenLayers: [16],
        activation: "tanh",
        learningRate: options.learningRate,
      });
      net.momentum = 0;
      net.sizes = [2, 16, 1];
      net.initialize();
      // per layer and unit: its bias, its weights
      const sizes = net.sizes;
      for (const [layer, name] of [
        [1, "0"],
        [2, "2"],
      ]) {
        for (let unit = 0; unit < sizes[layer]; unit++) {
          net.biases[layer][unit] = arrays[`${name}.bias`][unit];
          for (let k = 0; k < sizes[layer - 1]; k++) {
            net.weights[layer][unit][k] = arrays[`${name}.weight`][unit * sizes[layer - 1] + k];
          }
        }
      }
      const examples = Array.from({ length: 4 }, (_, i) => ({
        input: arrays.x.slice(2 * i, 2 * i + 2),
        output: arrays.target.slice(i, i + 1),
      }));
      return {
        run() {
          let sum = 0;
          for (const { input, output } of examples) {
            net.runInput(input);
            net.calculateDeltas(output);
            net.adjustWeights();
            sum += net.errors[2][0] ** 2;
          }
          return sum / examples.length;
        },
      };
    },
  };
}
