/**
 * ConvNetJS on the tiny net. Of an error e it reports the loss 2e² but descends along e, half of the gradient of e²: hence
 * the doubled learning rate and the halved losses.
 */
import { createRequire } from "node:module";
import { versionOf } from "./version.mjs";

const require = createRequire(import.meta.url);
const convnet = require("convnetjs");

export async function create() {
  return {
    version: versionOf("convnetjs"),
    open({ options }, arrays) {
      const net = new convnet.Net();
      net.makeLayers([
        { type: "input", out_sx: 1, out_sy: 1, out_depth: 2 },
        { type: "fc", num_neurons: 16, activation: "tanh" },
        { type: "regression", num_neurons: 1 },
      ]);
      const dense = net.layers.filter((layer) => layer.layer_type === "fc");
      ["0", "2"].forEach((name, i) => {
        const { filters, biases, num_inputs: inputs } = dense[i];
        filters.forEach((filter, unit) => {
          for (let k = 0; k < inputs; k++) filter.w[k] = arrays[`${name}.weight`][unit * inputs + k];
          biases.w[unit] = arrays[`${name}.bias`][unit];
        });
      });
      const trainer = new convnet.SGDTrainer(net, {
        learning_rate: 2 * options.learningRate,
        momentum: 0,
        batch_size: 4,
        l2_decay: 0,
      });
      const examples = Array.from({ length: 4 }, (_, i) => {
        const x = new convnet.Vol(1, 1, 2, 0);
        x.w.set(arrays.x.subarray(2 * i, 2 * i + 2));
        return { x, target: [arrays.target[i]] };
      });
      return {
        run() {
          let sum = 0;
          for (const { x, target } of examples) sum += trainer.train(x, target).cost_loss;
          return sum / (2 * examples.length);
        },
      };
    },
  };
}
