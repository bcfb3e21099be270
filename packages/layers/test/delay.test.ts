import { cpuJs } from "@neurite/backend-cpu-js";
import { add, concat, flip, mul, reshape, setDefaultDevice, slice, type Tensor, tensor, zeros } from "@neurite/core";
import { describe, expect, it } from "vitest";
import {
  Conv1d,
  FeedbackLoop,
  Linear,
  Module,
  Recurrent,
  RNN,
  Tanh,
  TappedDelayLine,
  UnitDelay,
} from "../src/index.js";
import { distance, float64, random, values } from "./describe-layer.js";

setDefaultDevice(cpuJs());

describe("UnitDelay", () => {
  it("gives what came a step before", () => {
    const y = tensor([1, 2, 3, 4, 5, 6], { shape: [1, 3, 2] });
    expect(values(new UnitDelay(2).forward(y))).toEqual([0, 0, 1, 2, 3, 4]);
    expect(values(new UnitDelay(2).forward(y, tensor([8, 9], { shape: [1, 1, 2] })))).toEqual([8, 9, 1, 2, 3, 4]);
    expect(new UnitDelay(2).forward(zeros([2, 0, 2])).shape).toEqual([2, 0, 2]);
  });
});

/** x + fed. */
class Sum extends Module {
  forward(x: Tensor, fed: Tensor): Tensor {
    return add(x, fed);
  }
}

/** tanh(W x + fed). */
class Neurons extends Module {
  constructor(readonly linear: Linear) {
    super();
  }
  forward(x: Tensor, fed: Tensor): Tensor {
    return new Tanh().forward(add(this.linear.forward(x), fed));
  }
}

describe("FeedbackLoop", () => {
  const run = (path: ConstructorParameters<typeof FeedbackLoop>[3], x: Tensor) =>
    new Recurrent(() => new FeedbackLoop(1, 1, new Sum(), path), 1).forward(x);

  it("adds up what it hears through one delay, and every other value through two", () => {
    const x = tensor([1, 2, 3, 4, 5], { shape: [1, 5, 1] });
    expect(values(run([new UnitDelay(1)], x).output)).toEqual([1, 3, 6, 10, 15]);
    expect(values(run([new UnitDelay(1), new UnitDelay(1)], x).output)).toEqual([1, 2, 4, 6, 9]);
  });

  it("with a full connection on the way back is the recurrent network", () => {
    const rnn = new RNN(2, 3, float64());
    const { weightIhL0, weightHhL0, biasIhL0, biasHhL0 } = rnn.parameters();
    const [ahead, back] = [new Linear(2, 3, float64(1)), new Linear(3, 3, { bias: false, ...float64(2) })];
    ahead.loadStateDict({ weight: weightIhL0!, bias: add(biasIhL0!, biasHhL0!) });
    back.loadStateDict({ weight: weightHhL0! });
    const x = random([2, 4, 2]);
    for (const path of [
      [back, new UnitDelay(3)],
      [new UnitDelay(3), back],
    ]) {
      const loop = new Recurrent(() => new FeedbackLoop(2, 3, new Neurons(ahead), path), 2);
      const result = loop.forward(x, { lengths: [4, 2] });
      expect(distance(values(result.output), values(rnn.forward(x, { lengths: [4, 2] }).output))).toBeLessThan(1e-14);
      expect(Object.keys(result.state)).toEqual(["h", "z1"]);
      expect(Object.keys(loop.parameters()).toSorted()).toEqual(
        ["block.linear.bias", "block.linear.weight", `path.${path.indexOf(back)}.weight`].map(
          (name) => `cells.0.${name}`,
        ),
      );
    }
  });

  it("refuses a cycle without a delay, and a delay of another width", () => {
    expect(() => run([], zeros([1, 1, 1]))).toThrow(
      /FeedbackLoop: path expects a UnitDelay among its layers, but received no layers\. A cycle without a delay/,
    );
    expect(() => run([new Linear(1, 1), new Tanh()], zeros([1, 1, 1]))).toThrow(/received 2 layers without one/);
    const wide = [new UnitDelay(2)];
    expect(() => run(wide, zeros([1, 1, 1]))).toThrow(
      /the block's output expects shape \[1, 1\], but received \[1, 2\]/,
    );
    const narrowed = [new UnitDelay(2), new Linear(2, 1)];
    expect(() => run(narrowed, zeros([1, 1, 1]))).toThrow(/input of delay 1 expects shape \[1, 2\]/);
  });
});

describe("TappedDelayLine", () => {
  const [n, time, features] = [2, 5, 3];

  it.each([
    [1, false],
    [4, false],
    [4, true],
    [9, true],
  ])("of %i taps sums the past by its coefficients, vectors: %s", (taps, vector) => {
    const layer = new TappedDelayLine(features, taps, { vector, ...float64() });
    expect(layer.weight.shape).toEqual(vector ? [taps, features] : [taps]);
    const y = random([n, time, features]);
    const [a, data] = [values(layer.weight), values(y)];
    const expected = data.map((_, at) => {
      const [j, t] = [at % features, Math.floor(at / features) % time];
      let total = 0;
      for (let i = 0; i < taps && i <= t; i++) total += a[vector ? i * features + j : i]! * data[at - i * features]!;
      return total;
    });
    expect(distance(values(layer.forward(y)), expected)).toBeLessThan(1e-14);
  });

  it("is a causal convolution by channel, with the filter in reverse", () => {
    const taps = 4;
    const line = new TappedDelayLine(features, taps, { vector: true, ...float64() });
    const options = { groups: features, padding: [[taps - 1, 0]], bias: false, ...float64(2) } as const;
    const convolution = new Conv1d(features, features, taps, options);
    convolution.loadStateDict({ weight: reshape(flip(line.weight, 0), [taps, 1, features]) });
    const y = random([n, time, features]);
    expect(distance(values(line.forward(y)), values(convolution.forward(y)))).toBeLessThan(1e-14);
  });

  it("is a sum of unit delays in a row", () => {
    const line = new TappedDelayLine(features, 3, float64());
    const y = random([n, time, features]);
    const once = new UnitDelay(features).forward(y);
    const twice = new UnitDelay(features).forward(once);
    const parts = [y, once, twice].map((part, i) => mul(part, slice(line.weight, [i])));
    const expected = parts.reduce((a, b) => add(a, b));
    expect(distance(values(line.forward(y)), values(expected))).toBeLessThan(1e-14);
  });

  it("goes on where a sequence was cut", () => {
    const line = new TappedDelayLine(features, 3, { vector: true, ...float64() });
    const y = random([n, time, features]);
    const first = line.forward(slice(y, [null, [0, 3]]));
    const second = line.forward(slice(y, [null, [3, 5]]), slice(y, [null, [1, 3]]));
    expect(distance(values(concat([first, second], 1)), values(line.forward(y)))).toBeLessThan(1e-14);
  });
});
