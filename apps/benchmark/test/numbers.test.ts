/** Inputs that are the same everywhere, and sums of measurements. */
import { describe, expect, it } from "vitest";
import { makeArray } from "../src/arrays.js";
import { digest } from "../src/child.js";
import { difference, fitPowerLaw, spreadOf } from "../src/statistics.js";

describe("arrays", () => {
  it("are those that NumPy makes by the same rule", () => {
    const floats = makeArray({ shape: [2, 2], low: -1, high: 1, seed: 3 });
    expect(Array.from(floats)).toEqual(
      Array.from(Float32Array.of(-0.878536581993103, 0.8966681957244873, 0.239166259765625, -0.06725454330444336)),
    );
    const integers = makeArray({ shape: [8], low: 0, high: 10, integer: true, seed: 1001 });
    expect(Array.from(integers)).toEqual([0, 6, 1, 1, 2, 0, 6, 9]);
  });

  it("are spread evenly, and differ between seeds", () => {
    const [a, b] = [1, 2].map((seed) => makeArray({ shape: [100_000], low: 0, high: 1, seed }));
    const mean = (values: ArrayLike<number>) => Array.from(values).reduce((x, y) => x + y, 0) / values.length;
    // the mean of n uniform numbers deviates by 0.29/√n
    expect(Math.abs(mean(a!) - 0.5)).toBeLessThan(5e-3);
    const together = Array.from(a!, (value, i) => (value - 0.5) * (b![i]! - 0.5));
    expect(Math.abs(mean(together))).toBeLessThan(1.5e-3);
  });
});

describe("spreadOf", () => {
  it("gives the median, and the mean of the middle two of an even number", () => {
    expect(spreadOf([5, 1, 30])).toEqual({ median: 5, min: 1, max: 30 });
    expect(spreadOf([10, 2, 1, 4])).toEqual({ median: 3, min: 1, max: 10 });
    expect(spreadOf([7])).toEqual({ median: 7, min: 7, max: 7 });
  });
});

describe("fitPowerLaw", () => {
  it("finds exponent and factor of a power", () => {
    const { exponent, factor } = fitPowerLaw([1, 10, 50, 200].map((work) => ({ work, time: 3 * work ** 1.5 })));
    expect(exponent).toBeCloseTo(1.5, 10);
    expect(factor).toBeCloseTo(3, 10);
  });
});

describe("difference", () => {
  it("is relative to the reference", () => {
    expect(difference([[2.002, 1]], [[2, 1]])).toBeCloseTo(1e-3, 10);
    expect(difference([[2, 1]], [[2, 1]])).toBe(0);
  });

  it("does not magnify elements that are near zero", () => {
    expect(difference([[1, 1e-5, -1]], [[1, 0, -1]])).toBeCloseTo(1.5e-5, 10);
    expect(difference([[0]], [[0]])).toBe(0);
  });

  it("is infinite for other numbers of results, and for NaN, which JSON makes null", () => {
    expect(difference([[1]], [[1], [2]])).toBe(Number.POSITIVE_INFINITY);
    expect(difference([[1, 2]], [[1]])).toBe(Number.POSITIVE_INFINITY);
    expect(difference(JSON.parse(JSON.stringify([[0, Number.NaN]])), [[0, 0]])).toBe(Number.POSITIVE_INFINITY);
  });

  it("finds a transposed result by its digest", () => {
    const matrix = makeArray({ shape: [40, 40], low: -1, high: 1, seed: 5 });
    const transposed = matrix.map((_, i) => matrix[(i % 40) * 40 + Math.floor(i / 40)]!);
    expect(difference([digest(transposed)], [digest(matrix)])).toBeGreaterThan(0.1);
  });
});
