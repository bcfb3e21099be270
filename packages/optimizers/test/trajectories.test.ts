// Each optimizer over 100 steps, against tfjs on a small network, and against its published update in float64.
import { valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import {
  add,
  Generator,
  matmul,
  mean,
  normal,
  Parameter,
  setDefaultDevice,
  square,
  sub,
  type Tensor,
  tanh,
  tensor,
} from "@neurite/core";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, describe, expect, it } from "vitest";
import { Adadelta, Adagrad, AdaMax, Adam, AdamW, type Optimizer, RMSProp, SGD } from "../src/index.js";

beforeAll(async () => {
  setDefaultDevice(cpuJs());
  await tf.setBackend("cpu");
});

const STEPS = 100;
const START = [1.5, -2, 0.25, 3];
type Parameters = Record<string, Parameter>;

// tfjs's optimizers are not part of its typed core entry
const train = (tf as unknown as { train: typeof tf.train }).train;
const ROOT_TFJS = Math.sqrt(1e-7);

const pairs: Record<string, readonly [(parameters: Parameters) => Optimizer, () => tf.Optimizer]> = {
  SGD: [(p) => new SGD(p, { learningRate: 0.1 }), () => train.sgd(0.1)],
  momentum: [(p) => new SGD(p, { learningRate: 0.05, momentum: 0.9 }), () => train.momentum(0.05, 0.9)],
  Nesterov: [
    (p) => new SGD(p, { learningRate: 0.05, momentum: 0.9, nesterov: true }),
    () => train.momentum(0.05, 0.9, true),
  ],
  Adagrad: [
    (p) => new Adagrad(p, { learningRate: 0.1, initialAccumulator: 0.1, epsilon: ROOT_TFJS, epsilonInside: true }),
    () => train.adagrad(0.1, 0.1),
  ],
  Adadelta: [
    (p) => new Adadelta(p, { learningRate: 0.05, rho: 0.95, epsilon: 1e-4, previousRoot: true }),
    () => train.adadelta(0.05, 0.95, 1e-4),
  ],
  RMSProp: [
    (p) => new RMSProp(p, { learningRate: 0.01, alpha: 0.9, epsilon: ROOT_TFJS, epsilonInside: true }),
    () => train.rmsprop(0.01, 0.9, 0, 1e-7),
  ],
  "RMSProp with momentum": [
    (p) => new RMSProp(p, { learningRate: 0.002, alpha: 0.9, momentum: 0.5, epsilon: 0.1, epsilonInside: true }),
    () => train.rmsprop(0.002, 0.9, 0.5, 0.01),
  ],
  Adam: [(p) => new Adam(p, { learningRate: 0.01 }), () => train.adam(0.01)],
  AdaMax: [(p) => new AdaMax(p, { learningRate: 0.01 }), () => train.adamax(0.01)],
};

describe.each(Object.entries(pairs))("%s", (_, [ours, theirs]) => {
  it("takes the path of tfjs over 100 steps on a small network", () => {
    const generator = new Generator(3);
    const shapes = { w1: [3, 5], b1: [5], w2: [5, 2], b2: [2] } as const;
    const start = Object.entries(shapes).map(([name, shape]) => [name, normal(shape, 0, 0.5, { generator })] as const);
    const x = normal([8, 3], 0, 1, { generator });
    const y = normal([8, 2], 0, 1, { generator });

    const parameters = Object.fromEntries(start.map(([name, value]) => [name, new Parameter(value.alias())]));
    const { w1, b1, w2, b2 } = parameters as { [K in keyof typeof shapes]: Parameter };
    const run = valueAndGrad(() => mean(square(sub(add(matmul(tanh(add(matmul(x, w1), b1)), w2), b2), y))), parameters);
    const optimizer = ours(parameters);

    const toTf = (value: Tensor) => tf.tensor(Array.from(value.dataSync()), [...value.shape]);
    const variables = Object.fromEntries(start.map(([name, value]) => [name, tf.variable(toTf(value))]));
    const [tx, ty] = [toTf(x) as tf.Tensor2D, toTf(y) as tf.Tensor2D];
    const loss = () => {
      const [v1, c1, v2, c2] = Object.values(variables) as unknown as [tf.Tensor2D, tf.Tensor, tf.Tensor2D, tf.Tensor];
      const output = tf.add(tf.matMul(tf.tanh(tf.add(tf.matMul(tx, v1), c1)), v2), c2);
      return tf.mean(tf.square(tf.sub(output, ty))) as tf.Scalar;
    };
    const reference = theirs();

    let first = 0;
    for (let t = 0; t < STEPS; t++) {
      const { value, grads } = run();
      if (t === 0) first = value.itemSync();
      optimizer.step(grads as Record<string, Tensor>);
      reference.minimize(loss);
    }
    expect(run().value.itemSync()).toBeLessThan(first * 0.9);
    // both compute in float32; rounding differs
    for (const [name, parameter] of Object.entries(parameters)) {
      const expected = variables[name]!.dataSync();
      parameter.dataSync().forEach((value, i) => void expect(Math.abs(value - expected[i]!)).toBeLessThan(2e-4));
    }
  });
});

describe("centered RMSProp", () => {
  it("takes the path of tfjs where its root has an argument above 0", () => {
    // tfjs takes √(v − m² − ε), which the vanishing variance of a full batch's gradients would make NaN
    const ours = new Parameter(tensor(START));
    const theirs = tf.variable(tf.tensor1d(START));
    const options = { learningRate: 0.002, alpha: 0.9, momentum: 0.5, centered: true, epsilon: 0 };
    const optimizer = new RMSProp({ w: ours }, options);
    const reference = train.rmsprop(0.002, 0.9, 0.5, 1e-12, true);
    for (let t = 1; t <= STEPS; t++) {
      const g = START.map((start, i) => start + 3 * Math.sin(t * (i + 1)));
      optimizer.step({ w: tensor(g) });
      reference.applyGradients([{ name: theirs.name, tensor: tf.tensor1d(g) }]);
    }
    const expected = theirs.dataSync();
    ours.dataSync().forEach((value, i) => void expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5));
    expect(expected[0]).toBeLessThan(START[0]! - 0.05);
  });
});

/** A gradient that depends on the weights and on the step, so that the trajectory is not trivial. */
const gradientAt = (w: number, i: number, t: number) => 2 * w * (i + 1) + Math.sin(t * (i + 1));

/** The weights after 100 steps in float64. */
function follow(make: (parameters: Parameters) => Optimizer): number[] {
  const w = new Parameter(tensor(Float64Array.from(START)));
  const optimizer = make({ w });
  for (let t = 1; t <= STEPS; t++) {
    const values = Array.from(w.dataSync(), (value, i) => gradientAt(value, i, t));
    optimizer.step({ w: tensor(Float64Array.from(values)) });
  }
  return Array.from(w.dataSync());
}

/** The same with an update written out for one number; `s` is the element's own state, from 0. */
type Update = (w: number, g: number, s: { a: number; b: number; c: number }, t: number) => number;

function published(update: Update): number[] {
  return START.map((start, i) => {
    const state = { a: 0, b: 0, c: 0 };
    let w = start;
    for (let t = 1; t <= STEPS; t++) w = update(w, gradientAt(w, i, t), state, t);
    return w;
  });
}

interface AdamForm {
  readonly l2?: number;
  /** What the weight keeps besides the step. */
  readonly keep?: number;
  readonly root?: (vHat: number) => number;
  readonly largest?: boolean;
}

const adam = ({ l2 = 0, keep = 1, root = (v) => Math.sqrt(v) + 1e-8, largest = false }: AdamForm): Update => {
  return (w, gradient, s, t) => {
    const g = gradient + l2 * w;
    s.a = 0.9 * s.a + 0.1 * g;
    s.b = 0.999 * s.b + 0.001 * g * g;
    s.c = Math.max(s.c, s.b);
    return keep * w - (0.05 * (s.a / (1 - 0.9 ** t))) / root((largest ? s.c : s.b) / (1 - 0.999 ** t));
  };
};
const momentum =
  (dampening: number, nesterov: boolean): Update =>
  (w, gradient, s, t) => {
    const g = gradient + 0.1 * w;
    s.a = t === 1 ? g : 0.9 * s.a + (1 - dampening) * g;
    return w - 0.01 * (nesterov ? g + 0.9 * s.a : s.a);
  };
const rmsProp =
  (centered: boolean, mu: number): Update =>
  (w, g, s) => {
    s.a = 0.8 * s.a + 0.2 * g * g;
    s.b = 0.8 * s.b + 0.2 * g;
    const scaled = g / (Math.sqrt(s.a - (centered ? s.b * s.b : 0)) + 0.1);
    s.c = mu * s.c + scaled;
    return w - 0.02 * (mu > 0 ? s.c : scaled);
  };

const rate = 0.05;
const decayed = { learningRate: rate, weightDecay: 0.1 };
const heavy = { learningRate: 0.01, momentum: 0.9, weightDecay: 0.1 };
const spread = { learningRate: 0.02, alpha: 0.8, epsilon: 0.1 };
const paths: Record<string, readonly [(parameters: Parameters) => Optimizer, Update]> = {
  "SGD with weight decay": [(p) => new SGD(p, decayed), (w, g) => w - rate * (g + 0.1 * w)],
  "SGD with decoupled decay": [
    (p) => new SGD(p, { ...decayed, weightDecayForm: "decoupled" }),
    (w, g) => w - rate * g - rate * 0.1 * w,
  ],
  "SGD with the book's decay": [
    (p) => new SGD(p, { ...decayed, weightDecayForm: "book" }),
    (w, g) => w - rate * g - 0.1 * w,
  ],
  momentum: [(p) => new SGD(p, heavy), momentum(0, false)],
  "momentum with dampening": [(p) => new SGD(p, { ...heavy, dampening: 0.3 }), momentum(0.3, false)],
  "Nesterov's momentum": [(p) => new SGD(p, { ...heavy, nesterov: true }), momentum(0, true)],
  Adam: [(p) => new Adam(p, { learningRate: rate }), adam({})],
  "Adam with weight decay": [(p) => new Adam(p, decayed), adam({ l2: 0.1 })],
  "Adam in the book's form": [
    (p) => new Adam(p, { ...decayed, weightDecayForm: "book", epsilon: 0.3, epsilonInside: true }),
    adam({ keep: 0.9, root: (v) => Math.sqrt(v + 0.3 ** 2) }),
  ],
  AMSGrad: [(p) => new Adam(p, { learningRate: rate, amsgrad: true }), adam({ largest: true })],
  "AdamW by default": [(p) => new AdamW(p, { learningRate: rate }), adam({ keep: 1 - rate * 0.01 })],
  AdamW: [(p) => new AdamW(p, decayed), adam({ keep: 1 - rate * 0.1 })],
  AdaMax: [
    (p) => new AdaMax(p, { learningRate: rate, betas: [0.8, 0.9], epsilon: 0.2 }),
    (w, g, s, t) => {
      s.a = 0.8 * s.a + (1 - 0.8) * g;
      s.b = Math.max(0.9 * s.b, Math.abs(g) + 0.2);
      return w - (rate / (1 - 0.8 ** t)) * (s.a / s.b);
    },
  ],
  Adagrad: [
    (p) => new Adagrad(p, { learningRate: 0.5, learningRateDecay: 0.1, initialAccumulator: 0.3, epsilon: 0.2 }),
    (w, g, s, t) => {
      s.a = (t === 1 ? 0.3 : s.a) + g * g;
      return w - ((0.5 / (1 + (t - 1) * 0.1)) * g) / (Math.sqrt(s.a) + 0.2);
    },
  ],
  Adadelta: [
    (p) => new Adadelta(p, { epsilon: 1e-3 }),
    (w, g, s) => {
      s.a = 0.9 * s.a + 0.1 * g * g;
      const change = (Math.sqrt(s.b + 1e-3) / Math.sqrt(s.a + 1e-3)) * g;
      s.b = 0.9 * s.b + 0.1 * change * change;
      return w - change;
    },
  ],
  RMSProp: [(p) => new RMSProp(p, spread), rmsProp(false, 0)],
  "Adadelta by the previous root": [
    (p) => new Adadelta(p, { epsilon: 1e-3, previousRoot: true }),
    (w, g, s) => {
      const change = (Math.sqrt(s.b + 1e-3) / Math.sqrt(s.a + 1e-3)) * g;
      s.a = 0.9 * s.a + 0.1 * g * g;
      s.b = 0.9 * s.b + 0.1 * change * change;
      return w - change;
    },
  ],
  "RMSProp, centered": [(p) => new RMSProp(p, { ...spread, centered: true }), rmsProp(true, 0)],
  "RMSProp with momentum": [(p) => new RMSProp(p, { ...spread, momentum: 0.7 }), rmsProp(false, 0.7)],
  "RMSProp, centered, with momentum": [
    (p) => new RMSProp(p, { ...spread, centered: true, momentum: 0.7 }),
    rmsProp(true, 0.7),
  ],
};

describe.each(Object.entries(paths))("%s", (_, [make, update]) => {
  it("follows the published update over 100 steps in float64", () => {
    const expected = published(update);
    follow(make).forEach((value, i) => void expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-11));
  });
});

describe("Adam's bias correction", () => {
  it("makes the averages of a constant gradient that gradient, so each step is η·sign(g)", () => {
    const w = new Parameter(tensor(new Float64Array([0, 0, 0])));
    const optimizer = new Adam({ w }, { learningRate: 0.01, epsilon: 0 });
    const g = [5, -0.001, 300];
    for (let t = 1; t <= 20; t++) {
      optimizer.step({ w: tensor(Float64Array.from(g)) });
      w.dataSync().forEach((value, i) => void expect(value).toBeCloseTo(-0.01 * t * Math.sign(g[i]!), 12));
      // mₜ = (1 − β₁ᵗ)g and vₜ = (1 − β₂ᵗ)g²
      const { "m.w": m, "v.w": v } = optimizer.state().tensors;
      m!.dataSync().forEach((value, i) => void expect(value / (1 - 0.9 ** t)).toBeCloseTo(g[i]!, 10));
      v!.dataSync().forEach((value, i) => void expect(value / (1 - 0.999 ** t) / g[i]! ** 2).toBeCloseTo(1, 10));
    }
  });
});
