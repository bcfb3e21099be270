import { type DType, type Expression, INTRINSIC_NAMES, type Intrinsic, MapFunction, type View } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { map } from "../src/kernels/map.js";
import { elements, filled, output, seeded, sizeOf, strided, valuesOf, view } from "./views.js";

const input = (index: number): Expression => ({ kind: "input", index });
const call = (fn: Intrinsic, ...args: Expression[]): Expression => ({ kind: "call", fn, args });

function run(expression: Expression, inputs: View[], type: DType, scalars: number[] = []): number[] {
  const out = output(type, inputs[0].shape);
  map([out], inputs, { fn: MapFunction.of(expression, inputs.length, scalars.length), scalars });
  return valuesOf(out);
}

function naive(inputs: View[], type: DType, f: (...operands: number[]) => number): number[] {
  const columns = inputs.map(elements);
  return columns[0].map((_, i) => asType(type, f(...columns.map((column) => column[i]))));
}

function asType(type: DType, value: number): number {
  if (type === "float32") return Math.fround(value);
  if (type === "int32") return value | 0;
  return type === "float64" ? value : Number(value !== 0);
}

const halfEven = (x: number): number => {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x) === 0 ? x * 0 : Math.round(x);
  return low % 2 === 0 ? low : low + 1 === 0 ? -0 : low + 1;
};

/** Abramowitz & Stegun 7.1.5 and 7.1.14: the series near 0, the continued fraction of erfc beyond 3. */
function slowErf(x: number): number {
  if (!(Math.abs(x) < 3)) {
    if (x !== x) return x;
    const y = Math.abs(x);
    let fraction = y;
    for (let i = 200; i > 0; i--) fraction = y + i / 2 / fraction;
    return Math.sign(x) * (1 - Math.exp(-y * y) / Math.sqrt(Math.PI) / fraction);
  }
  let term = x;
  let sum = x;
  for (let i = 1; i < 200; i++) {
    term *= (-x * x) / i;
    sum += term / (2 * i + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** Relative difference; 0 for equal numbers, infinities and NaNs. */
function difference(actual: number, wanted: number): number {
  return actual === wanted || Object.is(actual, wanted) ? 0 : Math.abs(actual - wanted) / Math.abs(wanted);
}

/** For functions not correctly rounded: a unit in the last place of float32; in float64 it is the slow erf that errs. */
const TOLERANCE: Partial<Record<DType, number>> = { float32: 1.2e-7, float64: 1e-14 };

const python = (a: number, b: number): number => {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest === 0 ? (b < 0 ? -0 : 0) : rest;
};

const REFERENCE: Record<Intrinsic, (a: number, b: number, c: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  weigh: (a, b) => (Number.isNaN(a * b) && (a === 0 || (b === 0 && !Number.isNaN(a))) ? 0 : a * b),
  neg: (a) => -a,
  abs: Math.abs,
  sign: Math.sign,
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
  div: (a, b) => a / b,
  mod: python,
  pow: (a, b) => a ** b,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sqrt: Math.sqrt,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  erf: slowErf,
  floor: Math.floor,
  ceil: Math.ceil,
  round: halfEven,
  lt: (a, b) => Number(a < b),
  le: (a, b) => Number(a <= b),
  gt: (a, b) => Number(a > b),
  ge: (a, b) => Number(a >= b),
  eq: (a, b) => Number(a === b),
  ne: (a, b) => Number(a !== b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  not: (a) => Number(!a),
  isNaN: (a) => Number(Number.isNaN(a)),
  isFinite: (a) => Number(Number.isFinite(a)),
  select: (a, b, c) => (a ? b : c),
};

const ARITY = (fn: Intrinsic): number => (fn === "select" ? 3 : REFERENCE[fn].length === 2 ? 2 : 1);
const BINARY_BY_MATH = new Set<Intrinsic>(["max", "min"]);
const arityOf = (fn: Intrinsic): number => (BINARY_BY_MATH.has(fn) ? 2 : ARITY(fn));
const TO_BOOL = new Set<Intrinsic>(["lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not", "isNaN", "isFinite"]);
const INTEGER: Intrinsic[] = ["add", "sub", "neg", "abs", "sign", "max", "min", "lt", "le", "gt", "ge", "eq", "ne"];
const LOGIC = new Set<Intrinsic>(["and", "or", "not"]);

const SPECIAL = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  3.7,
  1e-9,
  -1e-9,
  88,
  -88,
  1e10,
  -1e10,
  Infinity,
  -Infinity,
  NaN,
];

describe("map", () => {
  for (const fn of INTRINSIC_NAMES) {
    const types: DType[] = LOGIC.has(fn) ? ["bool"] : ["float32", "float64"];
    for (const dtype of types) {
      it(`evaluates ${fn} on ${dtype}, special values included`, () => {
        const arity = arityOf(fn);
        const pairs = SPECIAL.flatMap((a) => SPECIAL.map((b) => [a, b]));
        const operands = Array.from({ length: arity }, (_, i) => {
          const isCondition = dtype === "bool" || (fn === "select" && i === 0);
          const values = filled(isCondition ? "bool" : dtype, pairs.length, seeded(i + 1));
          const column = fn === "select" ? i - 1 : i;
          if (!isCondition) values.set(pairs.map((pair) => pair[column]));
          return view(values, isCondition ? "bool" : dtype, [pairs.length]);
        });
        const type = TO_BOOL.has(fn) ? "bool" : dtype;
        const actual = run(call(fn, ...operands.map((_, i) => input(i))), operands, type);
        const wanted = naive(operands, type, REFERENCE[fn]);
        if (!["erf", "exp", "tanh"].includes(fn)) expect(actual).toEqual(wanted);
        else
          for (const [i, value] of actual.entries())
            expect(difference(value, wanted[i])).toBeLessThan(TOLERANCE[dtype]!);
      });
    }
  }

  for (const fn of INTEGER) {
    it(`evaluates ${fn} on int32 and wraps`, () => {
      const values = [0, 1, -1, 7, -2147483648, 2147483647, 65536, -40000];
      const pairs = values.flatMap((a) => values.map((b) => [a, b]));
      const operands = Array.from({ length: arityOf(fn) }, (_, i) =>
        view(Int32Array.from(pairs.map((pair) => pair[i])), "int32", [pairs.length]),
      );
      const type = TO_BOOL.has(fn) ? "bool" : "int32";
      const actual = run(call(fn, ...operands.map((_, i) => input(i))), operands, type);
      expect(actual).toEqual(naive(operands, type, REFERENCE[fn]).map((value) => value + 0));
    });
  }

  it("multiplies int32 modulo 2³²", () => {
    const x = view(Int32Array.of(123456789, -7, 65537), "int32", [3]);
    const y = view(Int32Array.of(987654321, 2147483647, 65537), "int32", [3]);
    expect(run(call("mul", input(0), input(1)), [x, y], "int32")).toEqual([-67153019, -2147483641, 131073]);
  });

  it("compares and selects uint8", () => {
    const x = view(Uint8Array.of(3, 200, 9), "uint8", [3]);
    const y = view(Uint8Array.of(3, 100, 10), "uint8", [3]);
    expect(run(call("ge", input(0), input(1)), [x, y], "bool")).toEqual([1, 1, 0]);
    const condition = view(Uint8Array.of(1, 0, 1), "bool", [3]);
    expect(run(call("select", input(0), input(1), input(2)), [condition, x, y], "uint8")).toEqual([3, 100, 9]);
  });

  it("keeps erf within two units in the last place of 25-digit values", () => {
    const known: [number, number][] = [
      [1e-10, 1.1283791670955125739e-10],
      [0.25, 0.27632639016823693],
      [0.46875, 0.49261347321793797],
      [0.5, 0.5204998778130465377],
      [1, 0.8427007929497148693],
      [2, 0.9953222650189527342],
      [4.5, 0.9999999998033839],
    ];
    const x = view(Float64Array.from(known.map(([value]) => value)), "float64", [known.length]);
    run(call("erf", input(0)), [x], "float64").forEach((value, i) => {
      expect(Math.abs(value / known[i][1] - 1)).toBeLessThan(4.5e-16);
    });
  });

  it("rounds float32 intermediates to float32", () => {
    // 1 + 2⁻³⁰ is 1 in float32, so the difference is 0; in float64 it would be 2⁻³⁰.
    const x = view(Float32Array.of(1), "float32", [1]);
    const y = view(Float32Array.of(2 ** -30), "float32", [1]);
    expect(run(call("sub", call("add", input(0), input(1)), input(0)), [x, y], "float32")).toEqual([0]);
  });

  it("rounds scalars and constants to the arithmetic's dtype", () => {
    const x = view(Float32Array.of(1, 2), "float32", [2]);
    const scalar: Expression = { kind: "scalar", index: 0 };
    expect(run(call("mul", input(0), scalar), [x], "float32", [0.1])).toEqual([Math.fround(0.1), Math.fround(0.2)]);
    const constant: Expression = { kind: "constant", value: 0.1 };
    expect(run(call("eq", input(0), constant), [view(Float32Array.of(0.1), "float32", [1])], "bool")).toEqual([1]);
  });

  it("hands on a bare input, scalar or constant", () => {
    const x = view(Float32Array.of(1, 2, 3), "float32", [3], [-1], 2);
    expect(run(input(0), [x], "float32")).toEqual([3, 2, 1]);
    expect(run({ kind: "scalar", index: 0 }, [x], "float32", [5])).toEqual([5, 5, 5]);
    expect(run({ kind: "constant", value: 4 }, [x], "float32")).toEqual([4, 4, 4]);
  });

  it("serves one function for several dtypes", () => {
    const fn = call("add", input(0), { kind: "constant", value: 0.5 });
    expect(run(fn, [view(Float32Array.of(1), "float32", [1])], "float32")).toEqual([1.5]);
    expect(run(fn, [view(Float64Array.of(2), "float64", [1])], "float64")).toEqual([2.5]);
    expect(run(fn, [view(Float32Array.of(3), "float32", [1])], "float32")).toEqual([3.5]);
  });

  // out = tanh(a·b + c) − min(a·b, |c|), with a shared subexpression and intermediates of two dtypes
  const product = call("mul", input(0), input(1));
  const long = call(
    "select",
    call("lt", product, input(2)),
    call("tanh", call("add", product, input(2))),
    call("sub", call("min", product, call("abs", input(2))), product),
  );
  const layouts: [string, number[], number[][]][] = [
    ["one element", [1], [[1], [1], [0]]],
    ["more than one block", [5001], [[1], [0], [-1]]],
    ["strided lines", [777], [[3], [-2], [1]]],
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
      "long rows",
      [3, 4099],
      [
        [4099, 1],
        [1, 0],
        [0, -2],
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
  ];
  for (const [name, shape, strides] of layouts) {
    for (const dtype of ["float32", "float64"] as const) {
      it(`runs several steps over ${name} of ${dtype}`, () => {
        const random = seeded(sizeOf(shape));
        const inputs = strides.map((s) => strided(dtype, shape, s, random));
        const round = dtype === "float32" ? Math.fround : (x: number) => x;
        const wanted = naive(inputs, dtype, (a, b, c) => {
          const ab = round(a * b);
          return ab < c ? Math.tanh(round(ab + c)) : Math.min(ab, Math.abs(c)) - ab;
        });
        expect(run(long, inputs, dtype)).toEqual(wanted);
      });
    }
  }
});
