import { valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import { add, copy, setDefaultDevice, sum, type Tensor, tensor } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { Conv2d, Linear, LSTM, type Module, MultiHeadAttention, Sequential, Tanh, WeightNorm } from "../src/index.js";
import { distance, float64, gradientError, random, values } from "./describe-layer.js";

setDefaultDevice(cpuJs());

/** Norms of the slices of x along an axis. */
function norms(x: Tensor, axis: number): number[] {
  const inner = x.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const squares = new Array<number>(x.shape[axis]!).fill(0);
  values(x).forEach((value, i) => {
    squares[Math.floor(i / inner) % x.shape[axis]!]! += value ** 2;
  });
  return squares.map(Math.sqrt);
}

const forms = ["unit", "ball"] as const;

describe.each(forms)("WeightNorm, %s", (form) => {
  it.each<[string, (seed: number) => Module & { forward(x: Tensor): Tensor }, number[], string[], number]>([
    ["Linear", (seed) => new Linear(4, 3, float64(seed)), [2, 4], ["weight"], 0],
    ["Conv2d", (seed) => new Conv2d(2, 3, 2, float64(seed)), [1, 3, 3, 2], ["weight"], 3],
    ["MultiHeadAttention", (seed) => new MultiHeadAttention(4, 2, float64(seed)), [1, 3, 4], ["inProjWeight"], 0],
  ])(
    "changes nothing in a %s at first, and puts two parameters in place of its weight",
    (_, make, shape, names, axis) => {
      const [plain, inner] = [make(1), make(1)];
      const layer = new WeightNorm(inner, { names, form });
      const x = random(shape);
      expect(distance(values(layer.forward(x)), values(plain.forward(x)))).toBeLessThan(1e-14);
      const own = layer.parameters();
      const [g, v] = [own[`${names[0]}G`]!, own[`${names[0]}V`]!];
      expect(Object.keys(own)).not.toContain(`layer.${names[0]}`);
      expect(Object.keys(own)).toHaveLength(Object.keys(plain.parameters()).length + 1);
      expect(g.size).toBe(plain.parameters()[names[0]!]!.shape[axis]);
      for (const norm of norms(v, axis)) if (form === "ball") expect(norm).toBeCloseTo(0.5, 12);
      const { error, worst } = gradientError(layer, ([y]) => layer.forward(y!) as Tensor, [x]);
      expect(error, worst).toBeLessThan(1e-8);
    },
  );

  it("keeps the weight's norms at γ, or below, wherever v goes", () => {
    const layer = new WeightNorm(new Linear(4, 3, float64()), { form });
    const { weightG, weightV } = layer.parameters();
    const gains = values(weightG!);
    // the first unit's v stays short, the others leave the ball
    const shift = random([3, 4], 5).mul(tensor(new Float64Array([0, 3, 3]), { shape: [3, 1] }));
    weightV!.assign(add(weightV!, shift));
    const outside = norms(weightV!, 0);
    expect(Math.min(...outside.slice(1))).toBeGreaterThan(1.5);
    const lengths = norms(layer.remove().weight, 0);
    const expected = gains.map((gain, i) => (form === "unit" ? gain : gain * Math.min(1, outside[i]!)));
    expect(distance(lengths, expected)).toBeLessThan(1e-14);
  });

  it("is removed without a trace", () => {
    const inner = new LSTM(2, 3, { layers: 2, ...float64() });
    const names = Object.keys(inner.parameters());
    const layer = new WeightNorm(inner, { names: ["weightHhL0", "weightHhL1"], form });
    expect(Object.keys(layer.parameters()).filter((name) => /[GV]$/.test(name))).toHaveLength(4);
    const { weightHhL1G } = layer.parameters();
    weightHhL1G!.assign(copy(weightHhL1G!.mul(3)));
    const x = random([2, 3, 2]);
    const expected = values(layer.forward(x).output);
    const plain = layer.remove();
    expect(plain).toBe(inner);
    expect(Object.keys(plain.parameters()).toSorted()).toEqual(names.toSorted());
    expect(distance(values(plain.forward(x).output), expected)).toBeLessThan(1e-14);
    expect(Object.keys(layer.parameters()).toSorted()).toEqual(names.map((name) => `layer.${name}`).toSorted());
  });
});

describe("WeightNorm", () => {
  it("has the unit form's gradients of Salimans & Kingma: ∂γ = e·v/‖v‖, and ∂v orthogonal to v", () => {
    const layer = new WeightNorm(new Linear(4, 1, { bias: false, ...float64() }));
    const x = random([1, 4]);
    const { grads } = valueAndGrad((y: Tensor) => sum(layer.forward(y)), layer.parameters())(x);
    const own = layer.parameters();
    const [v, e] = [values(own.weightV!), values(x)];
    const dot = (a: number[], b: number[]) => a.reduce((total, value, i) => total + value * b[i]!, 0);
    const length = Math.sqrt(dot(v, v));
    const [dg, dv] = [values(grads.weightG!)[0]!, values(grads.weightV!)];
    expect(dg).toBeCloseTo(dot(e, v) / length, 12);
    const gain = values(own.weightG!)[0]!;
    dv.forEach((value, i) => void expect(value).toBeCloseTo((gain / length) * (e[i]! - (dg * v[i]!) / length), 12));
    expect(dot(dv, v)).toBeCloseTo(0, 12);
  });

  it("takes one norm for all units with axis null, and any axis", () => {
    const sizes = ([null, 0, 1] as const).map(
      (axis) => new WeightNorm(new Linear(4, 3), { axis }).parameters().weightG!.size,
    );
    expect(sizes).toEqual([1, 3, 4]);
  });

  it("works inside of other modules, and is found by their state dicts", () => {
    const net = (seed: number) =>
      new Sequential(new WeightNorm(new Linear(2, 3, float64(seed))), new Tanh(), new Linear(3, 1, float64(seed)));
    const [a, b] = [net(1), net(2)];
    expect(Object.keys(a.stateDict()).toSorted()).toEqual(
      ["0.layer.bias", "0.weightG", "0.weightV", "2.bias", "2.weight"].toSorted(),
    );
    b.loadStateDict(a.stateDict());
    const x = random([2, 2]);
    expect(values(b.forward(x))).toEqual(values(a.forward(x)));
  });

  it("refuses to normalise a weight twice", () => {
    const inner = new Linear(2, 2);
    new WeightNorm(inner);
    expect(() => new WeightNorm(inner)).toThrow(/names expects fields of the layer that hold parameters \(bias\)/);
  });
});
