import type { View } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { matmul } from "../src/kernels/matmul.js";
import { at, indices, output, seeded, strided, valuesOf, view } from "./views.js";

type Numbers = "float32" | "float64" | "int32";

function naive(a: View, b: View): number[] {
  const [batches, m, k] = a.shape;
  return indices([batches, m, b.shape[2]]).map(([batch, i, j]) => {
    let sum = 0;
    if (a.dtype === "int32") {
      for (let l = 0; l < k; l++) sum = (sum + Math.imul(at(a, [batch, i, l]), at(b, [batch, l, j]))) | 0;
    } else for (let l = 0; l < k; l++) sum += at(a, [batch, i, l]) * at(b, [batch, l, j]);
    return a.dtype === "float32" ? Math.fround(sum) : sum;
  });
}

/** Sums run over k in ascending order in float64, so that the result is that of the naive loop to the last bit. */
function check(a: View, b: View): void {
  const out = output(a.dtype, [a.shape[0], a.shape[1], b.shape[2]]);
  matmul([out], [a, b], {});
  expect(valuesOf(out)).toEqual(naive(a, b));
}

const random = seeded(11);
function plain(dtype: Numbers, batches: number, rows: number, columns: number): View {
  return strided(dtype, [batches, rows, columns], [rows * columns, columns, 1], random);
}
function transposed(dtype: Numbers, batches: number, rows: number, columns: number): View {
  return strided(dtype, [batches, rows, columns], [rows * columns, 1, rows], random);
}

describe("matmul", () => {
  it("multiplies two small matrices", () => {
    const out = output("float32", [1, 2, 2]);
    const a = view(Float32Array.of(1, 2, 3, 4), "float32", [1, 2, 2]);
    const b = view(Float32Array.of(5, 6, 7, 8), "float32", [1, 2, 2]);
    matmul([out], [a, b], {});
    expect(valuesOf(out)).toEqual([19, 22, 43, 50]);
  });

  const sizes = [1, 3, 17, 64, 129];
  for (const m of sizes) {
    it(`agrees with the naive loop for ${m} rows and all depths and widths of ${sizes}`, () => {
      for (const k of sizes) for (const n of sizes) check(plain("float32", 1, m, k), plain("float32", 1, k, n));
    });
  }

  it("takes transposed operands, narrow and wide", () => {
    for (const [m, k, n] of [
      [1, 9, 70],
      [2, 33, 5],
      [70, 9, 3],
      [5, 6, 7],
      [40, 30, 50],
    ]) {
      check(transposed("float32", 1, m, k), plain("float32", 1, k, n));
      check(plain("float32", 1, m, k), transposed("float32", 1, k, n));
      check(transposed("float32", 1, m, k), transposed("float32", 1, k, n));
    }
  });

  it("takes negative and zero strides", () => {
    for (const [m, k, n] of [
      [2, 5, 9],
      [6, 7, 8],
    ]) {
      const backward = strided("float32", [2, m, k], [-m * k, -k, -1], random);
      check(backward, strided("float32", [2, k, n], [0, -1, 2 * k], random));
      check(strided("float32", [2, m, k], [3, 0, 5], random), plain("float32", 2, k, n));
    }
  });

  it("multiplies batches, with either operand shared", () => {
    check(plain("float32", 3, 5, 6), plain("float32", 3, 6, 7));
    check(plain("float32", 3, 5, 6), strided("float32", [3, 6, 7], [0, 7, 1], random));
    check(strided("float32", [3, 5, 6], [0, 6, 1], random), plain("float32", 3, 6, 7));
    check(plain("float32", 9, 1, 6), strided("float32", [9, 6, 7], [0, 1, 6], random));
  });

  it("goes through several blocks along every axis", () => {
    check(plain("float32", 1, 101, 1030), plain("float32", 1, 1030, 5));
    check(plain("float32", 1, 5, 513), transposed("float32", 1, 513, 263));
    check(plain("float32", 1, 1, 40), plain("float32", 1, 40, 4100));
  });

  it("serves float64", () => {
    check(plain("float64", 2, 18, 40), plain("float64", 2, 40, 9));
    check(plain("float64", 1, 6, 600), transposed("float64", 1, 600, 7));
    check(plain("float64", 1, 1, 40), transposed("float64", 1, 40, 9));
  });

  it("multiplies int32 modulo 2³²", () => {
    check(plain("int32", 2, 5, 6), transposed("int32", 2, 6, 7));
    const out = output("int32", [1, 1, 1]);
    const a = view(Int32Array.of(123456789, 2147483647), "int32", [1, 1, 2]);
    const b = view(Int32Array.of(987654321, 3), "int32", [1, 2, 1]);
    matmul([out], [a, b], {});
    expect(valuesOf(out)).toEqual([(-67153019 + 2147483645) | 0]);
  });
});
