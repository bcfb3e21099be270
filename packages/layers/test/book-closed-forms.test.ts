/** The textbook's formulas (Jiang, ch. 8), each written out in plain numbers and compared with what autograd finds. */
import { grad, jacobian, valueAndGrad, vjp } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import {
  concat,
  conv1d,
  conv2d,
  conv3d,
  crossEntropy,
  linear,
  maxPool2d,
  mul,
  onesLike,
  relu,
  setDefaultDevice,
  sigmoid,
  softmax,
  sum,
  type Tensor,
  tanh,
  tensor,
  uniform,
} from "@neurite/core";
import { describe, expect, it } from "vitest";
import { BatchNorm, LayerNorm, Linear, ReLU, Sequential, Sigmoid } from "../src/index.js";
import { distance, float64, random, values } from "./describe-layer.js";

setDefaultDevice(cpuJs());

type Vector = readonly number[];
type Matrix = readonly Vector[];

const build = <T>(n: number, f: (i: number) => T) => Array.from({ length: n }, (_, i) => f(i));
const rowsOf = (x: Tensor): Matrix => {
  const [data, width] = [values(x), x.shape[x.rank - 1]!];
  return build(data.length / width, (i) => data.slice(i * width, (i + 1) * width));
};
const vector = (data: Vector) => tensor(Float64Array.from(data));
const dot = (a: Vector, b: Vector) => a.reduce((total, value, i) => total + value * b[i]!, 0);
const times = (w: Matrix, x: Vector) => w.map((row) => dot(row, x));
const timesTransposed = (w: Matrix, x: Vector) =>
  build(w[0]!.length, (j) =>
    dot(
      x,
      w.map((row) => row[j]!),
    ),
  );
const outer = (a: Vector, b: Vector) => a.flatMap((x) => b.map((y) => x * y));

describe("artificial neuron", () => {
  it("is φ(Σ wᵢxᵢ + b), exactly", () => {
    const [w, x, b] = [[0.5, -1.25, 2], [3, 0.5, -0.75], 0.125];
    const output = (phi: (x: Tensor) => Tensor, bias: number) =>
      values(phi(linear(vector(x), tensor(Float64Array.from(w), { shape: [1, 3] }), vector([bias]))));
    expect(dot(w, x) + b).toBe(-0.5);
    expect(output((a) => a, b)).toEqual([-0.5]);
    expect(output(relu, b)).toEqual([0]);
    expect(output(relu, 1)).toEqual([0.375]);
    expect(output(sigmoid, b)).toEqual([1 / (1 + Math.exp(0.5))]);
    expect(output(sigmoid, 0.625)).toEqual([0.5]);
  });
});

describe("full connection, y = Wx + b", () => {
  const [w, b, x, e] = [random([3, 4], 1), random([3], 2), random([4], 3), random([3], 4)];

  it("has the errors Wᵀe by x, e xᵀ by W and e by b", () => {
    expect(distance(values(vjp((z) => linear(z, w, b), x, e)), timesTransposed(rowsOf(w), values(e)))).toBeLessThan(
      1e-14,
    );
    expect(distance(values(vjp((z) => linear(x, z, b), w, e)), outer(values(e), values(x)))).toBeLessThan(1e-14);
    expect(values(vjp((z) => linear(x, w, z), b, e))).toEqual(values(e));
  });

  it("has the Jacobians J_x = W and J_b = I", () => {
    expect(values(jacobian((z) => linear(z, w, b), x))).toEqual(values(w));
    expect(values(jacobian((z) => linear(x, w, z), b))).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });
});

describe("activations", () => {
  const [x, e] = [random([50], 5), random([50], 6)];

  it.each(["float32", "float64"] as const)(
    "stay in their ranges, without overflow where inputs are large, in %s",
    (dtype) => {
      const far = tensor([-1e30, -1000, 0, 1000, 1e30], { dtype });
      expect(values(sigmoid(far))).toEqual([0, 0, 0.5, 1, 1]);
      expect(values(tanh(far))).toEqual([-1, -1, 0, 1, 1]);
      expect(values(relu(far))).toEqual([0, 0, 0, 1000, dtype === "float32" ? Math.fround(1e30) : 1e30]);
      for (const phi of [sigmoid, tanh]) {
        const slopes = values(vjp(phi, far, onesLike(far)));
        expect(slopes[2]).toBe(phi === tanh ? 1 : 0.25);
        for (const i of [0, 1, 3, 4]) expect(slopes[i]).toBe(0);
      }
    },
  );

  it("have the error φ′(x) ⊙ e: H(x) ⊙ e for ReLU, y(1 − y) ⊙ e for the sigmoid", () => {
    const [xs, es] = [values(x), values(e)];
    expect(values(vjp(relu, x, e)).map((v) => v + 0)).toEqual(es.map((v, i) => (xs[i]! > 0 ? v : 0)));
    const slope = (v: number) => Math.exp(-v) / (1 + Math.exp(-v)) ** 2;
    expect(
      distance(
        values(vjp(sigmoid, x, e)),
        es.map((v, i) => slope(xs[i]!) * v),
      ),
    ).toBeLessThan(1e-15);
  });
});

describe("softmax", () => {
  it("has the Jacobian yᵢ(δᵢⱼ − yⱼ)", () => {
    const x = random([5], 7);
    const powers = values(x).map(Math.exp);
    const total = powers.reduce((a, b) => a + b);
    const y = powers.map((power) => power / total);
    const expected = y.flatMap((yi, i) => y.map((yj, j) => yi * ((i === j ? 1 : 0) - yj)));
    expect(distance(values(jacobian((z) => softmax(z), x)), expected)).toBeLessThan(1e-15);
  });
});

describe("fully connected DNN with softmax and cross-entropy", () => {
  it("has the book's backward pass: e_L = y − onehot(r), e_l = (Wᵀe_{l+1}) ⊙ H(z_l), ∂W_l = e_l z_{l−1}ᵀ, ∂b_l = e_l", () => {
    const sizes = [5, 7, 6, 4];
    const layers = build(3, (l) => new Linear(sizes[l]!, sizes[l + 1]!, float64(l + 1)));
    const net = new Sequential(layers[0]!, new ReLU(), layers[1]!, new ReLU(), layers[2]!);
    const [x, r] = [random([1, 5], 9), 2];
    const label = tensor(Int32Array.from([r]));
    const { value, grads } = valueAndGrad((z: Tensor) => crossEntropy(net.forward(z), label), net.parameters())(x);

    const [w, b] = [layers.map(({ weight }) => rowsOf(weight)), layers.map(({ bias }) => values(bias!))];
    const z: Vector[] = [values(x)];
    const a = w.map((matrix, l) => {
      const sums = times(matrix, z[l]!).map((v, i) => v + b[l]![i]!);
      z.push(sums.map((v) => Math.max(v, 0)));
      return sums;
    });
    const powers = a[2]!.map(Math.exp);
    const y = powers.map((power) => power / powers.reduce((p, q) => p + q));
    expect(value.itemSync()).toBeCloseTo(-Math.log(y[r]!), 12);
    let e: Vector = y.map((v, i) => v - (i === r ? 1 : 0));
    for (let l = 2; l >= 0; l--) {
      expect(distance(values(grads[`${2 * l}.weight`]!), outer(e, z[l]!))).toBeLessThan(1e-14);
      expect(distance(values(grads[`${2 * l}.bias`]!), e)).toBeLessThan(1e-14);
      if (l > 0) e = timesTransposed(w[l]!, e).map((v, i) => (z[l]![i]! > 0 ? v : 0));
    }
  });
});

// ---- convolution: an image is a function of positions, 0 outside

type Positions = readonly number[];
/** One channel in and out: values by position, any number of axes. */
interface Grid {
  readonly lengths: Positions;
  readonly at: (index: Positions) => number;
}

function gridOf(x: Tensor, lengths: Positions): Grid {
  const data = values(x);
  const flat = (index: Positions) => index.reduce((offset, i, axis) => offset * lengths[axis]! + i, 0);
  return { lengths, at: (index) => (index.every((i, axis) => i >= 0 && i < lengths[axis]!) ? data[flat(index)]! : 0) };
}

const positions = (lengths: Positions): Positions[] =>
  lengths.reduce<Positions[]>((all, length) => all.flatMap((head) => build(length, (i) => [...head, i])), [[]]);

/** (w * x)_j = Σᵢ wᵢ x_{j+i}, for `count` places per axis. */
const convolve = (w: Grid, x: Grid, count: Positions) =>
  positions(count).map((j) =>
    positions(w.lengths).reduce((total, i) => total + w.at(i) * x.at(i.map((v, axis) => v + j[axis]!)), 0),
  );

describe.each([
  ["1-D", conv1d, [7], [3]],
  ["2-D", conv2d, [5, 4], [2, 3]],
  ["3-D", conv3d, [4, 3, 3], [2, 2, 3]],
] as const)("convolution, %s", (_, conv, lengths, size) => {
  const places = lengths.map((length, axis) => length - size[axis]! + 1);
  const x = random([1, ...lengths, 1], 10);
  const w = random([...size, 1, 1], 11);
  const e = random([1, ...places, 1], 12);
  const [xs, ws, es] = [gridOf(x, lengths), gridOf(w, size), gridOf(e, places)];

  it("slides its kernel: y_j = Σ wᵢ x_{j+i}, at n = d − f + 1 places", () => {
    const y = conv(x, w);
    expect(y.shape).toEqual([1, ...places, 1]);
    expect(distance(values(y), convolve(ws, xs, places))).toBeLessThan(1e-14);
  });

  it("by its input is the full convolution of the padded error with the flipped kernel", () => {
    const flipped: Grid = { lengths: size, at: (index) => ws.at(index.map((i, axis) => size[axis]! - 1 - i)) };
    // f − 1 zeros on every side
    const padded: Grid = {
      lengths: places.map((n, axis) => n + 2 * (size[axis]! - 1)),
      at: (index) => es.at(index.map((i, axis) => i - size[axis]! + 1)),
    };
    expect(distance(values(vjp((z) => conv(z, w), x, e)), convolve(flipped, padded, lengths))).toBeLessThan(1e-14);
  });

  it("by its kernel is the convolution x * e", () => {
    expect(distance(values(vjp((z) => conv(x, z), w, e)), convolve(es, xs, size))).toBeLessThan(1e-13);
  });

  it("sums both over plies p and kernels k", () => {
    const [plies, kernels] = [2, 3];
    const many = random([1, ...lengths, plies], 13);
    const filters = random([...size, plies, kernels], 14);
    const errors = random([1, ...places, kernels], 15);
    const channel = (t: Tensor, count: number, c: number, own: Positions) =>
      gridOf(vector(values(t).filter((_value, i) => i % count === c)), own);
    const found = values(vjp((z) => conv(many, z), filters, errors));
    const byInput = values(vjp((z) => conv(z, filters), many, errors));
    for (let p = 0; p < plies; p++) {
      for (let k = 0; k < kernels; k++) {
        const own = found.filter((_value, i) => i % (plies * kernels) === p * kernels + k);
        const expected = convolve(channel(errors, kernels, k, places), channel(many, plies, p, lengths), size);
        expect(distance(own, expected)).toBeLessThan(1e-13);
      }
      const parts = build(kernels, (k) => {
        const filter = channel(filters, plies * kernels, p * kernels + k, size);
        const error = channel(errors, kernels, k, places);
        return convolve(
          { lengths: size, at: (index) => filter.at(index.map((i, axis) => size[axis]! - 1 - i)) },
          { lengths, at: (index) => error.at(index.map((i, axis) => i - size[axis]! + 1)) },
          lengths,
        );
      });
      const joint = parts[0]!.map((_value, i) => parts.reduce((total, part) => total + part[i]!, 0));
      expect(
        distance(
          byInput.filter((_value, i) => i % plies === p),
          joint,
        ),
      ).toBeLessThan(1e-13);
    }
  });
});

describe("max-pooling", () => {
  it("sends each error to the place of the maximum, and nothing elsewhere", () => {
    const [height, width, m] = [4, 6, 2];
    const [x, e] = [random([1, height, width, 1], 16), random([1, 2, 3, 1], 17)];
    const [xs, es] = [rowsOf(x.reshape([height, width])), rowsOf(e.reshape([2, 3]))];
    const expected = build(height, () => new Array<number>(width).fill(0));
    for (const [i, j] of positions([2, 3]) as [number, number][]) {
      const window = positions([m, m]).map(([a, b]) => [i * m + a!, j * m + b!] as const);
      const [top, left] = window.reduce((best, at) => (xs[at[0]]![at[1]]! > xs[best[0]]![best[1]]! ? at : best));
      expected[top]![left]! += es[i]![j]!;
    }
    expect(values(vjp((z) => maxPool2d(z, m), x, e)).map((v) => v + 0)).toEqual(expected.flat());
  });

  it("hides shifts: fewer outputs change than without it", () => {
    // a picture of single bright dots, moved by one position, in windows of three
    const image = (shift: number) =>
      tensor(
        Float64Array.from({ length: 81 }, (_v, i) => (Math.floor(i / 9) % 3 === 1 && (i % 9) % 3 === shift ? 1 : 0)),
        {
          shape: [1, 9, 9, 1],
        },
      );
    const changed = (a: Tensor, b: Tensor) => values(a).filter((v, i) => v !== values(b)[i]).length;
    expect(changed(image(0), image(1))).toBe(18);
    expect(changed(maxPool2d(image(0), 3), maxPool2d(image(1), 3))).toBe(0);
  });
});

describe("normalisation", () => {
  const [n, d, eps] = [6, 4, 1e-5];
  const [x, e] = [random([n, d], 18), random([n, d], 19)];
  const [weight, bias] = [random([d], 20), random([d], 21)];

  /** The gradient of (x − μ)/√(σ² + ε) over one group: (M·e − Σe − x̂ Σ e x̂)/(M√(σ² + ε)). */
  function backward(xs: Vector, es: Vector): { dx: number[]; normal: number[] } {
    const size = xs.length;
    const mean = xs.reduce((a, b) => a + b) / size;
    const deviation = Math.sqrt(xs.reduce((total, v) => total + (v - mean) ** 2, 0) / size + eps);
    const normal = xs.map((v) => (v - mean) / deviation);
    const [sumE, sumEx] = [es.reduce((a, b) => a + b), dot(es, normal)];
    return { normal, dx: es.map((v, i) => (size * v - sumE - normal[i]! * sumEx) / (size * deviation)) };
  }

  it("over the mini-batch has the book's backward formula by x, γ and β", () => {
    const layer = new BatchNorm(d, { eps, dtype: "float64" });
    layer.loadStateDict({ weight, bias }, { strict: false });
    const run = (z: Tensor) => sum(mul(layer.forward(z), e));
    const { grads } = valueAndGrad((z: Tensor) => run(z), layer.parameters())(x);
    const dx = rowsOf(grad(run)(x));
    for (let j = 0; j < d; j++) {
      const column = (t: Tensor) => rowsOf(t).map((row) => row[j]!);
      const scaled = column(e).map((v) => v * values(weight)[j]!);
      const expected = backward(column(x), scaled);
      expect(
        distance(
          dx.map((row) => row[j]!),
          expected.dx,
        ),
      ).toBeLessThan(1e-13);
      expect(values(grads.weight!)[j]).toBeCloseTo(dot(column(e), expected.normal), 12);
      expect(values(grads.bias!)[j]).toBeCloseTo(
        column(e).reduce((a, b) => a + b),
        12,
      );
    }
  });

  it("over the dimensions of each input has the same one, row by row", () => {
    const layer = new LayerNorm(d, { eps, dtype: "float64" });
    layer.loadStateDict({ weight, bias });
    const run = (z: Tensor) => sum(mul(layer.forward(z), e));
    const { grads } = valueAndGrad((z: Tensor) => run(z), layer.parameters())(x);
    const dx = rowsOf(grad(run)(x));
    const byRow = rowsOf(x).map((row, i) =>
      backward(
        row,
        rowsOf(e)[i]!.map((v, j) => v * values(weight)[j]!),
      ),
    );
    byRow.forEach((expected, i) => void expect(distance(dx[i]!, expected.dx)).toBeLessThan(1e-13));
    for (let j = 0; j < d; j++) {
      const gain = byRow.reduce((total, { normal }, i) => total + normal[j]! * rowsOf(e)[i]![j]!, 0);
      expect(values(grads.weight!)[j]).toBeCloseTo(gain, 12);
      expect(values(grads.bias!)[j]).toBeCloseTo(
        rowsOf(e).reduce((total, row) => total + row[j]!, 0),
        12,
      );
    }
  });
});

describe("the universal approximator", () => {
  it("is nested, Λ_N ⊂ Λ_{N+1}: a net of N units is exactly one of N + 1", () => {
    const net = (units: number, seed: number) =>
      new Sequential(new Linear(3, units, float64(seed)), new Sigmoid(), new Linear(units, 1, float64(seed)));
    const [small, large] = [net(5, 1), net(6, 2)];
    const own = small.stateDict();
    large.loadStateDict({
      "0.weight": concat([own["0.weight"]!, random([1, 3], 3)]),
      "0.bias": concat([own["0.bias"]!, random([1], 4)]),
      // the unit that was added does not speak
      "2.weight": concat([own["2.weight"]!, tensor(new Float64Array([0]), { shape: [1, 1] })], 1),
      "2.bias": own["2.bias"]!,
    });
    const x = uniform([100, 3], -10, 10, float64(5));
    expect(values(large.forward(x))).toEqual(values(small.forward(x)));
  });
});
