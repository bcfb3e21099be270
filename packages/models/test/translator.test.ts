import { checkGradients, inference, valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import { type Device, Generator, randomIntegers, setDefaultDevice, slice, type Tensor, tensor } from "@neurite/core";
import { Adam } from "@neurite/optimizers";
import { beforeAll, describe, expect, it } from "vitest";
import { Translator } from "../src/index.js";

let device: Device;
beforeAll(() => {
  device = cpuJs();
  setDefaultDevice(device);
});

const small = (dtype: "float32" | "float64" = "float32") =>
  new Translator({ sourceTokens: 7, targetTokens: 6, features: 8, dtype, generator: new Generator(5) });
const tokens = (rows: number[][]) => tensor(new Int32Array(rows.flat()), { shape: [rows.length, rows[0]!.length] });

const SOURCE = [
  [4, 5, 6, 4],
  [5, 4, 0, 0],
];
const TARGET_IN = [
  [1, 4, 5],
  [1, 5, 0],
];
const TARGET_OUT = [
  [4, 5, 2],
  [5, 2, 0],
];

describe("Translator", () => {
  it("has the parameters its sizes say", () => {
    const model = new Translator({ sourceTokens: 34, targetTokens: 31 });
    const count = Object.values(model.parameters()).reduce((n, parameter) => n + parameter.size, 0);
    const direction = 4 * 32 * (64 + 32 + 2);
    const decoder = 4 * 64 * (128 + 64 + 2);
    expect(count).toBe(34 * 64 + 31 * 64 + 2 * direction + decoder + 64 * 64 + (128 + 1) * 31);
    expect(count).toBe(87_007);
    const logits = model.forward(randomIntegers([3, 11], 1, 34), randomIntegers([3, 19], 1, 31));
    expect(logits.shape).toEqual([3, 19, 31]);
  });

  it("gives a padded sentence the logits of the sentence alone", () => {
    const model = small("float64");
    const both = model.forward(tokens(SOURCE), tokens(TARGET_IN));
    const alone = model.forward(tokens([[5, 4]]), tokens([[1, 5, 0]]));
    const expected = Array.from(alone.dataSync());
    Array.from(slice(both, [1]).dataSync()).forEach((value, i) => void expect(value).toBeCloseTo(expected[i]!, 12));
  });

  it("has the gradients of central differences, in every parameter", () => {
    const model = small("float64");
    for (const [name, parameter] of Object.entries(model.parameters())) {
      const value = tensor(parameter.dataSync() as Float64Array, { shape: parameter.shape });
      const report = checkGradients(
        (w) => {
          const { storage, offset, strides, key } = parameter;
          parameter.rebind(w);
          try {
            return model.loss(tokens(SOURCE), tokens(TARGET_IN), tokens(TARGET_OUT));
          } finally {
            parameter.rebind({ storage, offset, strides, key });
          }
        },
        [value],
      );
      expect(report.maxError, `${name}: ${report.worst}`).toBeLessThan(1e-7);
    }
  });

  it("overfits one batch, decodes it, and grows by nothing meanwhile", () => {
    const model = small();
    const optimizer = new Adam(model.parameters(), { learningRate: 0.02 });
    const [source, targetIn, targetOut] = [SOURCE, TARGET_IN, TARGET_OUT].map(tokens) as [Tensor, Tensor, Tensor];
    const step = valueAndGrad(() => model.loss(source, targetIn, targetOut), model.parameters());
    const counts = new Set<number>();
    let last = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 150; i++) {
      const { value, grads } = step();
      last = value.itemSync();
      optimizer.step(grads);
      counts.add(device.memory().storages);
    }
    expect(last).toBeLessThan(0.01);
    expect(counts.size).toBe(1);
    const decode = inference((x: Tensor) => model.greedy(x, 1, 3));
    const written = Array.from(decode(source).dataSync());
    expect(written.slice(0, 3)).toEqual(TARGET_OUT[0]);
    expect(written.slice(3, 5)).toEqual(TARGET_OUT[1]!.slice(0, 2));
  });

  it("survives a state dict round trip", () => {
    const [a, b] = [small(), new Translator({ sourceTokens: 7, targetTokens: 6, features: 8 })];
    b.loadStateDict(a.stateDict());
    const run = (model: Translator) => Array.from(model.forward(tokens(SOURCE), tokens(TARGET_IN)).dataSync());
    expect(run(b)).toEqual(run(a));
  });

  it("names the module in an error", () => {
    expect(() => small().forward(tokens([[9]]), tokens(TARGET_IN))).toThrow(
      /received 9.*\(in module sourceEmbedding\)/,
    );
  });
});
