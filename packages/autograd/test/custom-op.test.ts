import { customOp, grad, valueAndGrad } from "@neurite/autograd";
import { clamp, exp, mul, square, sum, type Tensor } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { double, freshDevice, list } from "./device.js";

const device = freshDevice();

describe("customOp", () => {
  it("uses the gradient it was given", () => {
    const clipped = customOp({
      name: "clipGradient",
      forward: (x) => mul(x, 1),
      vjp: ({ dy }) => [clamp(dy[0], -1, 1)],
    });
    const x = double([0.25, 3]);
    const slope = grad((y: Tensor) => sum(square(clipped(y)[0])))(x);
    expect(list(slope)).toEqual([0.5, 1]);
  });

  it("gives its rule inputs, outputs and the gradient of each output", () => {
    const both = customOp({
      name: "both",
      forward: (a, b) => [mul(a, b), exp(a)],
      vjp: ({ inputs: [a, b], outputs: [, power], dy: [first, second] }) => [
        mul(first, b).add(mul(second, power)),
        mul(first, a),
      ],
    });
    const [a, b] = [double([2]), double([5])];
    const step = valueAndGrad(() => {
      const [product, power] = both(a, b);
      return sum(mul(product, power));
    }, [a, b]);
    const { value, grads } = step();
    expect(value.itemSync()).toBeCloseTo(10 * Math.exp(2), 12);
    expect(list(grads[0])[0]).toBeCloseTo((5 + 10) * Math.exp(2), 12);
    expect(list(grads[1])[0]).toBeCloseTo(2 * Math.exp(2), 12);
  });

  it("is recorded by outer tapes: second order works", () => {
    const cube = customOp({
      name: "cube",
      forward: (x) => mul(square(x), x),
      vjp: ({ inputs: [x], dy: [dy] }) => [mul(dy, mul(square(x), 3))],
    });
    const x = double([2]);
    const second = grad((y: Tensor) => sum(grad((z: Tensor) => sum(cube(z)[0]))(y)))(x);
    expect(list(second)).toEqual([12]);
  });

  it("may say that an input has no gradient", () => {
    const scaled = customOp({
      name: "scaled",
      forward: (x, s) => mul(x, s),
      vjp: ({ inputs: [, s], dy: [dy] }) => [mul(dy, s), null],
    });
    const [x, s] = [double([2]), double([5])];
    const { grads } = valueAndGrad(() => sum(scaled(x, s)[0]), [x, s])();
    expect([list(grads[0]), list(grads[1])]).toEqual([[5], [0]]);
  });

  it("frees what its forward made between", () => {
    const op = customOp({ name: "deep", forward: (x) => exp(square(mul(x, 2))), vjp: ({ dy }) => [dy[0]] });
    const x = double([0.5]);
    op(x);
    expect(device().memory().storages).toBe(2);
  });
});
