/** What models and searches are given by mistake, and what they say to it; what the contract's rows refuse is not repeated. */
import { cpuJs } from "@neurite/backend-cpu-js";
import { type Device, full, setDefaultDevice, tensor } from "@neurite/core";
import { beforeEach, describe, expect, it } from "vitest";
import {
  type BeamOptions,
  beamSearch,
  FSMN,
  greedySearch,
  LeNet5,
  MLP,
  RecurrentEncoderDecoder,
  sample,
  WaveNet,
} from "../src/index.js";

let device: Device;
beforeEach(() => {
  device = cpuJs();
  setDefaultDevice(device);
});

/** A value that its type would not allow. */
const wrong = (value: unknown) => value as never;
const tokens = (data: number[], shape: number[]) => tensor(Int32Array.from(data), { shape });
const model = () => new RecurrentEncoderDecoder({ sourceTokens: 4, targetTokens: 4, features: 4 });
const beam = (options: Partial<BeamOptions>) => {
  const net = model();
  return beamSearch(net, net.encode(tokens([1], [1, 1])), { start: 1, end: 2, maxLength: 3, ...options });
};
const small = { levels: 4, layers: 1, cycles: 1, residual: 2, skip: 2 };

describe("a mistake", () => {
  it.each<[string, () => unknown, RegExp]>([
    ["a number for sizes", () => new MLP(wrong(3)), /MLP: sizes expects at least two.*received 3/],
    [
      "a word for an activation",
      () => new MLP([2, 2, 2], { activation: wrong("tanh") }),
      /activation expects a function.*makes a layer/,
    ],
    [
      "half a layer",
      () => new FSMN({ inputs: 2, outputs: 2, layers: 1.5 }),
      /FSMN: layers expects an integer, 0 or above/,
    ],
    [
      "a look back for one ahead",
      () => new FSMN({ inputs: 2, outputs: 2, ahead: -1 }),
      /FSMN: ahead expects an integer/,
    ],
    ["negative padding", () => new LeNet5({ padding: -1, size: 40 }), /LeNet5: padding expects an integer, 0 or above/],
    ["a negative condition", () => new WaveNet({ ...small, condition: -1 }), /WaveNet: condition expects an integer/],
    [
      "the loss of a single sample",
      () => new WaveNet(small).loss(tokens([1], [1, 1])),
      /WaveNet: samples expects \[n, time\] with at least two steps.*received \[1, 1\]/,
    ],
    [
      "a start between two tokens",
      () => greedySearch(model(), model().encode(tokens([1], [1, 1])), { start: 1.5, steps: 2 }),
      /greedySearch: start expects the number of a token, or one for each row, but received 1.5/,
    ],
  ])("is explained: %s", (_, call, message) => {
    expect(call).toThrow(message);
  });

  it("in the options of a beam search is explained", async () => {
    await expect(beam({ end: wrong(undefined) })).rejects.toThrow(/end expects the number of the token that ends/);
    await expect(beam({ start: wrong(undefined) })).rejects.toThrow(/start expects the number of a token/);
    await expect(beam({ lengthPenalty: Number.NaN })).rejects.toThrow(/lengthPenalty expects a finite number/);
  });

  it("in the weights ends a search at the first NaN, with nothing left behind", async () => {
    const net = model();
    net.output.bias!.assign(full([4], Number.NaN));
    const encoded = net.encode(tokens([1, 2], [1, 2]));
    const before = device.memory().storages;
    const message = /logits expects numbers, but received NaN.*checkFinite/;
    await expect(beamSearch(net, encoded, { start: 1, end: 2, maxLength: 3 })).rejects.toThrow(message);
    await expect(sample(net, encoded, { start: 1, steps: 3 })).rejects.toThrow(message);
    expect(device.memory().storages).toBe(before);
  });
});
