import { cpuJs } from "@neurite/backend-cpu-js";
import {
  add,
  concat,
  matmul,
  mul,
  notEqual,
  relu,
  reshape,
  setDefaultDevice,
  slice,
  softmax,
  split,
  type Tensor,
  tensor,
  transpose,
  where,
} from "@neurite/core";
import { describe, expect, it } from "vitest";
import {
  AdditiveScore,
  Attention,
  ColumnAttention,
  ColumnTransformerLayer,
  causalMask,
  Module,
  MultiHeadAttention,
  TapAttention,
  TappedDelayLine,
} from "../src/index.js";
import { distance, float64, random, values } from "./describe-layer.js";

setDefaultDevice(cpuJs());

const at = (x: Tensor) => {
  const data = values(x);
  const width = x.shape[x.rank - 1]!;
  return (i: number, j: number) => data[i * width + j]!;
};
const build = (n: number, f: (i: number) => number) => Array.from({ length: n }, (_, i) => f(i));
const total = (n: number, f: (i: number) => number) => build(n, f).reduce((a, b) => a + b, 0);
const mask = (bits: number[], shape: number[]) => notEqual(tensor(new Int32Array(bits), { shape }), 0);

describe("additive scores", () => {
  it("are vᵀtanh(W q + W′k) for each pair", () => {
    const score = new AdditiveScore(3, 2, 4, float64());
    const [q, k] = [random([5, 3], 1), random([6, 2], 2)];
    const [w, u, v] = [score.query.weight, score.key.weight, score.energy.weight].map(at);
    const [qs, ks, s] = [at(q), at(k), at(score.forward(q, k))];
    for (let i = 0; i < 5; i++) {
      for (let j = 0; j < 6; j++) {
        const hidden = (r: number) => total(3, (c) => w!(r, c) * qs(i, c)) + total(2, (c) => u!(r, c) * ks(j, c));
        expect(s(i, j)).toBeCloseTo(
          total(4, (r) => v!(0, r) * Math.tanh(hidden(r))),
          12,
        );
      }
    }
  });

  it("weight the values of an attention, among the keys its mask allows", () => {
    const layer = new Attention({ score: "additive", queryFeatures: 3, keyFeatures: 2, units: 4, ...float64() });
    const [q, k, v] = [random([2, 5, 3], 1), random([2, 6, 2], 2), random([2, 6, 2], 3)];
    const allowed = mask([1, 1, 0, 1, 0, 1], [1, 1, 6]);
    const { context, weights } = layer.forward(q, k, v, allowed);
    const scores = where(allowed, layer.additive!.forward(q, k), -1e30);
    expect(distance(values(weights), values(softmax(scores)))).toBeLessThan(1e-14);
    expect(distance(values(context), values(matmul(softmax(scores), v)))).toBeLessThan(1e-14);
    expect(Object.keys(layer.parameters())).toEqual(
      ["query", "key", "energy"].map((name) => `additive.${name}.weight`),
    );
  });
});

describe("scores of one's own", () => {
  it("are a function or a module, whose parameters are the layer's", () => {
    const [q, k, v] = [random([2, 3], 1), random([4, 3], 2), random([4, 2], 3)];
    const products = (a: Tensor, b: Tensor) => matmul(a, transpose(b));
    const own = new Attention({ score: (a, b) => mul(products(a, b), 2) }).forward(q, k, v);
    expect(distance(values(own.weights), values(softmax(mul(products(q, k), 2))))).toBeLessThan(1e-14);
    const learned = new Attention({ score: new AdditiveScore(3, 3, 3, float64()) });
    const named = new Attention({ score: "additive", queryFeatures: 3, ...float64() });
    expect(values(learned.forward(q, k, v).context)).toEqual(values(named.forward(q, k, v).context));
    expect(Object.keys(learned.parameters())).toContain("score.energy.weight");
  });

  it("must score each pair", () => {
    const layer = new Attention({ score: (a) => a });
    const [q, k] = [random([2, 3]), random([4, 3])];
    expect(() => layer.forward(q, k, k)).toThrow(
      /last axes of the scores expects shape \[2, 4\], but received \[2, 3\]/,
    );
  });
});

describe("TapAttention", () => {
  it("is a tapped delay line whose coefficients are a softmax of g(q, k)", () => {
    const [n, time, taps, features] = [2, 5, 3, 2];
    const layer = new TapAttention(taps, { queryFeatures: 2, keyFeatures: 1, ...float64() });
    const [q, k, y] = [random([n, time, 2], 1), random([n, time, 1], 2), random([n, time, features], 3)];
    const { context, weights } = layer.forward(q, k, y);
    const [weight, bias] = Object.values(layer.parameters()).map(values);
    const [qs, ks, ys, zs, as] = [q, k, y, context, weights].map(at);
    for (let row = 0; row < n * time; row++) {
      const t = row % time;
      const score = (i: number) =>
        weight![i * 3]! * qs!(row, 0) +
        weight![i * 3 + 1]! * qs!(row, 1) +
        weight![i * 3 + 2]! * ks!(row, 0) +
        bias![i]!;
      const begun = Math.min(taps, t + 1);
      const sum = total(begun, (i) => Math.exp(score(i)));
      const a = (i: number) => (i < begun ? Math.exp(score(i)) / sum : 0);
      for (let i = 0; i < taps; i++) expect(as!(row, i)).toBeCloseTo(a(i), 12);
      for (let j = 0; j < features; j++) {
        expect(zs!(row, j)).toBeCloseTo(
          total(begun, (i) => a(i) * ys!(row - i, j)),
          12,
        );
      }
    }
  });

  it("with equal scores is the mean of the window, as a delay line of equal taps gives", () => {
    const y = random([1, 6, 2]);
    const even = new TapAttention(3, { score: (q) => mul(concat([q, slice(q, [null, null, [0, 1]])], 2), 0) });
    const line = new TappedDelayLine(2, 3, float64());
    line.loadStateDict({ weight: tensor(new Float64Array([1 / 3, 1 / 3, 1 / 3])) });
    const late = (x: Tensor) => values(slice(x, [null, [2, 6]]));
    expect(distance(late(even.forward(y, y, y).context), late(line.forward(y)))).toBeLessThan(1e-14);
  });

  it("leaves out taps that a mask forbids", () => {
    const layer = new TapAttention(2, { queryFeatures: 1, ...float64() });
    const y = random([1, 4, 1]);
    const { context, weights } = layer.forward(y, y, y, mask([1, 0], [2]));
    expect(values(weights)).toEqual([1, 0, 1, 0, 1, 0, 1, 0]);
    expect(values(context)).toEqual(values(y));
  });

  it("refuses scores of another number of taps", () => {
    const y = random([1, 4, 3]);
    expect(() => new TapAttention(2, { score: (q) => q }).forward(y, y, y)).toThrow(
      /scores expects shape \[1, 4, 2\], but received \[1, 4, 3\]/,
    );
  });
});

describe("ColumnAttention", () => {
  const [d, n, m] = [3, 4, 5];
  const [v, q, k] = [random([2, n], 1), random([d, n], 2), random([d, m], 3)];

  /** Ẑ = V softmax(G) with the softmax down the columns of G [n, m], entry by entry. */
  function columns(g: (i: number, j: number) => number, allowed = (_i: number, _j: number) => true): number[] {
    const vs = at(v);
    const power = (i: number, j: number) => (allowed(i, j) ? Math.exp(g(i, j)) : 0);
    return build(2 * m, (cell) => {
      const [r, j] = [Math.floor(cell / m), cell % m];
      return total(n, (i) => vs(r, i) * power(i, j)) / total(n, (i) => power(i, j));
    });
  }
  const dot = (i: number, j: number) => total(d, (c) => at(q)(c, i) * at(k)(c, j));

  it("is V softmax(QᵀK), by columns", () => {
    const { context, weights } = new ColumnAttention().forward(v, q, k);
    expect(context.shape).toEqual([2, m]);
    expect(distance(values(context), columns(dot))).toBeLessThan(1e-13);
    for (let j = 0; j < m; j++) expect(total(n, (i) => at(weights)(i, j))).toBeCloseTo(1, 12);
  });

  it("takes any score of columns, and a mask of pairs [i, j]", () => {
    const scaled = new ColumnAttention({ score: "scaledDot" }).forward(v, q, k).context;
    expect(
      distance(
        values(scaled),
        columns((i, j) => dot(i, j) / Math.sqrt(d)),
      ),
    ).toBeLessThan(1e-13);
    const layer = new ColumnAttention({ score: "bilinear", queryFeatures: d, ...float64() });
    const w = at(layer.rows.weight!);
    const bilinear = (i: number, j: number) => total(d, (a) => total(d, (b) => at(k)(a, j) * w(a, b) * at(q)(b, i)));
    expect(distance(values(layer.forward(v, q, k).context), columns(bilinear))).toBeLessThan(1e-13);
    const doubled = new ColumnAttention({ score: (a, b) => mul(matmul(transpose(a), b), 2) }).forward(v, q, k).context;
    expect(
      distance(
        values(doubled),
        columns((i, j) => 2 * dot(i, j)),
      ),
    ).toBeLessThan(1e-13);
    const upper = (i: number, j: number) => i <= j;
    const bits = build(n * m, (cell) => (upper(Math.floor(cell / m), cell % m) ? 1 : 0));
    const masked = new ColumnAttention().forward(v, q, k, mask(bits, [n, m])).context;
    expect(distance(values(masked), columns(dot, upper))).toBeLessThan(1e-13);
  });

  it("trains the parameters of a score that is a module", () => {
    class Scaled extends Module {
      readonly inner = new AdditiveScore(d, d, d, float64());
      forward(a: Tensor, b: Tensor): Tensor {
        return this.inner.forward(transpose(a), transpose(b));
      }
    }
    const layer = new ColumnAttention({ score: new Scaled() });
    expect(Object.keys(layer.parameters())).toHaveLength(3);
    const named = new ColumnAttention({ score: "additive", queryFeatures: d, ...float64() });
    const { query, key, energy } = named.rows.additive!;
    const { inner } = layer.score as Scaled;
    // in rows the book's keys ask, so W and W′ change places
    inner.query.loadStateDict(key.stateDict());
    inner.key.loadStateDict(query.stateDict());
    inner.energy.loadStateDict(energy.stateDict());
    const [a, b] = [layer, named].map((one) => values(one.forward(v, q, k).context));
    expect(distance(a!, b!)).toBeLessThan(1e-14);
  });
});

describe("ColumnTransformerLayer", () => {
  it("is Y = feedforward(LN(X + Z)), Z = (CX) softmax((AX)ᵀ(BX)) of each head, entry by entry", () => {
    const [d, time, heads, l, o] = [4, 3, 2, 3, 2];
    const layer = new ColumnTransformerLayer(d, heads, { keyFeatures: l, feedForward: 5, ...float64() });
    const x = random([d, time]);
    const xs = at(x);
    const [a, b, c] = [layer.queryWeight, layer.keyWeight, layer.valueWeight].map((w) => at(reshape(w, [-1, d])));
    const times = (w: typeof xs, rows: number, h: number) => (r: number, t: number) =>
      total(d, (j) => w(h * rows + r, j) * xs(j, t));
    const z = (row: number, t: number) => {
      const h = Math.floor(row / o);
      const [q, k, v] = [times(a!, l, h), times(b!, l, h), times(c!, o, h)];
      const power = (i: number) => Math.exp(total(l, (r) => q(r, i) * k(r, t)));
      return total(time, (i) => v(row % o, i) * power(i)) / total(time, power);
    };
    const zs = values(layer.attend(x));
    expect(
      distance(
        zs,
        build(d * time, (cell) => z(Math.floor(cell / time), cell % time)),
      ),
    ).toBeLessThan(1e-13);
    const [w1, b1, w2, b2] = [layer.linear1.weight, layer.linear1.bias!, layer.linear2.weight, layer.linear2.bias!];
    const y = at(layer.forward(x));
    for (let t = 0; t < time; t++) {
      const sums = build(d, (j) => xs(j, t) + z(j, t));
      const mean = total(d, (j) => sums[j]!) / d;
      const deviation = Math.sqrt(total(d, (j) => (sums[j]! - mean) ** 2) / d + 1e-5);
      const norm = sums.map((value) => (value - mean) / deviation);
      const hidden = build(5, (r) => Math.max(0, total(d, (j) => at(w1)(r, j) * norm[j]!) + values(b1)[r]!));
      for (let j = 0; j < d; j++) {
        expect(y(j, t)).toBeCloseTo(total(5, (r) => at(w2)(j, r) * hidden[r]!) + values(b2)[j]!, 11);
      }
    }
  });

  it("equals standard attention with A and B exchanged", () => {
    const [d, heads] = [6, 2];
    const layer = new ColumnTransformerLayer(d, heads, float64());
    const standard = new MultiHeadAttention(d, heads, { bias: false, ...float64(2) });
    // standard attention divides by √(d/heads), and projects its output
    const factor = Math.sqrt(d / heads);
    const flat = (w: Tensor) => reshape(w, [d, d]);
    standard.loadStateDict({
      inProjWeight: concat([mul(flat(layer.keyWeight), factor), flat(layer.queryWeight), flat(layer.valueWeight)]),
      "outProj.weight": tensor(
        Float64Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? 1 : 0)),
        { shape: [d, d] },
      ),
    });
    const x = random([2, 5, d]);
    expect(distance(values(transpose(layer.attend(transpose(x)))), values(standard.forward(x)))).toBeLessThan(1e-13);
    const causal = standard.forward(x, x, x, { mask: causalMask(5) });
    const upper = layer.attend(transpose(x), transpose(causalMask(5)));
    expect(distance(values(transpose(upper)), values(causal))).toBeLessThan(1e-13);
  });

  it("of the book's size, d = 512, o = 64 and 8 heads, is its closed form", () => {
    const layer = new ColumnTransformerLayer(512, 8, float64());
    expect(layer.valueWeight.shape).toEqual([8, 64, 512]);
    const x = random([512, 7]);
    const [as, bs, cs] = [layer.queryWeight, layer.keyWeight, layer.valueWeight].map((w) => split(w, 8, 0));
    const heads = build(8, (h) => h).map((h) => {
      const [a, b, c] = [as![h]!, bs![h]!, cs![h]!].map((w) => matmul(reshape(w, [64, 512]), x)) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      return matmul(c, softmax(matmul(transpose(a), b), 0));
    });
    const z = concat(heads, 0);
    expect(distance(values(layer.attend(x)), values(z))).toBeLessThan(1e-10);
    const hidden = relu(layer.linear1.forward(layer.norm.forward(transpose(add(x, z)))));
    const y = transpose(layer.linear2.forward(hidden));
    expect(distance(values(layer.forward(x)), values(y))).toBeLessThan(1e-10);
  });

  it("stacks, for batches and single matrices alike", () => {
    const [first, second] = [1, 2].map((seed) => new ColumnTransformerLayer(4, 2, float64(seed)));
    const x = random([3, 4, 5]);
    const y = second!.forward(first!.forward(x));
    const alone = second!.forward(first!.forward(slice(x, [1])));
    expect(distance(values(slice(y, [1])), values(alone))).toBeLessThan(1e-13);
  });

  it("refuses heads that do not fill the features", () => {
    expect(() => new ColumnTransformerLayer(6, 2, { valueFeatures: 2 })).toThrow(
      /valueFeatures expects features \/ heads = 3, so that X \+ Z makes sense, but received 2/,
    );
    expect(() => new ColumnTransformerLayer(6, 4)).toThrow(/keyFeatures expects a positive integer, but received 1.5/);
  });
});
