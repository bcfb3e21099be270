import { grad, noGrad, stopGradient, valueAndGrad } from "@neurite/autograd";
import {
  add,
  cast,
  concat,
  exp,
  gather,
  log,
  lstmCell,
  matmul,
  mean,
  mul,
  Parameter,
  scope,
  split,
  square,
  state,
  sum,
  type Tensor,
  tanh,
  tensor,
} from "@neurite/core";
import { describe, expect, it } from "vitest";
import { double, freshDevice, list, thrown } from "./device.js";

const device = freshDevice();
const held = () => device().memory().storages;

describe("valueAndGrad", () => {
  it("gives the value and the gradient in the structure of the parameters", () => {
    const parameters = { w: double([1, 2]), rest: [double([3]), { b: double([4]) }] } as const;
    const step = valueAndGrad(
      (x: Tensor) => sum(add(mul(parameters.w, x), mul(parameters.rest[0], parameters.rest[1].b))),
      parameters,
    );
    const { value, grads, aux } = step(double([5, 6]));
    expect(value.itemSync()).toBe(1 * 5 + 2 * 6 + 2 * 12);
    expect(list(grads.w)).toEqual([5, 6]);
    expect(list(grads.rest[0])).toEqual([8]);
    expect(list(grads.rest[1].b)).toEqual([6]);
    expect(aux).toBeUndefined();
  });

  it("adds up what comes by several paths, and un-broadcasts", () => {
    const x = double([2, 3]);
    const { grads } = valueAndGrad(
      () =>
        sum(
          add(
            mul(x, x),
            double([
              [1, 1],
              [1, 1],
              [1, 1],
            ]).mul(x),
          ),
        ),
      x,
    )();
    expect(list(grads)).toEqual([3 * (2 * 2 + 1), 3 * (2 * 3 + 1)]);
  });

  it("gives zeros for a parameter that is not used, beside one that is", () => {
    const [x, y] = [double([2]), double([3, 4])];
    const { grads } = valueAndGrad(() => sum(square(x)), [x, y])();
    expect(list(grads[1])).toEqual([0, 0]);
    expect(grads[1].dtype).toBe("float64");
  });

  it("hands on aux, trees included", () => {
    const x = double([2]);
    const step = valueAndGrad(() => {
      const y = exp(x);
      return { value: sum(y), aux: { parts: [y], name: "y", count: 3 } };
    }, x);
    const { aux, value } = step();
    expect(aux.name).toBe("y");
    expect(list(aux.parts[0])).toEqual([Math.exp(2)]);
    expect(value.itemSync()).toBe(Math.exp(2));
  });

  it("does not differentiate through stopGradient, noGrad and integers", () => {
    const x = double([2, 3]);
    const through = (f: (x: Tensor) => Tensor) => list(valueAndGrad(() => sum(add(x, f(x))), x)().grads);
    expect(through((y) => square(stopGradient(y)))).toEqual([1, 1]);
    expect(through((y) => noGrad(() => square(y)))).toEqual([1, 1]);
    expect(through((y) => cast(cast(y, "int32"), "float64"))).toEqual([1, 1]);
    expect(through(square)).toEqual([5, 7]);
  });

  it("records what runs after noGrad again", () => {
    const x = double([3]);
    const { grads } = valueAndGrad(() => {
      noGrad(() => exp(x));
      return sum(square(x));
    }, x)();
    expect(list(grads)).toEqual([6]);
  });

  it("takes gradients by ops of several outputs", () => {
    const x = double([[1, 2, 3, 4]]);
    const { grads } = valueAndGrad(() => {
      const [a, b] = split(x, 2, 1);
      return sum(mul(square(a), b));
    }, x)();
    expect(list(grads)).toEqual([2 * 1 * 3, 2 * 2 * 4, 1, 4]);
  });

  it("takes a gradient when only one of several outputs is used", () => {
    const gates = double([[0.1, 0.2, 0.3, 0.4]]);
    const c = double([[0.5]]);
    const slope = (choose: "h" | "c") => list(valueAndGrad(() => sum(lstmCell(gates, c)[choose]), c)().grads)[0];
    const forget = 1 / (1 + Math.exp(-0.2));
    expect(slope("c")).toBeCloseTo(forget, 12);
    expect(slope("h")).toBeLessThan(slope("c"));
  });

  it("works with float32 and Parameters, whose values optimizers replace", () => {
    const w = new Parameter(tensor([1, 2]));
    const step = valueAndGrad(() => sum(square(w)), [w]);
    expect(list(step().grads[0])).toEqual([2, 4]);
    w.assign(tensor([5, 6]));
    expect(list(step().grads[0])).toEqual([10, 12]);
  });
});

describe("valueAndGrad refuses", () => {
  const x = () => double([2, 3]);

  it("a value of several elements", () => {
    const w = x();
    const error = thrown(() => valueAndGrad(() => square(w), w)());
    expect(error.code).toBe("ERR_SHAPE");
    expect(error.message).toContain(
      "valueAndGrad: the function's value expects a tensor with one element, but received [2]",
    );
    expect(held()).toBe(1);
  });

  it("a value that is no tensor", () => {
    const w = x();
    expect(thrown(() => valueAndGrad((() => 3) as unknown as () => Tensor, w)()).code).toBe("ERR_SHAPE");
  });

  it("an integer value", () => {
    const w = x();
    expect(thrown(() => valueAndGrad(() => sum(cast(w, "int32")), w)()).code).toBe("ERR_DTYPE");
    expect(held()).toBe(1);
  });

  it("a value that does not depend on the parameters", () => {
    const w = x();
    const error = thrown(() => valueAndGrad(() => sum(stopGradient(w)), w)());
    expect(error.code).toBe("ERR_VALUE");
    expect(error.message).toContain("one that does not depend on any of them");
    expect(error.message).toContain("outside of noGrad() and stopGradient()");
    expect(held()).toBe(1);
  });

  it("integer parameters", () => {
    const w = tensor(new Int32Array([1]));
    expect(thrown(() => valueAndGrad(() => sum(cast(w, "float32")), w)()).message).toContain(
      "Only floating-point tensors have gradients",
    );
  });

  it("a parameter that is given twice, and two of one path", () => {
    const [a, b] = [tensor([1]), tensor([2])];
    const make = (parameters: object) => () => valueAndGrad(() => sum(a), parameters);
    expect(make({ first: a, second: a })).toThrow(
      /parameters expects each tensor once, but received one as first and as second/,
    );
    expect(make([a, b, a])).toThrow(/one as 0 and as 2/);
    expect(make({ "x.y": a, x: { y: b } })).toThrow(/two called x\.y/);
    const shared = { parameters: () => ({ w: a }) };
    expect(make({ one: shared, other: [shared] })).toThrow(/one as one\.w and as other\.0\.w/);
  });

  it("parameters that are no tensors", () => {
    const parameters = [3] as unknown as Tensor[];
    expect(thrown(() => valueAndGrad(() => double([1]), parameters)()).message).toContain(
      "tensors, modules, or lists and plain objects of them",
    );
  });

  it("freed parameters", () => {
    const w = x();
    w.dispose();
    expect(thrown(() => valueAndGrad(() => sum(square(w)), w)()).code).toBe("ERR_DISPOSED");
  });

  it("a function that returns a Promise, and frees what it made before", async () => {
    const w = x();
    const step = valueAndGrad((async () => sum(square(w))) as unknown as () => Tensor, w);
    const error = thrown(step);
    expect(error.code).toBe("ERR_VALUE");
    expect(error.message).toContain("a synchronous function, but received one that returned a Promise");
    expect(held()).toBe(1);
  });
});

describe("errors inside the function", () => {
  it("free everything and leave no tape behind", () => {
    const w = double([2, 3]);
    const step = valueAndGrad(() => {
      const y = exp(square(w));
      if (y.size === 2) throw new Error("midway");
      return sum(y);
    }, w);
    for (let i = 0; i < 3; i++) expect(step).toThrow("midway");
    expect(held()).toBe(1);
    expect([state.top, state.scope]).toEqual([null, null]);
  });

  it("free everything when a gradient rule throws", () => {
    const w = double([2, 3]);
    const indices = tensor(new Int32Array([0, 1]));
    const step = valueAndGrad(() => {
      const y = sum(gather(exp(w), indices));
      // the gradient of gather reads the indices
      return y;
    }, w);
    step();
    const before = held();
    const broken = valueAndGrad(() => {
      const y = sum(gather(exp(w), indices));
      device().backend.kernels.scatterAdd = () => {
        throw new Error("in the backward pass");
      };
      return y;
    }, w);
    const { scatterAdd } = device().backend.kernels;
    Object.assign(device().backend, { kernels: { ...device().backend.kernels } });
    expect(broken).toThrow("in the backward pass");
    device().backend.kernels.scatterAdd = scatterAdd;
    expect(held()).toBe(before);
  });
});

describe("lifetimes", () => {
  it("free all but value, aux and gradients", () => {
    const w = double([2, 3]);
    valueAndGrad(() => ({ value: sum(exp(tanh(square(w)))), aux: square(w) }), w)();
    expect(held()).toBe(1 + 3);
  });

  it("end value and aux at the next call, with an error that says so", () => {
    const w = double([2, 3]);
    const step = valueAndGrad(() => ({ value: sum(square(w)), aux: exp(w) }), w);
    const first = step();
    first.grads.dispose();
    step().grads.dispose();
    for (const tensor of [first.value, first.aux]) {
      const error = thrown(() => tensor.dataSync());
      expect(error.code).toBe("ERR_DISPOSED");
      expect(error.message).toContain(
        "the function made by valueAndGrad frees its previous results when it is called again",
      );
      expect(error.message).toContain(".keep()");
    }
  });

  it("let keep() prolong value and aux", () => {
    const w = double([2, 3]);
    const step = valueAndGrad(() => sum(square(w)), w);
    const kept = step().value.keep();
    step();
    expect(kept.itemSync()).toBe(13);
  });

  it("leave the gradients to the caller", () => {
    const w = double([2, 3]);
    const step = valueAndGrad(() => sum(square(w)), w);
    const { grads } = step();
    step();
    expect(list(grads)).toEqual([4, 6]);
    grads.dispose();
  });

  it("let a scope around it free all of them", () => {
    const w = double([2, 3]);
    const step = valueAndGrad(() => sum(square(w)), w);
    const value = scope(() => step().value.itemSync());
    expect(value).toBe(13);
    expect(held()).toBe(1);
    expect(scope(() => step().value.itemSync())).toBe(13);
    expect(held()).toBe(1);
  });

  it("hold the same number of storages and bytes over hundreds of steps", () => {
    const w = [
      new Parameter(
        tensor([
          [0.1, 0.2],
          [0.3, 0.4],
        ]),
      ),
      new Parameter(tensor([0.5, 0.6])),
    ] as const;
    const x = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const step = valueAndGrad(() => mean(square(tanh(add(matmul(x, w[0]), w[1])))), w);
    const train = () => {
      const { value, grads } = step();
      for (const [i, parameter] of w.entries()) {
        const moved = scope(() => add(parameter, mul(grads[i], -0.1)));
        parameter.assign(moved);
        moved.dispose();
        grads[i].dispose();
      }
      return value;
    };
    train();
    const before = device().memory();
    const first = train().itemSync();
    for (let i = 0; i < 300; i++) train();
    expect(device().memory()).toEqual(before);
    expect(train().itemSync()).toBeLessThan(first);
  });

  it("give gradients back while walking: a long chain holds little at the end of its backward pass", () => {
    const w = double([0.1, 0.2]);
    const { kernels } = device().backend;
    let atLastStep = 0;
    const map: typeof kernels.map = (...args) => {
      atLastStep = held();
      return kernels.map(...args);
    };
    Object.assign(device().backend, { kernels: { ...kernels, map } });
    const step = valueAndGrad(() => {
      let y: Tensor = w;
      for (let i = 0; i < 40; i++) y = tanh(y);
      return sum(y);
    }, w);
    step().grads.dispose();
    expect(atLastStep).toBeGreaterThan(2);
    expect(atLastStep).toBeLessThan(10);
  });

  it("let values used in the graph be freed by the caller before the backward pass", () => {
    const w = double([2, 3]);
    const x = double([5, 7]);
    const { grads } = valueAndGrad(() => {
      const y = sum(mul(w, x));
      x.dispose();
      return y;
    }, w)();
    expect(list(grads)).toEqual([5, 7]);
    grads.dispose();
  });
});

describe("grad", () => {
  it("differentiates by the argument named", () => {
    const f = (a: Tensor, b: Tensor) => sum(mul(square(a), b));
    const [a, b] = [double([2, 3]), double([5, 7])];
    expect(list(grad(f)(a, b))).toEqual([20, 42]);
    expect(list(grad(f, 1)(a, b))).toEqual([4, 9]);
  });

  it("gives zeros where the value does not depend on it", () => {
    const [a, b] = [double([2, 3]), double([5, 7])];
    expect(list(grad((_: Tensor, y: Tensor) => sum(exp(y)))(a, b))).toEqual([0, 0]);
  });

  it("leaves nothing behind but its result", () => {
    const a = double([2, 3]);
    const slope = grad((x) => sum(exp(square(x))))(a);
    expect(held()).toBe(2);
    slope.dispose();
  });

  it("refuses an argument that is not there", () => {
    expect(thrown(() => grad((x: Tensor) => sum(x), 1)(double([1]))).message).toContain("argument 1 expects a tensor");
  });
});

describe("higher orders", () => {
  const cube = (x: Tensor) => sum(mul(mul(x, x), x));

  it("give 3x², 6x and 6 for x³", () => {
    const x = double([2, -1]);
    const first = grad(cube);
    const second = grad((y: Tensor) => sum(first(y)));
    const third = grad((y: Tensor) => sum(second(y)));
    expect(list(first(x))).toEqual([12, 3]);
    expect(list(second(x))).toEqual([12, -6]);
    expect(list(third(x))).toEqual([6, 6]);
  });

  it("give Hessian times vector as the closed form does: f = ½ xᵀAx + Σ exp(x)", () => {
    const A = double([
      [2, 1, 0],
      [1, 3, -1],
      [0, -1, 4],
    ]);
    const x = double([0.1, -0.4, 0.7]);
    const v = double([1, 2, -3]);
    const f = (y: Tensor) => add(mul(sum(mul(y, matmul(A, y))), 0.5), sum(exp(y)));
    const product = grad((y: Tensor) => sum(mul(grad(f)(y), v)))(x);
    const [xs, vs] = [list(x), list(v)];
    const expected = [
      [2, 1, 0],
      [1, 3, -1],
      [0, -1, 4],
    ].map((row, i) => row.reduce((total, a, j) => total + a * vs[j], 0) + Math.exp(xs[i]) * vs[i]);
    for (const [i, value] of list(product).entries()) expect(value).toBeCloseTo(expected[i], 12);
  });

  it("keep the inner function's constants apart from the outer variable", () => {
    // d/dx [x · d/dy (x·y)] = d/dx x² = 2x
    const x = double([3]);
    const slope = grad((a: Tensor) => sum(mul(a, grad((b: Tensor) => sum(mul(a, b)))(double([5])))))(x);
    expect(list(slope)).toEqual([6]);
  });

  it("flow through a fused backward op by its composition", () => {
    const gates = double([[0.1, -0.2, 0.3, 0.4, 0.5, -0.6, 0.7, 0.8]]);
    const c = double([[0.5, -0.5]]);
    const loss = (g: Tensor) => sum(square(concat(Object.values(lstmCell(g, c)), 1)));
    const second = list(grad((g: Tensor) => sum(square(grad(loss)(g))))(gates));
    const f = (at: number[]) => list(grad(loss)(double([at]))).reduce((total, slope) => total + slope ** 2, 0);
    const at = list(gates);
    second.forEach((slope, i) => {
      const [ahead, behind] = [1e-5, -1e-5].map((by) => f(at.with(i, at[i] + by)));
      expect(slope).toBeCloseTo((ahead - behind) / 2e-5, 7);
    });
  });

  it("nest valueAndGrad in valueAndGrad", () => {
    const x = double([2]);
    const outer = valueAndGrad(() => sum(square(valueAndGrad(() => sum(square(x)), x)().grads)), x);
    const { value, grads } = outer();
    expect([value.itemSync(), list(grads)[0]]).toEqual([16, 16]);
    value.dispose();
    grads.dispose();
    expect(held()).toBe(1);
  });

  it("leave nothing behind", () => {
    const x = double([2, 3]);
    grad((y: Tensor) => sum(grad((z: Tensor) => sum(log(z)))(y)))(x).dispose();
    expect(held()).toBe(1);
  });
});
