import { checkpoint, grad, stopGradient, valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import {
  add,
  Buffer,
  defaultGenerator,
  dropout,
  manualSeed,
  matmul,
  mul,
  normal,
  Parameter,
  setDefaultDevice,
  square,
  sum,
  type Tensor,
  tanh,
  tensor,
} from "@neurite/core";
import { describe, expect, it } from "vitest";
import { double, freshDevice, list } from "./device.js";

const device = freshDevice();

/** Three layers, each of which makes five intermediate tensors; dropout draws from the default stream. */
function network() {
  const weights = Array.from({ length: 3 }, () => new Parameter(normal([8, 8], 0, 0.5)));
  const block = (x: Tensor, w: Tensor) => dropout(tanh(add(square(tanh(matmul(x, w))), mul(x, 0.5))), 0.3);
  const x = normal([4, 8]);
  return { weights, block, x };
}

describe("checkpoint", () => {
  it("gives the value and the gradients of the plain run bit by bit, with dropout inside", () => {
    const { weights, block, x } = network();
    const run = (layer: typeof block) => {
      manualSeed(5);
      const { value, grads } = valueAndGrad(() => sum(weights.reduce((y, w) => layer(y, w), x)), weights)();
      return { value: value.itemSync(), grads: grads.map(list), counter: defaultGenerator().state() };
    };
    const plain = run(block);
    expect(run(checkpoint(block))).toEqual(plain);
    expect(plain.grads[0].some((slope) => slope !== 0)).toBe(true);
    // without a replay of the numbers the masks would differ
    expect(run((y, w) => checkpoint(block)(y, w))).toEqual(plain);
  });

  it("holds less between forward and backward than the plain run", () => {
    const { weights, block, x } = network();
    const between = (layer: typeof block) => {
      let bytes = 0;
      const step = valueAndGrad(() => {
        const loss = sum(weights.reduce((y, w) => layer(y, w), x));
        return { value: loss, aux: undefined };
      }, weights);
      // measured when the backward pass begins: at its first fill, the gradient 1 of the value
      const { backend } = device();
      const { kernels } = backend;
      const fill: typeof kernels.fill = (...args) => {
        bytes ||= device().memory().bytes;
        return kernels.fill(...args);
      };
      Object.assign(backend, { kernels: { ...kernels, fill } });
      for (const slope of step().grads) slope.dispose();
      Object.assign(backend, { kernels });
      return bytes;
    };
    const [plain, less] = [between(block), between(checkpoint(block))];
    expect(plain).toBeGreaterThan(0);
    expect(less).toBeLessThan(0.6 * plain);
  });

  it("writes no buffer when it runs again", () => {
    const count = new Buffer(double([0]));
    const x = double([2]);
    const block = checkpoint((y: Tensor) => {
      count.assign(add(count, 1));
      return square(y);
    });
    const slope = grad((y: Tensor) => sum(block(y)))(x);
    expect([list(slope), list(count)]).toEqual([[4], [1]]);
    count.assign(double([7]));
    expect(list(count)).toEqual([7]);
  });

  it("uses parameters from outside its arguments, with their gradients", () => {
    const w = new Parameter(double([3]));
    const x = double([2]);
    const block = checkpoint((y: Tensor) => mul(square(y), w));
    const { grads } = valueAndGrad(() => sum(block(x)), [w, x])();
    expect(grads.map(list)).toEqual([[4], [12]]);
  });

  it("takes arguments in arrays and gives several results", () => {
    const block = checkpoint(([a, b]: readonly Tensor[], factor: number) => [mul(a, b), mul(a, factor)]);
    const [a, b] = [double([2]), double([5])];
    const { grads } = valueAndGrad(() => {
      const [product, scaled] = block([a, b], 3) as Tensor[];
      return sum(mul(product, scaled));
    }, [a, b])();
    // 3a²b
    expect(grads.map(list)).toEqual([[60], [12]]);
  });

  it("leaves what is made inside to itself: views, constants, stopped gradients", () => {
    const block = checkpoint((y: Tensor) => {
      const constant = double([3, 5]);
      return mul(mul(stopGradient(y), y), constant.slice([[null, null, -1]]));
    });
    const x = double([2, 7]);
    expect(list(grad((y: Tensor) => sum(block(y)))(x))).toEqual([2 * 5, 7 * 3]);
  });

  it("works below another checkpoint", () => {
    const inner = checkpoint((y: Tensor) => square(tanh(y)));
    const outer = checkpoint((y: Tensor) => mul(inner(y), y));
    const x = double([0.7]);
    const t = Math.tanh(0.7);
    expect(list(grad((y: Tensor) => sum(outer(y)))(x))[0]).toBeCloseTo(t * t + 0.7 * 2 * t * (1 - t * t), 12);
  });

  it("gives second gradients", () => {
    const block = checkpoint((y: Tensor) => mul(square(y), y));
    const x = double([2]);
    expect(list(grad((y: Tensor) => sum(grad((z: Tensor) => sum(block(z)))(y)))(x))).toEqual([12]);
  });

  it("leaves the stream of random numbers where the forward pass left it", () => {
    setDefaultDevice(cpuJs());
    const block = checkpoint((y: Tensor) => dropout(y, 0.5));
    const x = tensor([1, 2, 3]);
    manualSeed(1);
    grad((y: Tensor) => sum(block(y)))(x);
    expect(defaultGenerator().counter).toBe(3);
  });

  it("keeps memory flat over many steps", () => {
    const { weights, block, x } = network();
    const layer = checkpoint(block);
    const step = valueAndGrad(() => sum(weights.reduce((y, w) => layer(y, w), x)), weights);
    const run = () => {
      for (const slope of step().grads) slope.dispose();
    };
    run();
    const before = device().memory();
    for (let i = 0; i < 100; i++) run();
    expect(device().memory()).toEqual(before);
  });
});
