import { checkGradients, customOp, grad, valueAndGrad } from "@neurite/autograd";
import {
  checkFinite,
  exp,
  log,
  matmul,
  mul,
  prod,
  softmax,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
} from "@neurite/core";
import { describe, expect, it } from "vitest";
import { double, freshDevice, thrown } from "./device.js";

const device = freshDevice();

describe("checkGradients", () => {
  it("finds right gradients right, to both orders", () => {
    const x = double([
      [0.3, -0.7],
      [1.1, 0.2],
    ]);
    expect(checkGradients((y) => tanh(matmul(y, y)), [x]).maxError).toBeLessThan(1e-9);
    expect(checkGradients((y) => softmax(square(y)), [x], { order: 2 }).maxError).toBeLessThan(1e-8);
    expect(checkGradients((a, b) => mul(exp(a), b), [x, double([2, 3])], { order: 2 }).maxError).toBeLessThan(1e-8);
  });

  it("catches a gradient that is off by one per cent, and names the place", () => {
    const wrong = customOp({
      name: "wrong",
      forward: (x) => square(x),
      vjp: ({ inputs: [x], dy: [dy] }) => [mul(dy, mul(x, 2.02))],
    });
    const x = double([0.5, 2]);
    const report = checkGradients((y) => wrong(y)[0], [x]);
    expect(report.maxError).toBeGreaterThan(5e-3);
    expect(report.worst).toMatch(/^order 1, input 0, element [01]: analytic -?[\d.]+, numeric -?[\d.]+/);
  });

  it("catches a gradient of one element among many", () => {
    const wrong = customOp({
      name: "wrong",
      forward: (x) => mul(x, 1),
      vjp: ({ dy: [dy] }) => [mul(dy, double([1, 1, 1.5, 1]))],
    });
    const report = checkGradients((y) => wrong(y)[0], [double([1, 2, 3, 4])]);
    expect(report.worst).toContain("element 2");
    expect(report.maxError).toBeGreaterThan(0.05);
  });

  it("catches a gradient that misses the second input", () => {
    const wrong = customOp({
      name: "wrong",
      forward: (a, b) => mul(a, b),
      vjp: ({ inputs: [, b], dy: [dy] }) => [mul(dy, b), null],
    });
    const report = checkGradients((a, b) => wrong(a, b)[0], [double([2]), double([3])]);
    expect(report.worst).toContain("input 1");
    expect(report.maxError).toBeGreaterThan(0.1);
  });

  it("catches a second gradient that is wrong while the first is right", () => {
    const wrong = customOp({
      name: "wrong",
      forward: (x) => square(x),
      // the value of the slope is right, but it hides its dependence on x
      vjp: ({ inputs: [x], dy: [dy] }) => [mul(dy, tensor(Array.from(mul(x, 2).dataSync()), { dtype: "float64" }))],
    });
    const x = double([0.5, 2]);
    expect(checkGradients((y) => wrong(y)[0], [x]).maxError).toBeLessThan(1e-9);
    const report = checkGradients((y) => wrong(y)[0], [x], { order: 2 });
    expect(report.maxError).toBeGreaterThan(0.1);
    expect(report.worst).toContain("order 2");
  });

  it("reports NaN as an infinite error", () => {
    const x = double([0]);
    expect(checkGradients((y) => mul(log(y), y), [x]).maxError).toBe(Number.POSITIVE_INFINITY);
  });

  it("refuses float32, whose differences tell nothing", () => {
    const error = thrown(() => checkGradients((y) => square(y), [double([1]), tensor([1])]));
    expect(error.code).toBe("ERR_DTYPE");
    expect(error.message).toContain('inputs[1] expects float64, but received float32. Cast it: cast(x, "float64").');
  });

  it("leaves nothing behind", () => {
    const x = double([0.5, 2]);
    checkGradients((y) => prod(tanh(y)), [x], { order: 2 });
    expect(device().memory().storages).toBe(1);
  });
});

describe("the finite check below a tape", () => {
  it("names the op of the forward pass that made NaN", () => {
    const x = double([1, 0]);
    const step = valueAndGrad(() => sum(log(sub(x, 1))), x);
    const error = thrown(() => checkFinite(step));
    expect(error.code).toBe("ERR_NON_FINITE");
    expect(error.message).toMatch(/^log: result \[2\] expects finite numbers, but received (-Infinity|NaN)/);
    expect(device().memory().storages).toBe(1);
  });

  it("names the op of the backward pass that made an infinity", () => {
    const x = double([0]);
    // √x is fine at 0, its slope is not
    const slope = grad((y: Tensor) => sum(exp(mul(0.5, log(y)))));
    expect(() => checkFinite(() => slope(double([4])))).not.toThrow();
    expect(thrown(() => checkFinite(() => slope(x))).code).toBe("ERR_NON_FINITE");
  });
});
