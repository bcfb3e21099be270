import { CpuJsBackend } from "@neurite/backend-cpu-js";
import {
  add,
  argMax,
  checkFinite,
  Device,
  defineOp,
  dispatch,
  exp,
  type FusedKernel,
  fromHost,
  gather,
  type Interceptor,
  log,
  matmul,
  mul,
  registerKernel,
  scope,
  softmax,
  state,
  sub,
  sum,
  type Tensor,
  tensor,
  withInterceptor,
} from "@neurite/core";
import { describe, expect, it } from "vitest";
import { freshDevice, thrown } from "./device.js";

const device = freshDevice();
const held = () => device().memory().storages;

/** Notes the ops that pass. */
function noting(names: string[], label = ""): Interceptor {
  return {
    intercept(op, inputs, attrs, aux, next) {
      names.push(label + op.name);
      return next(op, inputs, attrs, aux);
    },
  };
}

function doubling(name = "double") {
  return defineOp<Record<string, never>>({ name, infer: ([x]) => [x!], compose: ([x]) => [mul(x!, 2)] });
}

/** A kernel for {@link doubling} that leaves a mark: it adds a hundredth. */
const marked: FusedKernel = ([out], [x]) => {
  const size = x.shape.reduce((a, b) => a * b, 1);
  const [to, from] = [out.id as Float32Array, x.id as Float32Array];
  for (let i = 0; i < size; i++) to[out.offset + i] = 2 * from[x.offset + i] + 0.01;
  return undefined;
};

describe("interceptors", () => {
  it("see every op on its way, the innermost first", () => {
    const names: string[] = [];
    withInterceptor(noting(names, "outer "), () => withInterceptor(noting(names, "inner "), () => exp(tensor([1]))));
    expect(names).toEqual(["inner exp", "outer exp"]);
  });

  it("see a composition's op, not its parts: those run below", () => {
    const names: string[] = [];
    withInterceptor(noting(names), () => softmax(tensor([1, 2])));
    expect(names).toEqual(["softmax"]);
  });

  it("may change what runs", () => {
    const halving: Interceptor = {
      intercept: (op, inputs, attrs, aux, next) => next(op, inputs, attrs, aux).map((y) => mul(y, 0.5)),
    };
    expect(withInterceptor(halving, () => exp(tensor([0]))).itemSync()).toBe(0.5);
  });

  it("are gone after a throw", () => {
    expect(() =>
      withInterceptor(noting([]), () => {
        add(tensor([1, 2]), tensor([1, 2, 3]));
      }),
    ).toThrow();
    expect(state.top).toBeNull();
  });

  it("call the ops below them without seeing themselves again", () => {
    let depth = 0;
    const curious: Interceptor = {
      intercept(op, inputs, attrs, aux, next) {
        depth++;
        sum(inputs[0]);
        return next(op, inputs, attrs, aux);
      },
    };
    withInterceptor(curious, () => exp(tensor([1])));
    expect(depth).toBe(1);
  });
});

describe("kernels", () => {
  it("registered from outside are used from the next call on, on backends of their name", () => {
    const op = doubling();
    const x = tensor([1, 2]);
    const run = () => dispatch(op, [x], {})[0].dataSync();
    expect(Array.from(run())).toEqual([2, 4]);
    registerKernel(op, "gpu-of-someone-else", marked);
    expect(Array.from(run())).toEqual([2, 4]);
    registerKernel(op, "cpu-js", marked);
    expect(Array.from(run())).toEqual([2.01, 4.01].map(Math.fround));
  });

  it("that decline leave the op to its composition, and nothing behind", () => {
    const op = doubling();
    registerKernel(op, "cpu-js", () => false);
    const x = tensor([1, 2]);
    expect(Array.from(dispatch(op, [x], {})[0].dataSync())).toEqual([2, 4]);
    expect(held()).toBe(2);
  });

  it("that throw leave nothing behind", () => {
    const op = doubling();
    registerKernel(op, "cpu-js", () => {
      throw new Error("no");
    });
    const x = tensor([1, 2]);
    expect(() => dispatch(op, [x], {})).toThrow("no");
    expect(held()).toBe(1);
  });

  it("that find an index out of range make an IndexError of its position", () => {
    const op = doubling("pickSome");
    registerKernel(op, "cpu-js", () => 3);
    const error = thrown(() => dispatch(op, [tensor([1])], {}));
    expect(error.code).toBe("ERR_INDEX");
    expect(error.message).toContain(
      "pickSome: indices expects indices within the indexed axis, but received an index out of range at position 3",
    );
  });

  it("get contiguous inputs unless they take strided ones, and the copies are freed", () => {
    const op = doubling();
    registerKernel(op, "cpu-js", marked);
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    const flipped = x.transpose();
    const y = dispatch(op, [flipped], {})[0];
    expect(Array.from(y.dataSync())).toEqual([2.01, 6.01, 4.01, 8.01].map(Math.fround));
    expect(held()).toBe(2);
    let strides: readonly number[] = [];
    const strided: FusedKernel = Object.assign(
      (outs: Parameters<FusedKernel>[0], inputs: Parameters<FusedKernel>[1]) => {
        strides = inputs[0].strides;
        return marked(outs, inputs, {});
      },
      { strided: true },
    );
    registerKernel(op, "cpu-js", strided);
    dispatch(op, [flipped], {})[0].dispose();
    expect(strides).toEqual([1, 2]);
  });

  it("of a backend itself serve the ops of their name, but not those made of required kernels", () => {
    const backend = new CpuJsBackend() as CpuJsBackend & { fused?: Record<string, FusedKernel> };
    let runs = 0;
    const counting: FusedKernel = () => {
      runs++;
      return false;
    };
    backend.fused = { softmax: counting, exp: counting };
    const x = tensor([1, 2], { device: new Device(backend) });
    softmax(x);
    expect(runs).toBe(1);
    exp(x);
    expect(runs).toBe(1);
  });

  it("are not bothered with empty results", () => {
    const op = doubling();
    registerKernel(op, "cpu-js", () => {
      throw new Error("called");
    });
    expect(dispatch(op, [tensor([])], {})[0].shape).toEqual([0]);
  });
});

describe("limits", () => {
  const limited = (limits: { maxElements: number; maxReduction: number }) => {
    const backend = new CpuJsBackend();
    return new Device(Object.assign(backend, { limits }));
  };
  const filled = (shape: number[], on: Device, dtype: "float32" | "int32" = "float32") =>
    fromHost(
      dtype === "int32" ? new Int32Array(shape[0]) : new Float32Array(shape.reduce((a, b) => a * b, 1)),
      dtype,
      shape,
      on,
    );

  it("of elements are kept by every allocation", () => {
    const small = limited({ maxElements: 10, maxReduction: 100 });
    expect(filled([10], small).size).toBe(10);
    const error = thrown(() => filled([11], small));
    expect(error.code).toBe("ERR_UNSUPPORTED");
    expect(error.message).toContain('at most 10 elements on backend "cpu-js", but received 11');
  });

  it("of reductions are kept by sums, searches and products", () => {
    const short = limited({ maxElements: 1000, maxReduction: 8 });
    const x = filled([2, 9], short);
    for (const call of [
      () => sum(x, { axis: 1 }),
      () => sum(x),
      () => argMax(x, 1),
      () => matmul(x, filled([9, 2], short)),
    ]) {
      const before = short.memory().storages;
      const error = thrown(() => scope(call));
      expect(error.code).toBe("ERR_UNSUPPORTED");
      expect(error.message).toContain('at most 8 elements to reduce on backend "cpu-js", but received');
      expect(short.memory().storages - before).toBe(0);
    }
    expect(sum(x, { axis: 0 }).shape).toEqual([9]);
  });

  it("of dtypes name those that the backend holds", () => {
    const backend = new CpuJsBackend();
    const narrow = new Device(Object.assign(backend, { dtypes: { ...backend.dtypes, float64: "none" } }));
    const error = thrown(() => fromHost(new Float64Array(1), "float64", [1], narrow));
    expect(error.code).toBe("ERR_DTYPE");
    expect(error.message).toContain(
      'a dtype that backend "cpu-js" holds (float32, int32, bool, uint8), but received float64',
    );
  });
});

describe("index ranges", () => {
  it("are judged on the host for whole tensors, and by the kernel for parts", () => {
    const x = tensor([1, 2, 3]);
    const indices = tensor(new Int32Array([0, 2, 5]));
    expect(thrown(() => gather(x, indices)).message).toContain("integers from 0 to 2, but received 5");
    expect(Array.from(gather(x, indices.slice([[0, 2]])).dataSync())).toEqual([1, 3]);
    expect(thrown(() => gather(x, indices.slice([[1, 3]]))).message).toContain("out of range at position 1");
  });
});

describe("checkFinite", () => {
  const [zero, one] = [() => tensor([0]), () => tensor([1])];

  it("names the op that made the first NaN or infinity", () => {
    const error = thrown(() => checkFinite(() => exp(sub(one(), log(zero())))));
    expect(error.code).toBe("ERR_NON_FINITE");
    expect(error.message).toBe(
      "log: result [1] expects finite numbers, but received -Infinity. Its inputs [1] were finite: this op made it.",
    );
  });

  it("names an input that was not finite already", () => {
    const bad = tensor([Number.NaN]);
    expect(thrown(() => checkFinite(() => add(one(), bad))).message).toContain("Its input 1 was not finite already.");
    expect(thrown(() => checkFinite(() => add(bad, one()))).message).toContain("Its input 0 was not finite already.");
  });

  it("does not judge integers and bools, and lets finite numbers pass", () => {
    expect(checkFinite(() => exp(zero())).itemSync()).toBe(1);
    const integers = tensor(new Int32Array([3]));
    expect(checkFinite(() => mul(integers, 2)).itemSync()).toBe(6);
  });

  it("stops nothing outside of it", () => {
    expect(log(zero()).itemSync()).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe("reshape", () => {
  /** Whether the result shares the storage. */
  const isView = (x: Tensor, y: Tensor) => x.storage === y.storage;

  it("is a view where the strides allow it", () => {
    const x = tensor(new Float32Array(24), { shape: [2, 3, 4] });
    expect(isView(x, x.reshape([6, 4]))).toBe(true);
    const sliced = x.slice([null, null, [0, 2]]);
    expect(isView(x, sliced.reshape([6, 2]))).toBe(true);
    expect(isView(x, x.transpose(1, 2).reshape([2, 2, 2, 3]))).toBe(true);
    expect(isView(x, x.reshape([2, 3, 4]))).toBe(true);
  });

  it("is a copy where they do not", () => {
    const x = tensor(new Float32Array(24), { shape: [2, 3, 4] });
    expect(isView(x, x.transpose().reshape([24]))).toBe(false);
    expect(isView(x, x.slice([null, null, [0, 2]]).reshape([12]))).toBe(false);
  });
});
