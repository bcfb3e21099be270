import type { ArgReduceKind, DType, ReduceKind, TypedArray } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { argReduce } from "../src/kernels/arg-reduce.js";
import { reduce } from "../src/kernels/reduce.js";
import { at, filled, indices, output, seeded, valuesOf, view } from "./views.js";

function columns(x: ReturnType<typeof view>): number[][] {
  const [outer, n, inner] = x.shape;
  return indices([outer, inner]).map(([o, i]) => Array.from({ length: n }, (_, r) => at(x, [o, r, i])));
}

function run(kind: ReduceKind, data: TypedArray, dtype: DType, shape: number[], offset = 0): number[] {
  const out = output(dtype, [shape[0], shape[2]]);
  reduce([out], [view(data, dtype, shape, undefined, offset)], { kind });
  return valuesOf(out);
}

function runArg(kind: ArgReduceKind, data: TypedArray, dtype: DType, shape: number[], offset = 0): number[] {
  const out = output("int32", [shape[0], shape[2]]);
  argReduce([out], [view(data, dtype, shape, undefined, offset)], { kind });
  return valuesOf(out);
}

const SHAPES = [
  [1, 1, 1],
  [3, 7, 1],
  [1, 1000, 1],
  [2, 5, 3],
  [4, 3, 17],
  [2, 3, 2049],
];
const FOLDS: Record<ReduceKind, (a: number, b: number) => number> = {
  sum: (a, b) => a + b,
  prod: (a, b) => a * b,
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
};

describe("reduce", () => {
  for (const kind of Object.keys(FOLDS) as ReduceKind[]) {
    for (const dtype of ["float32", "float64"] as const) {
      it(`computes the ${kind} of ${dtype}`, () => {
        for (const shape of SHAPES) {
          const data = filled(dtype, shape[0] * shape[1] * shape[2] + 3, seeded(5));
          if (kind === "prod") for (let i = 0; i < data.length; i++) data[i] = 1 + data[i] / 16;
          const actual = run(kind, data, dtype, shape, 3);
          const wanted = columns(view(data, dtype, shape, undefined, 3)).map((column) => column.reduce(FOLDS[kind]));
          // Sums are taken in another order, so they differ in the last bits.
          const tolerance = dtype === "float32" ? 1e-6 : 1e-12;
          for (const [i, value] of wanted.entries()) {
            expect(Math.abs(actual[i] - value)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(value)));
          }
        }
      });
    }
  }

  it("sums a million float32 without losing digits", () => {
    const [sum] = run("sum", new Float32Array(1_000_000).fill(0.1), "float32", [1, 1_000_000, 1]);
    expect(sum).toBeCloseTo(100_000, 1);
  });

  it("wraps int32", () => {
    const data = Int32Array.of(2147483647, 2147483647, 3, 65537);
    expect(run("sum", data, "int32", [1, 4, 1])).toEqual([65538]);
    expect(run("sum", data, "int32", [1, 2, 2])).toEqual([-2147483646, -2147418112]);
    expect(run("prod", data, "int32", [1, 4, 1])).toEqual([196611]);
    expect(run("prod", data, "int32", [1, 2, 2])).toEqual([2147483645, 2147418111]);
    expect(run("max", data, "int32", [2, 1, 2])).toEqual([2147483647, 2147483647, 3, 65537]);
  });

  it("takes extremes of bools", () => {
    const data = Uint8Array.of(0, 0, 1, 0);
    expect(run("max", data, "bool", [2, 2, 1])).toEqual([0, 1]);
    expect(run("min", data, "bool", [1, 2, 2])).toEqual([0, 0]);
  });

  it("hands on NaN wherever it stands", () => {
    for (const place of [0, 1, 2]) {
      const data = Float32Array.of(1, 5, 3);
      data[place] = NaN;
      for (const kind of ["sum", "max", "min"] as const) expect(run(kind, data, "float32", [1, 3, 1])).toEqual([NaN]);
      const pairs = Float32Array.from([...data].flatMap((value) => [value, 1]));
      for (const kind of ["max", "min"] as const) expect(run(kind, pairs, "float32", [1, 3, 2])).toEqual([NaN, 1]);
    }
  });

  it("starts extremes from the first element, not from a bound", () => {
    expect(run("max", Float32Array.of(-Infinity, -Infinity), "float32", [1, 2, 1])).toEqual([-Infinity]);
    expect(run("min", Float32Array.of(Infinity, Infinity), "float32", [1, 2, 1])).toEqual([Infinity]);
  });
});

describe("argReduce", () => {
  it("takes the first position of a tie", () => {
    expect(runArg("argMax", Int32Array.of(1, 9, 9, 1), "int32", [1, 4, 1])).toEqual([1]);
    expect(runArg("argMin", Int32Array.of(1, 9, 9, 1), "int32", [1, 4, 1])).toEqual([0]);
  });

  it("takes the first NaN as the extreme", () => {
    const data = Float32Array.of(3, NaN, 9, NaN);
    for (const kind of ["argMax", "argMin"] as const) expect(runArg(kind, data, "float32", [1, 4, 1])).toEqual([1]);
    for (const kind of ["argMax", "argMin"] as const)
      expect(runArg(kind, data, "float32", [1, 2, 2])).toEqual([kind === "argMax" ? 1 : 0, 0]);
  });

  for (const dtype of ["float32", "float64", "int32", "uint8", "bool"] as const) {
    it(`searches ${dtype} along any axis`, () => {
      for (const shape of SHAPES) {
        const data = filled(dtype, shape[0] * shape[1] * shape[2] + 3, seeded(9));
        const all = columns(view(data, dtype, shape, undefined, 3));
        expect(runArg("argMax", data, dtype, shape, 3)).toEqual(all.map((c) => c.indexOf(Math.max(...c))));
        expect(runArg("argMin", data, dtype, shape, 3)).toEqual(all.map((c) => c.indexOf(Math.min(...c))));
      }
    });
  }
});
