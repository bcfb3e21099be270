import { checkGradients, valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import { logSoftmax, Parameter, setDefaultDevice, sum as sumOf, type Tensor, tensor } from "@neurite/core";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, describe, expect, it } from "vitest";
import {
  bceLoss,
  bceWithLogitsLoss,
  cosineEmbeddingLoss,
  cosineSimilarity,
  crossEntropyLoss,
  hingeLoss,
  huberLoss,
  klDivLoss,
  l1Loss,
  l2Penalty,
  mseLoss,
  nllLoss,
  smoothL1Loss,
} from "../src/index.js";

const device = cpuJs();
setDefaultDevice(device);
beforeAll(async () => {
  await tf.setBackend("cpu");
});

type Rows = readonly (readonly number[])[];
const f64 = (values: readonly number[], shape: readonly number[] = [values.length]) =>
  tensor(Float64Array.from(values), { shape });
const matrix = (rows: Rows) => f64(rows.flat(), [rows.length, rows[0]!.length]);
const int = (...values: number[]) => tensor(Int32Array.from(values));
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

function expectClose(actual: Tensor, expected: readonly number[], tolerance = 1e-12): void {
  expect(actual.size).toBe(expected.length);
  actual.dataSync().forEach((value, i) => void expect(Math.abs(value - expected[i]!)).toBeLessThan(tolerance));
}

const X = [0.3, -1.7, 2.5, 0.9, -0.2, 40, -60];
const Y = [0.1, 0.4, -0.5, 0.95, 1, 38, -60];
const UNIT = [0.3, 0.7, 0.999, 0.01, 0.5];
const BITS = [1, 0, 1, 0, 0.25];
const SIGNS = [1, -1, 1, -1, 1, 1, 1];

type Pairwise = (a: Tensor, b: Tensor, options?: { readonly reduction?: "mean" | "sum" | "none" }) => Tensor;
interface PairCase {
  readonly loss: Pairwise;
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly each: (a: number, b: number) => number;
  /** Inputs whose gradient is compared with differences; there are no kinks nearby. */
  readonly smooth?: readonly [readonly number[], readonly number[]];
}

const pairs: Record<string, PairCase> = {
  mseLoss: { loss: mseLoss, a: X, b: Y, each: (a, b) => (a - b) ** 2 },
  l1Loss: { loss: l1Loss, a: X, b: Y, each: (a, b) => Math.abs(a - b), smooth: [X.slice(0, 6), Y.slice(0, 6)] },
  smoothL1Loss: {
    loss: (a, b, options) => smoothL1Loss(a, b, { ...options, beta: 0.5 }),
    a: X,
    b: Y,
    each: (a, b) => (Math.abs(a - b) < 0.5 ? (a - b) ** 2 : Math.abs(a - b) - 0.25),
  },
  "smoothL1Loss with β = 0": {
    loss: (a, b, options) => smoothL1Loss(a, b, { ...options, beta: 0 }),
    a: X,
    b: Y,
    each: (a, b) => Math.abs(a - b),
    smooth: [X.slice(0, 6), Y.slice(0, 6)],
  },
  huberLoss: {
    loss: (a, b, options) => huberLoss(a, b, { ...options, delta: 1.5 }),
    a: X,
    b: Y,
    each: (a, b) => (Math.abs(a - b) <= 1.5 ? (a - b) ** 2 / 2 : 1.5 * (Math.abs(a - b) - 0.75)),
  },
  bceWithLogitsLoss: {
    loss: bceWithLogitsLoss,
    a: [0, 1.3, -2, 30, -30],
    b: BITS,
    each: (x, t) => t * Math.log1p(Math.exp(-x)) + (1 - t) * (x + Math.log1p(Math.exp(-x))),
  },
  "bceWithLogitsLoss with a weight": {
    loss: (a, b, options) => bceWithLogitsLoss(a, b, { ...options, posWeight: f64([3]) }),
    a: [0.1, 1.3, -2, 30, -30],
    b: BITS,
    each: (x, t) => 3 * t * Math.log1p(Math.exp(-x)) + (1 - t) * (x + Math.log1p(Math.exp(-x))),
  },
  bceLoss: { loss: bceLoss, a: UNIT, b: BITS, each: (p, t) => -t * Math.log(p) - (1 - t) * Math.log(1 - p) },
  hingeLoss: { loss: hingeLoss, a: X, b: SIGNS, each: (x, y) => Math.max(0, 1 - x * y) },
  klDivLoss: { loss: klDivLoss, a: X, b: UNIT.concat(0.2, 3), each: (q, p) => p * (Math.log(p) - q) },
  "klDivLoss of logarithms": {
    loss: (a, b, options) => klDivLoss(a, b, { ...options, logTarget: true }),
    a: X.slice(0, 5),
    b: Y.slice(0, 5),
    each: (q, p) => Math.exp(p) * (p - q),
  },
};

describe.each(Object.entries(pairs))("%s", (_, { loss, a, b, each, smooth = [a, b] }) => {
  const expected = a.map((value, i) => each(value, b[i]!));

  it("has its closed form, in each reduction", () => {
    expectClose(loss(f64(a), f64(b), { reduction: "none" }), expected, 1e-10);
    expectClose(loss(f64(a), f64(b), { reduction: "sum" }), [sum(expected)], 1e-9);
    expectClose(loss(f64(a), f64(b)), [sum(expected) / a.length], 1e-9);
    expect(loss(f64([], [2, 0]), f64([], [2, 0]), { reduction: "none" }).shape).toEqual([2, 0]);
    expect(loss(f64([], [2, 0]), f64([], [2, 0]), { reduction: "sum" }).itemSync()).toBe(0);
    expect(loss(f64([a[0]!], [1, 1]), f64([b[0]!], [1, 1])).shape).toEqual([]);
  });

  it("has the gradient of its differences", () => {
    for (const reduction of ["mean", "none"] as const) {
      const { maxError, worst } = checkGradients(
        (p, t) => loss(p, t, { reduction }),
        smooth.map((x) => f64(x)),
      );
      expect(maxError, worst).toBeLessThan(1e-7);
    }
  });

  it("refuses other shapes, dtypes and reductions", () => {
    expect(() => loss(f64([0.5, 0.5]), f64([0.5]))).toThrow(/expects shape \[2\], but received \[1\]/);
    expect(() => loss(f64([0.5]), tensor([0.5]))).toThrow(/expects float64, but received float32/);
    expect(() => loss(int(1), int(1))).toThrow(/expects float32 or float64, but received int32/);
    expect(() => loss(f64([0.5]), [0.5] as never)).toThrow(/targets? expects a tensor, but received an array/);
    expect(() => loss(undefined as never, f64([0.5]))).toThrow(/expects a tensor, but received undefined/);
    expect(() => loss(f64([0.5]), f64([0.5]), { reduction: "max" as never })).toThrow(
      /reduction expects mean, sum(,| or) none.*received "max"/,
    );
  });

  it("leaves nothing behind", () => {
    const [p, t] = [f64(a), f64(b)];
    const before = device.memory().storages;
    loss(p, t).dispose();
    // a weight of the loss is the case's own
    expect(device.memory().storages - before).toBeLessThanOrEqual(1);
  });
});

describe("against tfjs", () => {
  const cases: Record<
    string,
    readonly [Pairwise, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, readonly number[], readonly number[]]
  > = {
    mseLoss: [mseLoss, (a, b) => tf.losses.meanSquaredError(b, a), X, Y],
    // tfjs has slope -1 where both are equal, as the last elements are
    l1Loss: [l1Loss, (a, b) => tf.losses.absoluteDifference(b, a), X.slice(0, 6), Y.slice(0, 6)],
    huberLoss: [huberLoss, (a, b) => tf.losses.huberLoss(b, a), X, Y],
    bceWithLogitsLoss: [bceWithLogitsLoss, (a, b) => tf.losses.sigmoidCrossEntropy(b, a), [0, 1.3, -2, 30, -30], BITS],
    bceLoss: [bceLoss, (a, b) => tf.losses.logLoss(b, a, undefined, 0), UNIT, BITS],
    // tfjs has targets 0 and 1
    hingeLoss: [hingeLoss, (a, b) => tf.losses.hingeLoss(tf.div(tf.add(b, 1), 2), a), X, SIGNS],
  };
  it.each(Object.entries(cases))("%s has the same value and gradient", (_, [ours, theirs, a, b]) => {
    const x = new Parameter(tensor([...a]));
    const { value, grads } = valueAndGrad(() => ours(x, tensor([...b])), { x })();
    const reference = tf.valueAndGrad((t: tf.Tensor) => theirs(t, tf.tensor1d([...b])) as tf.Scalar)(
      tf.tensor1d([...a]),
    );
    expectClose(value, Array.from(reference.value.dataSync()), 1e-5);
    expectClose(grads.x, Array.from(reference.grad.dataSync()), 1e-5);
  });
});

const LOGITS = [
  [2, -1, 0.5],
  [0, 0, 0],
  [800, -800, 799],
  [-1, 3, 1],
];
const LABELS = [0, 2, 2, 1];
const WEIGHT = [0.5, 2, 3];

/** ln softmax in plain float64. */
function logProbabilities(row: readonly number[]): number[] {
  const top = Math.max(...row);
  const total = Math.log(sum(row.map((x) => Math.exp(x - top))));
  return row.map((x) => x - top - total);
}

interface Terms {
  readonly weight?: readonly number[];
  readonly smoothing?: number;
  readonly ignore?: number;
}

/** Each position's loss and its share of the mean, as PyTorch defines them. */
function reference({ weight = [1, 1, 1], smoothing = 0, ignore = -1 }: Terms): { losses: number[]; mean: number } {
  const shares = LABELS.map((label) => (label === ignore ? 0 : weight[label]!));
  const losses = LOGITS.map((row, i) => {
    if (LABELS[i] === ignore) return 0;
    const logP = logProbabilities(row);
    const spread = -sum(logP.map((value, c) => weight[c]! * value)) / 3;
    return -(1 - smoothing) * weight[LABELS[i]!]! * logP[LABELS[i]!]! + smoothing * spread;
  });
  return { losses, mean: sum(losses) / sum(shares) };
}

describe("crossEntropyLoss and nllLoss", () => {
  it("have their closed forms with weights, smoothing and ignored positions", () => {
    const logits = matrix(LOGITS);
    const labels = int(...LABELS);
    const weight = f64(WEIGHT);
    for (const terms of [
      {},
      { weight: WEIGHT },
      { weight: WEIGHT, ignore: 2 },
      { smoothing: 0.2 },
      { weight: WEIGHT, smoothing: 0.2, ignore: 2 },
    ] as Terms[]) {
      const { losses, mean } = reference(terms);
      const options = {
        ...(terms.weight ? { weight } : {}),
        ...(terms.ignore === undefined ? {} : { ignoreIndex: terms.ignore }),
      };
      const smoothed = { ...options, labelSmoothing: terms.smoothing ?? 0 };
      expectClose(crossEntropyLoss(logits, labels, { ...smoothed, reduction: "none" }), losses, 1e-9);
      expectClose(crossEntropyLoss(logits, labels, { ...smoothed, reduction: "sum" }), [sum(losses)], 1e-9);
      // with smoothing, weights and none ignored, the mean still divides by the targets' weights
      const mean0 = terms.weight || !terms.smoothing ? mean : sum(losses) / 4;
      expectClose(crossEntropyLoss(logits, labels, smoothed), [mean0], 1e-9);
      if (!terms.smoothing) {
        expectClose(nllLoss(logSoftmax(logits), labels, options), [mean], 1e-9);
        expectClose(nllLoss(logSoftmax(logits), labels, { ...options, reduction: "none" }), losses, 1e-9);
      }
    }
  });

  it("are 0 where every position is ignored, and keep the targets' shape", () => {
    const logits = f64(LOGITS.flat(), [2, 2, 3]);
    const labels = tensor(Int32Array.from([9, 9, 9, 9]), { shape: [2, 2] });
    const weight = f64(WEIGHT);
    for (const options of [{ ignoreIndex: 9 }, { ignoreIndex: 9, weight }]) {
      expect(crossEntropyLoss(logits, labels, options).itemSync()).toBe(0);
      expect(nllLoss(logits, labels, options).itemSync()).toBe(0);
      expect(nllLoss(logits, labels, { ...options, reduction: "none" }).shape).toEqual([2, 2]);
    }
  });

  it("have the gradients of their differences, of second order too", () => {
    const labels = int(0, 2, 1);
    const logits = matrix([LOGITS[0]!, LOGITS[1]!, LOGITS[3]!]);
    const weight = f64(WEIGHT);
    for (const options of [{ weight }, { weight, labelSmoothing: 0.3, ignoreIndex: 2 }]) {
      const { maxError, worst } = checkGradients((x) => crossEntropyLoss(x, labels, options), [logits], { order: 2 });
      expect(maxError, worst).toBeLessThan(1e-6);
    }
    const { maxError } = checkGradients((x) => nllLoss(x, labels, { weight, ignoreIndex: 2 }), [logits]);
    expect(maxError).toBeLessThan(1e-8);
  });

  it("refuse what does not fit", () => {
    const logits = matrix(LOGITS);
    const labels = int(...LABELS);
    const weight = f64(WEIGHT);
    expect(() => nllLoss(logits, int(0))).toThrow(/nllLoss: targets expects shape \[4\], but received \[1\]/);
    expect(() => nllLoss(logits, f64([0, 1, 2, 1]))).toThrow(/targets expects int32/);
    expect(() => nllLoss(int(1), int(1))).toThrow(/logP expects float32 or float64/);
    expect(() => nllLoss(f64([1], []), int(1))).toThrow(/a last axis of classes/);
    expect(() => nllLoss(logits, int(0, 1, 2, 3))).toThrow(/index/);
    const reduction = "avg" as never;
    expect(() => nllLoss(logits, labels, { reduction })).toThrow(/nllLoss: reduction expects mean, sum or none/);
    expect(() => crossEntropyLoss(logits, labels, { reduction })).toThrow(/reduction expects.*received "avg"/);
    expect(() => crossEntropyLoss(logits, [0] as never)).toThrow(/crossEntropyLoss: targets expects a tensor/);
    const wide = { posWeight: f64(new Array(24).fill(1), [2, 4, 3]) };
    expect(() => bceWithLogitsLoss(logits, logits, wide)).toThrow(
      /posWeight expects a shape that broadcasts to \[4, 3\], but received \[2, 4, 3\]/,
    );
    expect(() => bceWithLogitsLoss(logits, logits, { posWeight: tensor([1]) })).toThrow(/posWeight expects float64/);
    expect(() => crossEntropyLoss(logits, labels, { weight: f64([1, 2]) })).toThrow(/weight expects shape \[3\]/);
    expect(() => crossEntropyLoss(logits, labels, { weight: tensor([1, 2, 3]) })).toThrow(/weight expects float64/);
    expect(() => crossEntropyLoss(logits, labels, { weight, labelSmoothing: 2 })).toThrow(/labelSmoothing expects/);
  });
});

describe("binary cross-entropy", () => {
  it("stays finite, in value and gradient, where a mistake is certain", () => {
    const x = new Parameter(f64([0, 1, 0, 1]));
    const targets = f64([1, 0, 0, 1]);
    const sure = valueAndGrad(() => bceLoss(x, targets, { reduction: "sum" }), { x })();
    expect(sure.value.itemSync()).toBe(200);
    expect(sure.grads.x.dataSync().every(Number.isFinite)).toBe(true);
    const logits = new Parameter(f64([-1000, 1000, 0]));
    const far = valueAndGrad(() => bceWithLogitsLoss(logits, f64([1, 0, 0.5]), { reduction: "sum" }), { logits })();
    expect(far.value.itemSync()).toBeCloseTo(2000 + Math.LN2, 9);
    expect([...far.grads.logits.dataSync()]).toEqual([-1, 1, 0]);
  });
});

describe("klDivLoss", () => {
  it("counts 0 for p = 0, and divides by the batch if told", () => {
    const q = matrix([
      [-1, -2],
      [-0.5, -3],
    ]);
    const p = matrix([
      [0, 1],
      [0.5, 0.5],
    ]);
    const each = [0, 2, 0.5 * (Math.log(0.5) + 0.5), 0.5 * (Math.log(0.5) + 3)];
    expectClose(klDivLoss(q, p, { reduction: "none" }), each);
    expectClose(klDivLoss(q, p, { reduction: "batchMean" }), [sum(each) / 2]);
    const target = new Parameter(p.alias());
    const { grads } = valueAndGrad(() => klDivLoss(q, target, { reduction: "sum" }), { target })();
    expect(grads.target.dataSync()[0]).toBe(0);
  });
});

describe("cosine", () => {
  const a = matrix([
    [3, 4],
    [1, 0],
    [1, 2],
  ]);
  const b = matrix([
    [4, 3],
    [0, 2],
    [-2, -4],
  ]);

  it("is the cosine of the angle, and a loss of it", () => {
    expectClose(cosineSimilarity(a, b), [24 / 25, 0, -1]);
    expectClose(cosineSimilarity(a, b, 0), [(12 - 2) / Math.sqrt(11 * 20), (12 - 8) / Math.sqrt(20 * 29)]);
    expectClose(cosineEmbeddingLoss(a, b, f64([1, 1, -1]), { reduction: "none" }), [1 / 25, 1, 0]);
    expectClose(cosineEmbeddingLoss(a, b, f64([-1, -1, 1]), { margin: 0.5 }), [(0.46 + 0 + 2) / 3]);
    expect(cosineSimilarity(f64([0, 0]), f64([1, 1])).itemSync()).toBe(0);
  });

  it("has the gradient of its differences, finite at 0", () => {
    const targets = f64([1, -1, -1]);
    const loss = (x: Tensor, y: Tensor) => cosineEmbeddingLoss(x, y, targets, { margin: -0.5, reduction: "sum" });
    const { maxError, worst } = checkGradients(loss, [a, b]);
    expect(maxError, worst).toBeLessThan(1e-8);
    const zero = new Parameter(f64([0, 0]));
    const { grads } = valueAndGrad(() => cosineSimilarity(zero, f64([1, 1])), { zero })();
    expect(grads.zero.dataSync().every(Number.isFinite)).toBe(true);
  });

  it("refuses what does not fit", () => {
    expect(() => cosineEmbeddingLoss(a, b, f64([1, 1]))).toThrow(/targets expects shape \[3\], but received \[2\]/);
    expect(() => cosineEmbeddingLoss(a, a, f64([1, 1, 1]), { margin: 2 })).toThrow(
      /margin expects a number from -1 to 1/,
    );
    expect(() => cosineSimilarity(a, f64([1]))).toThrow(/b expects shape/);
    expect(() => cosineEmbeddingLoss(a, b, int(1, 1, -1))).toThrow(/targets expects float64, but received int32/);
    expect(() => klDivLoss(a, a, { reduction: "batchmean" as never })).toThrow(/mean, sum, none or batchMean/);
  });
});

describe("l2Penalty", () => {
  it("is (λ/2)‖W‖², with gradient λW", () => {
    const weights = { a: new Parameter(f64([1, -2])), b: new Parameter(f64([3], [1, 1])) };
    const { value, grads } = valueAndGrad(() => l2Penalty(weights, 0.5), weights)();
    expect(value.itemSync()).toBe(3.5);
    expectClose(grads.a, [0.5, -1]);
    expectClose(grads.b, [1.5]);
    expect(() => l2Penalty(weights, -1)).toThrow(/lambda expects a finite number, 0 or above/);
    expect(() => l2Penalty({}, 1)).toThrow(/at least one tensor/);
  });

  it("refuses negative widths of smooth losses", () => {
    for (const delta of [-1, 0]) {
      expect(() => huberLoss(f64([1]), f64([1]), { delta })).toThrow(
        /huberLoss: delta expects a finite number above 0/,
      );
    }
    expect(() => smoothL1Loss(f64([1]), f64([1]), { beta: -1 })).toThrow(/smoothL1Loss: beta expects/);
  });
});

describe("cosines of vectors whose squares leave the range", () => {
  const directions = (scale: number) => [
    tensor(Float32Array.from([3, 4, 0].map((x) => x * scale)), { shape: [1, 3] }),
    tensor(Float32Array.from([4, 3, 0].map((x) => x * scale)), { shape: [1, 3] }),
  ];

  it.each([1e-7, 1, 1e10, 1e19, 1e25, 8e37])("are those of others, and have their slopes, at %d", (scale) => {
    const [a, b] = directions(scale) as [Tensor, Tensor];
    const { value, grads } = valueAndGrad((x: Tensor, y: Tensor) => sumOf(cosineSimilarity(x, y)), [a, b])(a, b);
    expect(value.dataSync()[0]).toBeCloseTo(24 / 25, 6);
    // (b̂ − cos·â)/‖a‖
    const wanted = [4 / 5 - (24 / 25) * (3 / 5), 3 / 5 - (24 / 25) * (4 / 5), 0].map((x) => x / 5);
    grads[0]!.dataSync().forEach((slope, i) => void expect(slope * scale).toBeCloseTo(wanted[i]!, 5));
  });

  it.each([1e-10, 1e-17])("count norms below 1e-8 as that, at %d", (scale) => {
    const [a, b] = directions(scale) as [Tensor, Tensor];
    const value = cosineSimilarity(a, b).dataSync()[0]!;
    const wanted = (24 * scale * scale) / 1e-16;
    expect(Math.abs(value / wanted - 1)).toBeLessThan(1e-5);
  });

  it("are 0 at 0, with no slope", () => {
    const zero = tensor(new Float32Array(3), { shape: [1, 3] });
    const { value, grads } = valueAndGrad((x: Tensor) => sumOf(cosineSimilarity(x, zero)), [zero])(zero);
    expect([value.dataSync()[0], ...grads[0]!.dataSync()].map((x) => x! + 0)).toEqual([0, 0, 0, 0]);
  });
});
