import { type DType, type Expression, INTRINSIC_NAMES, type Intrinsic, MapFunction } from "@neurite/core";
import { expect, it } from "vitest";
import { contiguous, describeModes, distance, reference, run, type Spec, seeded, strided } from "./compare.js";

const input = (index: number): Expression => ({ kind: "input", index });
const call = (fn: Intrinsic, ...args: Expression[]): Expression => ({ kind: "call", fn, args });
const constant = (value: number): Expression => ({ kind: "constant", value });

const BINARY = new Set<Intrinsic>(["add", "sub", "mul", "weigh", "max", "min", "div", "mod", "pow"]);
const COMPARE = new Set<Intrinsic>(["lt", "le", "gt", "ge", "eq", "ne"]);
const LOGIC = new Set<Intrinsic>(["and", "or", "not"]);
const TEST = new Set<Intrinsic>(["isNaN", "isFinite"]);

// biome-ignore format: a table
const SPECIAL = [
  0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3.7, -3.7, 1e-9, -1e-9, 1e-3, 0.3, 0.99, 1.01, 7, -7, 88, -88, 1000,
  -1000.5, 123456.7, 8388607.5, 1e10, -1e10, 3e38, Infinity, -Infinity, NaN,
];
const FIRST = SPECIAL.flatMap((a) => SPECIAL.map(() => a));
const SECOND = SPECIAL.flatMap(() => SPECIAL);

/** erf is a formula of its own here, good to 5e-7 where others are rounded results of the same float64 functions. */
const TOLERANCE: Partial<Record<Intrinsic, number>> = { erf: 5e-7, exp: 1.2e-7, tanh: 1.2e-7, sigmoid: 1.2e-7 };

describeModes("map", (backend) => {
  function check(expression: Expression, inputs: Spec[], type: DType, tolerance = 0, scalars: number[] = []): void {
    const attrs = { fn: MapFunction.of(expression, inputs.length, scalars.length), scalars };
    const { shape } = inputs[0];
    const wanted = reference("map", type, shape, inputs, attrs).values;
    const actual = run(backend(), "map", type, shape, inputs, attrs).values;
    expect(actual.constructor).toBe(wanted.constructor);
    if (distance(actual, wanted) > tolerance) expect(actual).toEqual(wanted);
  }

  for (const fn of INTRINSIC_NAMES) {
    it(`evaluates ${fn}, special values included`, () => {
      const dtype: DType = LOGIC.has(fn) ? "bool" : "float32";
      const shape = [FIRST.length];
      const bits: Spec[] = [2, 3].map((n) => ({
        dtype: "bool",
        shape,
        data: FIRST.map((_, i) => Number(i % n === 0)),
      }));
      const numbers: Spec[] = [FIRST, SECOND].map((data) => ({ dtype: "float32", shape, data }));
      const operands = fn === "select" ? [bits[0], ...numbers] : LOGIC.has(fn) ? bits : numbers;
      const count = fn === "select" ? 3 : fn !== "not" && (BINARY.has(fn) || COMPARE.has(fn) || LOGIC.has(fn)) ? 2 : 1;
      const type = COMPARE.has(fn) || TEST.has(fn) ? "bool" : dtype;
      const expression = call(fn, ...operands.slice(0, count).map((_, i) => input(i)));
      check(expression, operands.slice(0, count), type, TOLERANCE[fn]);
    });
  }

  for (const fn of ["add", "sub", "mul", "max", "min", "neg", "abs", "sign", "lt", "eq", "ne"] as const) {
    it(`evaluates ${fn} on int32`, () => {
      const values = [0, 1, -1, 7, -4000, 4000, 65, -99];
      const shape = [64];
      const operands: Spec[] = [
        { dtype: "int32", shape, data: values.flatMap((a) => values.map(() => a)) },
        { dtype: "int32", shape, data: values.flatMap(() => values) },
      ].slice(0, ["neg", "abs", "sign"].includes(fn) ? 1 : 2) as Spec[];
      check(call(fn, ...operands.map((_, i) => input(i))), operands, COMPARE.has(fn) ? "bool" : "int32");
    });
  }

  it("keeps a relative accuracy of 1e-6 near 0", () => {
    const data = Array.from({ length: 400 }, (_, i) => (i % 2 ? 1 : -1) * 10 ** (-8 + i / 50));
    const x: Spec = { dtype: "float32", shape: [400], data };
    for (const fn of ["expm1", "log1p", "erf", "tanh", "sin"] as const) {
      const attrs = { fn: MapFunction.of(call(fn, input(0)), 1, 0), scalars: [] };
      const wanted = reference("map", "float32", [400], [x], attrs).values;
      const actual = run(backend(), "map", "float32", [400], [x], attrs).values;
      for (const [i, value] of actual.entries()) {
        if (!Object.is(value, wanted[i])) expect(Math.abs(value / wanted[i] - 1)).toBeLessThan(1e-6);
      }
    }
  });

  it("rounds intermediates, constants and scalars to float32", () => {
    const x: Spec = { dtype: "float32", shape: [3], data: [1, 0.1, 100] };
    check(call("sub", call("add", input(0), constant(2 ** -30)), input(0)), [x], "float32");
    check(call("eq", input(0), constant(0.1)), [x], "bool");
    check(call("isFinite", call("exp", input(0))), [x], "bool");
    check(call("eq", input(0), { kind: "scalar", index: 0 }), [x], "bool", 0, [0.1]);
  });

  it("takes infinities, NaN and −0 as constants and scalars", () => {
    const x: Spec = { dtype: "float32", shape: [4], data: [1, -1, 0, NaN] };
    for (const value of [Infinity, -Infinity, NaN, -0, -2.5, 1e-30, 1e30]) {
      check(call("select", call("gt", input(0), constant(0)), input(0), constant(value)), [x], "float32");
      check(call("mul", input(0), { kind: "scalar", index: 0 }), [x], "float32", 0, [value]);
    }
  });

  it("hands on a bare input, scalar or constant", () => {
    const x: Spec = { dtype: "float32", shape: [3], strides: [-1], offset: 2, data: [1, 2, 3] };
    check(input(0), [x], "float32");
    check({ kind: "scalar", index: 0 }, [x], "float32", 0, [5]);
    check(constant(4), [x], "float32");
  });

  // tanh(a·b + c) or min(a·b, |c|) − a·b, with a shared subexpression and a condition
  const product = call("mul", input(0), input(1));
  const long = call(
    "select",
    call("lt", product, input(2)),
    call("tanh", call("add", product, input(2))),
    call("sub", call("min", product, call("abs", input(2))), product),
  );
  const layouts: [string, number[], number[][]][] = [
    ["one element", [1], [[1], [1], [0]]],
    ["a line", [501], [[1], [0], [-1]]],
    [
      "two axes",
      [13, 17],
      [
        [17, 1],
        [0, 1],
        [1, 0],
      ],
    ],
    [
      "three axes",
      [5, 7, 3],
      [
        [21, 3, 1],
        [1, 0, -5],
        [0, 2, 0],
      ],
    ],
    [
      "four axes",
      [3, 2, 5, 4],
      [
        [40, 20, 4, 1],
        [-1, 0, 6, -30],
        [0, 0, 0, 1],
      ],
    ],
    ["six axes", [2, 3, 2, 1, 2, 3], [contiguous([2, 3, 2, 1, 2, 3]), [0, 1, 0, 1, 0, 3], [-1, 2, 6, 0, 12, 24]]],
  ];
  for (const [name, shape, strides] of layouts) {
    it(`runs several steps over ${name}`, () => {
      const random = seeded(shape.length);
      check(
        long,
        strides.map((s) => strided("float32", shape, s, random)),
        "float32",
        2e-7,
      );
    });
  }
});
