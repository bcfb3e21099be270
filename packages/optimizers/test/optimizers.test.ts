import { valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import { type Device, greater, Parameter, scope, setDefaultDevice, sum, type Tensor, tensor } from "@neurite/core";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, describe, expect, it } from "vitest";
import { Adam, AdamW, type Optimizer, SGD, warmupExponential, warmupLinear } from "../src/index.js";

let device: Device;
beforeAll(async () => {
  device = cpuJs();
  setDefaultDevice(device);
  await tf.setBackend("cpu");
});

const STEPS = 100;
const START = [1.5, -2, 0.25, 3];

/** A gradient that depends on the weights and on the step, so that the trajectory is not trivial. */
const gradientAt = (w: number, i: number, t: number) => 2 * w * (i + 1) + Math.sin(t * (i + 1));

type Grads = Record<string, Tensor>;

/** The weights after 100 steps in float64. */
function follow(make: (parameters: Record<string, Parameter>) => Optimizer): number[] {
  const w = new Parameter(tensor(Float64Array.from(START)));
  const optimizer = make({ w });
  for (let t = 1; t <= STEPS; t++) {
    const values = Array.from(w.dataSync(), (value, i) => gradientAt(value, i, t));
    optimizer.step({ w: tensor(Float64Array.from(values)) });
  }
  return Array.from(w.dataSync());
}

/** The same with an update written out for one number; `state` is the element's own. */
function published(update: (w: number, g: number, state: Record<string, number>, t: number) => number): number[] {
  return START.map((start, i) => {
    const state: Record<string, number> = {};
    let w = start;
    for (let t = 1; t <= STEPS; t++) w = update(w, gradientAt(w, i, t), state, t);
    return w;
  });
}

function expectClose(actual: readonly number[], expected: readonly number[], tolerance = 1e-12): void {
  actual.forEach((value, i) => void expect(Math.abs(value - expected[i]!)).toBeLessThan(tolerance));
}

describe("SGD", () => {
  it("steps against the gradient, with weight decay in it", () => {
    const options = { learningRate: 0.05, weightDecay: 0.1 };
    expectClose(
      follow((parameters) => new SGD(parameters, options)),
      published((w, g) => w - 0.05 * (g + 0.1 * w)),
    );
  });

  it("gathers momentum, plain and Nesterov's", () => {
    const momentum = (nesterov: boolean) =>
      published((w, gradient, state) => {
        const g = gradient + 0.1 * w;
        state.u = 0.9 * (state.u ?? 0) + g;
        return w - 0.01 * (nesterov ? g + 0.9 * state.u : state.u);
      });
    const options = { learningRate: 0.01, momentum: 0.9, weightDecay: 0.1 };
    expectClose(
      follow((parameters) => new SGD(parameters, options)),
      momentum(false),
    );
    expectClose(
      follow((parameters) => new SGD(parameters, { ...options, nesterov: true })),
      momentum(true),
    );
  });

  it("refuses Nesterov without momentum", () => {
    expect(() => new SGD({}, { learningRate: 1, nesterov: true })).toThrow(/nesterov expects a momentum above 0/);
  });
});

describe("Adam", () => {
  const adam = (coupled: number, decoupled: number) =>
    published((w, gradient, state, t) => {
      const g = gradient + coupled * w;
      state.m = 0.9 * (state.m ?? 0) + 0.1 * g;
      state.v = 0.999 * (state.v ?? 0) + 0.001 * g * g;
      const mHat = state.m / (1 - 0.9 ** t);
      const vHat = state.v / (1 - 0.999 ** t);
      return w * (1 - 0.05 * decoupled) - (0.05 * mHat) / (Math.sqrt(vHat) + 1e-8);
    });

  it("follows the paper, with PyTorch's defaults", () => {
    expectClose(
      follow((parameters) => new Adam(parameters, { learningRate: 0.05 })),
      adam(0, 0),
      1e-11,
    );
    expectClose(
      follow((parameters) => new Adam(parameters, { learningRate: 0.05, weightDecay: 0.1 })),
      adam(0.1, 0),
      1e-11,
    );
  });

  it("decays weights apart from the gradient in AdamW", () => {
    expectClose(
      follow((parameters) => new AdamW(parameters, { learningRate: 0.05, weightDecay: 0.1 })),
      adam(0, 0.1),
      1e-11,
    );
    expectClose(
      follow((parameters) => new AdamW(parameters, { learningRate: 0.05 })),
      adam(0, 0.01),
      1e-11,
    );
  });

  it("takes the path of tfjs' Adam", () => {
    const w = tf.variable(tf.tensor1d(START));
    const reference = tf.train.adam(0.05, 0.9, 0.999, 1e-8);
    for (let t = 1; t <= STEPS; t++) {
      const values = Array.from(w.dataSync(), (value, i) => gradientAt(value, i, t));
      reference.applyGradients([{ name: w.name, tensor: tf.tensor1d(values) }]);
    }
    // tfjs computes in float32
    expectClose(
      follow((parameters) => new Adam(parameters, { learningRate: 0.05 })),
      Array.from(w.dataSync()),
      1e-4,
    );
  });

  it("refuses betas outside of [0, 1)", () => {
    expect(() => new Adam({}, { betas: [1, 0.9] })).toThrow(/Adam: betas expects numbers from 0 to below 1/);
    expect(() => new Adam({}, { learningRate: Number.NaN })).toThrow(/learningRate expects a finite number/);
  });
});

describe("every optimizer", () => {
  const makers = {
    sgd: (parameters: Record<string, Parameter>) => new SGD(parameters, { learningRate: 0.1, momentum: 0.9 }),
    adam: (parameters: Record<string, Parameter>) => new Adam(parameters, { learningRate: 0.1 }),
  };
  for (const [name, make] of Object.entries(makers)) {
    it(`${name} continues exactly from its saved state`, () => {
      const gradient = (t: number): Grads => ({ w: tensor([t, 1 - t]) });
      const fresh = () => ({ w: new Parameter(tensor([1, 2])) });
      const [a, b] = [fresh(), fresh()];
      const [one, two] = [make(a), make(b)];
      for (let t = 0; t < 5; t++) one.step(gradient(t));
      b.w.assign(a.w);
      two.restore(one.state());
      expect(two.steps).toBe(5);
      one.step(gradient(9));
      two.step(gradient(9));
      expect(b.w.dataSync()).toEqual(a.w.dataSync());
      expect(a.w.dataSync()).not.toEqual(new Float32Array([1, 2]));
    });

    it(`${name} changes nothing where \`when\` is false`, () => {
      const parameters = { w: new Parameter(tensor([1, 2])) };
      const optimizer = make(parameters);
      optimizer.step({ w: tensor([Number.NaN, 1]) }, { when: greater(tensor(0), 1) });
      expect([...parameters.w.dataSync()]).toEqual([1, 2]);
      for (const value of Object.values(optimizer.state().tensors)) expect([...value.dataSync()]).toEqual([0, 0]);
      optimizer.step({ w: tensor([1, 1]) }, { when: greater(tensor(2), 1) });
      expect([...parameters.w.dataSync()]).not.toEqual([1, 2]);
    });

    it(`${name} frees the gradients and nothing else`, () => {
      const parameters = { w: new Parameter(tensor([1, 2])) };
      const optimizer = make(parameters);
      const before = device.memory().storages;
      for (let t = 0; t < 3; t++) optimizer.step({ w: tensor([1, 1]) });
      expect(device.memory().storages).toBe(before);
      const kept = tensor([1, 1]);
      optimizer.step({ w: kept }, { keepGrads: true });
      expect(kept.disposed).toBe(false);
    });
  }

  it("says which gradients are missing, unknown or of another shape", () => {
    const optimizer = new SGD({ a: new Parameter(tensor([1])) }, { learningRate: 1 });
    expect(() => optimizer.step({ b: tensor([1]) })).toThrow(/missing: a; unknown: b/);
    expect(() => optimizer.step({ a: tensor([1, 2]) })).toThrow(/grads\[a\] expects shape \[1\], but received \[2\]/);
    const gradient = tensor([1]);
    optimizer.step({ a: gradient });
    expect(() => optimizer.step({ a: gradient })).toThrow(/optimizer\.step\(\) took the gradients/);
  });

  it("refuses the state of another kind", () => {
    const parameters = { w: new Parameter(tensor([1])) };
    const adam = new Adam(parameters);
    expect(() => adam.restore(new SGD(parameters, { learningRate: 1 }).state())).toThrow(/a value for m\.w/);
  });

  it("takes the rate of the schedule at each step", () => {
    const w = new Parameter(tensor([0]));
    const optimizer = new SGD({ w }, { learningRate: (step) => step + 1 });
    for (let t = 0; t < 3; t++) optimizer.step({ w: tensor([1]) });
    expect(w.itemSync()).toBe(-6);
  });
});

describe("clipping", () => {
  const after = (options: { clipNorm?: number; clipValue?: number }, gradients: number[]) => {
    const w = new Parameter(tensor([0, 0]));
    new SGD({ w }, { learningRate: 1, ...options }).step({ w: tensor(gradients) });
    return Array.from(w.dataSync(), (value) => -value);
  };

  it("by norm scales all gradients alike, and leaves small ones alone", () => {
    expectClose(after({ clipNorm: 1 }, [3, 4]), [0.6, 0.8], 1e-5);
    expectClose(after({ clipNorm: 10 }, [3, 4]), [3, 4], 1e-6);
    expectClose(after({ clipNorm: 1 }, [0, 0]), [0, 0], 1e-12);
  });

  it("by value cuts each element", () => {
    expectClose(after({ clipValue: 1 }, [3, -0.5]), [1, -0.5], 1e-12);
  });
});

describe("warmupLinear", () => {
  it("rises to the peak and falls to the end", () => {
    const schedule = warmupLinear({ peak: 1, warmup: 4, total: 12, end: 0.2 });
    expect([0, 1, 3].map(schedule)).toEqual([0.25, 0.5, 1]);
    expect(schedule(8)).toBeCloseTo(0.6, 12);
    expect([12, 100].map(schedule)).toEqual([0.2, 0.2]);
    expect(() => warmupLinear({ peak: 1, warmup: 5, total: 4 })).toThrow(/warmup expects from 0 to total/);
  });
});

describe("warmupExponential", () => {
  it("rises to the peak, then halves again and again", () => {
    const schedule = warmupExponential({ peak: 1, warmup: 4, halfLife: 10 });
    expect([0, 1, 3, 4].map(schedule)).toEqual([0.25, 0.5, 1, 1]);
    expect(schedule(14)).toBeCloseTo(0.5, 12);
    expect(schedule(34)).toBeCloseTo(0.125, 12);
    expect(() => warmupExponential({ peak: 1, warmup: 4, halfLife: 0 })).toThrow(/halfLife expects a positive number/);
  });
});

it("trains through valueAndGrad without growing", () => {
  const parameters = { w: new Parameter(tensor([4, -3])) };
  const optimizer = new Adam(parameters, { learningRate: 0.1 });
  const step = valueAndGrad(() => scope(() => sum(parameters.w.mul(parameters.w)) as never) as Tensor, parameters);
  const counts = new Set<number>();
  for (let t = 0; t < 300; t++) {
    optimizer.step(step().grads);
    counts.add(device.memory().storages);
  }
  expect(counts.size).toBe(1);
  expect(Math.max(...parameters.w.dataSync().map(Math.abs))).toBeLessThan(0.05);
});
