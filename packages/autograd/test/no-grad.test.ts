import { grad, inference, noGrad, stopGradient } from "@neurite/autograd";
import { add, exp, mul, scope, square, state, sum, type Tensor, tensor } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { double, freshDevice, list, thrown } from "./device.js";

const device = freshDevice();
const held = () => device().memory().storages;

describe("noGrad", () => {
  it("frees all but its result", () => {
    const x = double([1, 2]);
    const y = noGrad(() => exp(square(x)));
    expect(held()).toBe(2);
    expect(list(y)[0]).toBe(Math.E);
  });

  it("hides what it does from every tape, and leaves other interceptors in place", () => {
    const x = double([3]);
    const names: string[] = [];
    const slope = grad((y: Tensor) => {
      const below = state.top;
      state.top = {
        interceptor: {
          intercept(op, inputs, attrs, aux, next) {
            names.push(op.name);
            return next(op, inputs, attrs, aux);
          },
        },
        below,
      };
      try {
        return sum(
          mul(
            y,
            noGrad(() => exp(y)),
          ),
        );
      } finally {
        state.top = below;
      }
    })(x);
    expect(list(slope)).toEqual([Math.exp(3)]);
    expect(names).toContain("exp");
  });

  it("refuses a function that returns a Promise", () => {
    expect(thrown(() => noGrad((async () => 1) as unknown as () => number)).message).toContain("noGrad: fn");
  });

  it("restores recording after a throw", () => {
    const x = double([3]);
    const slope = grad((y: Tensor) => {
      expect(() =>
        noGrad(() => {
          throw new Error("inside");
        }),
      ).toThrow("inside");
      return sum(square(y));
    })(x);
    expect(list(slope)).toEqual([6]);
  });
});

describe("inference", () => {
  it("gives results that live until the next call, with an error that says so", () => {
    const predict = inference((x: Tensor) => exp(square(x)));
    const x = double([1, 2]);
    const first = predict(x);
    expect(list(first)[0]).toBe(Math.E);
    expect(held()).toBe(2);
    predict(x);
    expect(held()).toBe(2);
    expect(thrown(() => first.dataSync()).message).toContain(
      "the function made by inference frees its previous results when it is called again",
    );
  });

  it("keeps memory flat over hundreds of calls, trees of results included", () => {
    const predict = inference((x: Tensor) => ({ powers: [exp(x), square(x)], total: sum(x) }));
    const x = tensor([1, 2]);
    predict(x);
    const before = device().memory();
    for (let i = 0; i < 300; i++) predict(x);
    expect(device().memory()).toEqual(before);
  });

  it("lets keep() prolong a result", () => {
    const predict = inference((x: Tensor) => exp(x));
    const kept = predict(double([0])).keep();
    predict(double([1]));
    expect(list(kept)).toEqual([1]);
  });

  it("leaves the arguments alone, also when it returns them", () => {
    const same = inference((x: Tensor) => x);
    const x = double([1]);
    expect(same(x)).toBe(x);
    same(double([2]));
    expect(list(x)).toEqual([1]);
  });

  it("does not record", () => {
    const predict = inference((x: Tensor) => square(x));
    const x = double([3]);
    expect(list(grad((y: Tensor) => sum(add(y, predict(y))))(x))).toEqual([1]);
  });

  it("frees everything when its function throws", () => {
    const predict = inference((x: Tensor) => {
      exp(x);
      throw new Error("midway");
    });
    const x = double([1]);
    expect(() => predict(x)).toThrow("midway");
    expect(held()).toBe(1);
  });

  it("in a scope frees its result with it, or at its next call", () => {
    const predict = inference((x: Tensor) => exp(x));
    const x = double([1]);
    scope(() => {
      const first = predict(x);
      predict(x);
      expect([first.disposed, held()]).toEqual([true, 2]);
    });
    expect(held()).toBe(1);
    const returned = scope(() => predict(x));
    predict(x);
    expect(list(returned)).toEqual([Math.E]);
  });
});

describe("stopGradient", () => {
  it("gives the same value without its past", () => {
    const x = double([2, 3]);
    const y = stopGradient(x);
    expect(y.storage).toBe(x.storage);
    expect(y.key).not.toBe(x.key);
    expect(list(grad((z: Tensor) => sum(mul(z, stopGradient(z))))(x))).toEqual([2, 3]);
  });

  it("refuses a freed tensor by its name", () => {
    const x = double([1]);
    x.dispose();
    expect(thrown(() => stopGradient(x)).message).toContain("stopGradient");
  });
});
