import {
  constant,
  type DType,
  differentiate,
  type Expression,
  e,
  formatExpression,
  INTRINSIC_NAMES,
  input,
  inputsOf,
  MapFunction,
  scalar,
  substitute,
} from "@neurite/core";
import { describe, expect, it } from "vitest";
import { thrown } from "./device.js";

const [x, y, z] = [input(0), input(1), input(2)];
const program = (expression: Expression, dtypes: DType[], scalars = 0) =>
  MapFunction.of(expression, dtypes.length, scalars).program(
    "op",
    dtypes.map((dtype) => ({ dtype })),
  );

describe("building", () => {
  it("gives equal trees one object", () => {
    expect(e.add(x, e.mul(y, 2))).toBe(e.add(input(0), e.mul(input(1), 2)));
    expect(e.add(x, y)).not.toBe(e.add(y, x));
    expect(constant(0)).not.toBe(constant(-0));
    expect(constant(Number.NaN)).toBe(constant(Number.NaN));
    expect(scalar(0)).not.toBe(input(0));
  });

  it.each([
    ["0 + x", e.add(0, x), x],
    ["x + 0", e.add(x, 0), x],
    ["x − 0", e.sub(x, 0), x],
    ["0 − x", e.sub(0, x), e.neg(x)],
    ["x · 0", e.mul(x, 0), constant(0)],
    ["1 · x", e.mul(1, x), x],
    ["x · 1", e.mul(x, 1), x],
    ["−1 · x", e.mul(-1, x), e.neg(x)],
    ["x · −1", e.mul(x, -1), e.neg(x)],
    ["x / 1", e.div(x, 1), x],
    ["−(−x)", e.neg(e.neg(x)), x],
    ["−3", e.neg(3), constant(-3)],
    ["a choice between equals", e.select(e.gt(x, 0), y, y), y],
  ])("simplifies %s", (_, built, simple) => {
    expect(built).toBe(simple);
  });

  it("pulls a product into a choice, so that 0 is exact in the branch not taken", () => {
    expect(e.mul(x, e.select(e.gt(y, 0), 1, 0))).toBe(e.select(e.gt(y, 0), x, 0));
  });

  it("leaves other trees alone", () => {
    for (const tree of [e.add(x, 1), e.sub(1, x), e.mul(x, 2), e.div(1, x), e.div(x, 2), e.sub(x, x)]) {
      expect(tree.kind).toBe("call");
    }
  });

  it("has a builder for each intrinsic", () => {
    expect(Object.keys(e).sort()).toEqual([...INTRINSIC_NAMES].sort());
  });

  it("substitutes inputs and simplifies again", () => {
    expect(substitute(e.add(x, e.mul(y, z)), [constant(0), x, constant(1)])).toBe(x);
  });

  it("lists the inputs that occur, and prints a tree", () => {
    const tree = e.mul(z, e.tanh(e.add(x, scalar(0))));
    expect(inputsOf(tree)).toEqual([0, 2]);
    expect(formatExpression(tree)).toBe("mul(in2, tanh(add(in0, s0)))");
  });
});

describe("flattening", () => {
  it("puts operands before their users and shared parts once", () => {
    const shared = e.mul(x, y);
    const { steps, results } = program(e.add(e.tanh(shared), shared), ["float32", "float32"]);
    expect(steps.map(({ fn }) => fn)).toEqual(["mul", "tanh", "add"]);
    expect(steps[2].args).toEqual([
      { kind: "step", index: 1, type: "float32" },
      { kind: "step", index: 0, type: "float32" },
    ]);
    expect(results).toEqual([{ kind: "step", index: 2, type: "float32" }]);
  });

  it("gives scalars and constants the dtype of their tensors", () => {
    const { steps } = program(e.add(e.mul(x, scalar(0)), 0.5), ["float64"], 1);
    expect(steps[0].args[1]).toEqual({ kind: "scalar", index: 0, type: "float64" });
    expect(steps[1].args[1]).toEqual({ kind: "constant", value: 0.5, type: "float64" });
  });

  it("makes comparisons bool and keeps the dtype of what is compared", () => {
    const { steps, results } = program(e.and(e.lt(x, 1), e.not(e.eq(x, 3))), ["int32"]);
    expect(results[0].type).toBe("bool");
    expect(steps[0]).toMatchObject({ fn: "lt", operandType: "int32", type: "bool" });
  });

  it("compares numbers alone as numbers, not as bools", () => {
    // s0 − 1 = 0 would be true for every s0 ≠ 0 if s0 were a bool
    const { steps } = program(e.select(e.eq(e.sub(scalar(0), 1), 0), x, y), ["float64", "float64"], 1);
    expect(steps.map(({ fn, operandType }) => `${fn} ${operandType}`)).toEqual([
      "sub float64",
      "eq float64",
      "select float64",
    ]);
    expect(steps[0].args[0].type).toBe("float64");
  });

  it("types a choice by its branches", () => {
    expect(program(e.select(x, y, 0), ["bool", "int32"]).results[0]!.type).toBe("int32");
    expect(program(e.select(x, 1, 0), ["bool"]).results[0]!.type).toBe("float32");
  });

  it("hands on a bare input", () => {
    expect(program(x, ["int32"])).toEqual({
      steps: [],
      results: [{ kind: "input", index: 0, type: "int32" }],
      scalars: [],
    });
  });

  it("is done once for the same dtypes", () => {
    const fn = MapFunction.of(e.add(x, y), 2, 0);
    expect(fn).toBe(MapFunction.of(e.add(x, y), 2, 0));
    const floats = [{ dtype: "float32" }, { dtype: "float32" }] as const;
    const program = fn.program("add", floats);
    expect(fn.program("add", floats)).toBe(program);
    expect(fn.program("add", [{ dtype: "int32" }, { dtype: "int32" }])).not.toBe(program);
    expect(fn.program("add", floats)).toBe(program);
  });

  it.each<[string, Expression, DType[], string]>([
    ["two dtypes", e.add(x, y), ["float32", "int32"], "one dtype, but received float32 and int32"],
    ["exp of integers", e.exp(x), ["int32"], "float32 or float64, but received int32"],
    ["a sum of bools", e.add(x, x), ["bool"], "float32, float64 or int32, but received bool"],
    ["a product of bytes", e.mul(x, 2), ["uint8"], "float32, float64 or int32, but received uint8"],
    ["and of floats", e.and(x, x), ["float32"], "bool, but received float32"],
    ["isNaN of integers", e.isNaN(x), ["int32"], "float32 or float64, but received int32"],
    ["a choice by a float", e.select(x, y, 0), ["float32", "float32"], "a bool condition, but received float32"],
    ["branches of two dtypes", e.select(x, y, z), ["bool", "int32", "float32"], "one dtype"],
  ])("refuses %s", (_, tree, dtypes, words) => {
    const error = thrown(() => program(tree, dtypes));
    expect(error.code).toBe("ERR_DTYPE");
    expect(error.message).toContain(`op: operands expects ${words}`);
  });
});

/** The value of a tree, node by node. */
function evaluate(node: Expression, inputs: number[]): number {
  if (node.kind === "input") return inputs[node.index];
  if (node.kind === "constant") return node.value;
  if (node.kind === "scalar") throw new Error("no scalars here");
  const a = node.args.map((arg) => evaluate(arg, inputs));
  const table: Record<string, () => number> = {
    add: () => a[0] + a[1],
    sub: () => a[0] - a[1],
    mul: () => a[0] * a[1],
    weigh: () => a[0] * a[1],
    div: () => a[0] / a[1],
    mod: () => a[0] - a[1] * Math.floor(a[0] / a[1]),
    pow: () => a[0] ** a[1],
    neg: () => -a[0],
    max: () => Math.max(a[0], a[1]),
    min: () => Math.min(a[0], a[1]),
    select: () => (a[0] ? a[1] : a[2]),
    eq: () => Number(a[0] === a[1]),
    gt: () => Number(a[0] > a[1]),
    lt: () => Number(a[0] < a[1]),
    ge: () => Number(a[0] >= a[1]),
    ne: () => Number(a[0] !== a[1]),
    and: () => a[0] * a[1],
    or: () => Math.max(a[0], a[1]),
    isFinite: () => Number(Number.isFinite(a[0])),
    sigmoid: () => 1 / (1 + Math.exp(-a[0])),
    // by Simpson's rule: nothing to share with any series
    erf: () => {
      const n = 200;
      const f = (t: number) => Math.exp(-t * t);
      const h = a[0] / n;
      let sum = f(0) + f(a[0]);
      for (let i = 1; i < n; i++) sum += (i % 2 === 0 ? 2 : 4) * f(i * h);
      return ((2 / Math.sqrt(Math.PI)) * (sum * h)) / 3;
    },
  };
  const fn = table[node.fn] ?? (() => (Math as unknown as Record<string, (v: number) => number>)[node.fn](a[0]));
  return Number(fn());
}

describe("derivatives", () => {
  const smooth: [string, Expression][] = [
    ["add", e.add(x, y)],
    ["sub", e.sub(x, y)],
    ["mul", e.mul(x, y)],
    ["div", e.div(x, y)],
    ["mod", e.mod(x, y)],
    ["pow", e.pow(x, y)],
    ["neg", e.neg(x)],
    ["abs", e.abs(x)],
    ["max", e.max(x, y)],
    ["min", e.min(x, y)],
    ["exp", e.exp(x)],
    ["expm1", e.expm1(x)],
    ["log", e.log(x)],
    ["log1p", e.log1p(x)],
    ["sqrt", e.sqrt(x)],
    ["sin", e.sin(x)],
    ["cos", e.cos(x)],
    ["tanh", e.tanh(x)],
    ["sigmoid", e.sigmoid(x)],
    ["weigh", e.weigh(x, y)],
    ["erf", e.erf(x)],
    ["a chain", e.tanh(e.mul(e.sin(x), e.exp(e.mul(x, y))))],
    ["a shared part", e.mul(e.mul(x, y), e.add(e.mul(x, y), x))],
    ["a choice", e.select(e.gt(x, 1), e.mul(x, x), e.sin(x))],
  ];

  it.each(smooth)("of %s agree with central differences, to second order", (_, tree) => {
    for (const at of [
      [0.7, 1.6],
      [1.3, 0.6],
    ]) {
      for (const i of inputsOf(tree)) {
        const slope = differentiate(tree, input(i));
        const difference = (f: Expression | null) => {
          if (f === null) return 0;
          const moved = (by: number) => evaluate(f, at.with(i, at[i] + by));
          return (moved(1e-5) - moved(-1e-5)) / 2e-5;
        };
        const value = (f: Expression | null) => (f === null ? 0 : evaluate(f, at));
        expect(value(slope)).toBeCloseTo(difference(tree), 7);
        const second = slope && differentiate(slope, input(i));
        expect(value(second)).toBeCloseTo(difference(slope), 6);
      }
    }
  });

  it.each([e.floor(x), e.ceil(x), e.round(x), e.sign(x), e.lt(x, y), e.eq(x, y), e.isNaN(x)])(
    "are nothing for steps and comparisons",
    (tree) => {
      expect(differentiate(tree, x)).toBeNull();
    },
  );

  it("are nothing by what does not occur", () => {
    expect(differentiate(e.exp(x), y)).toBeNull();
  });

  it("reuse the output where the rule does", () => {
    expect(differentiate(e.exp(x), x, y)).toBe(y);
    expect(differentiate(e.tanh(x), x, y)).toBe(e.sub(1, e.mul(y, y)));
  });

  it("share a tie in half", () => {
    const slope = differentiate(e.max(x, y), x)!;
    expect([evaluate(slope, [1, 1]), evaluate(slope, [2, 1]), evaluate(slope, [1, 2])]).toEqual([0.5, 1, 0]);
  });

  it("are finite where a power has the exponent 0", () => {
    expect(evaluate(differentiate(e.pow(x, y), x)!, [0, 0])).toBe(0);
  });
});
