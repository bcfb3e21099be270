import { grad, jacobian, jvp, vjp } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import {
  Generator,
  linear,
  matmul,
  mul,
  normal,
  pow,
  setDefaultDevice,
  softmax,
  sum,
  type Tensor,
  tanh,
  tensor,
  zeros,
} from "@neurite/core";
import { describe, expect, it } from "vitest";

const device = cpuJs();
setDefaultDevice(device);

const random = (shape: number[], seed: number) =>
  normal(shape, 0, 1, { dtype: "float64", generator: new Generator(seed) });
const values = (x: Tensor) => Array.from(x.dataSync());
const near = (actual: Tensor, expected: number[]) => {
  expect(actual.size).toBe(expected.length);
  values(actual).forEach((value, i) => void expect(value).toBeCloseTo(expected[i]!, 12));
};
const outer = (a: number[], b: number[]) => a.flatMap((x) => b.map((y) => x * y));
const dot = (a: number[], b: number[]) => a.reduce((total, value, i) => total + value * b[i]!, 0);

describe("jacobian", () => {
  it("of a full connection is W by the input, and holds the input by the weights", () => {
    const [w, x] = [random([3, 2], 1), random([2], 2)];
    const byInput = jacobian((input) => matmul(w, input), x);
    expect(byInput.shape).toEqual([3, 2]);
    near(byInput, values(w));
    const byWeights = jacobian((weights) => matmul(weights, x), w);
    expect(byWeights.shape).toEqual([3, 3, 2]);
    // ∂yᵢ/∂wⱼₖ = δᵢⱼ xₖ
    near(
      byWeights,
      [0, 1, 2].flatMap((i) => [0, 1, 2].flatMap((j) => values(x).map((v) => (i === j ? v : 0)))),
    );
  });

  it("of an activation is diagonal", () => {
    const x = random([4], 3);
    const slopes = values(x).map((v) => 1 - Math.tanh(v) ** 2);
    near(
      jacobian(tanh, x),
      [0, 1, 2, 3].flatMap((i) => slopes.map((slope, j) => (i === j ? slope : 0))),
    );
  });

  it("can be differentiated again", () => {
    const x = random([2], 4);
    const trace = (y: Tensor) => sum(jacobian((z) => pow(z, 3), y));
    near(
      grad(trace)(x),
      values(x).map((v) => 6 * v),
    );
  });

  it("is empty for an empty result, and of four axes for matrices", () => {
    expect(jacobian((x) => linear(zeros([0, 2], { dtype: "float64", device }), x), random([3, 2], 5)).shape).toEqual([
      0, 3, 3, 2,
    ]);
    expect(jacobian((x) => mul(x, x), random([2, 1], 6)).shape).toEqual([2, 1, 2, 1]);
  });
});

describe("vjp and jvp", () => {
  const [x, e, v] = [random([3], 7), random([3], 8), random([3], 9)];
  const y = values(softmax(x));

  it("are the Jacobian's products from both sides", () => {
    // softmax: J = diag(y) − yyᵀ is symmetric
    const times = (u: number[]) => y.map((yi, i) => yi * (u[i]! - dot(y, u)));
    near(
      vjp((z) => softmax(z), x, e),
      times(values(e)),
    );
    near(
      jvp((z) => softmax(z), x, v),
      times(values(v)),
    );
  });

  it("differ where the Jacobian is not symmetric", () => {
    const w = random([2, 3], 10);
    const [rows, u] = [[values(w).slice(0, 3), values(w).slice(3)], random([2], 11)];
    near(
      vjp((z) => matmul(w, z), x, u),
      [0, 1, 2].map((k) =>
        dot(
          values(u),
          rows.map((row) => row[k]!),
        ),
      ),
    );
    near(
      jvp((z) => matmul(w, z), x, v),
      rows.map((row) => dot(row, values(v))),
    );
    near(
      vjp((m) => matmul(m, x), w, u),
      outer(values(u), values(x)),
    );
  });

  it("leave nothing behind", () => {
    const before = device.memory().storages;
    for (const result of [vjp((z) => softmax(z), x, e), jvp((z) => softmax(z), x, v), jacobian((z) => softmax(z), x)]) {
      result.dispose();
    }
    expect(device.memory().storages).toBe(before);
  });

  it("refuse vectors of another shape", () => {
    const wrong = tensor([1, 2], { dtype: "float64" });
    expect(() => vjp((z) => softmax(z), x, wrong)).toThrow(/vjp: e expects shape \[3\], but received \[2\]/);
    expect(() => jvp((z) => softmax(z), x, wrong)).toThrow(/jvp: v expects shape \[3\], but received \[2\]/);
  });
});
