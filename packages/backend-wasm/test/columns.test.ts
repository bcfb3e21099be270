/** Kernels over the columns of tall matrices, which work in blocks of rows. */
import { valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import { batchNorm, type Device, fromHost, groupNorm, max, min, mul, prod, sum, type Tensor } from "@neurite/core";
import { expect, it } from "vitest";
import { wasm } from "../src/index.js";

const wave = (length: number, at = 0) => Float32Array.from({ length }, (_, i) => Math.sin(i + at) + 0.3);

it.each([
  [20_001, 3],
  [9000, 17],
  [64, 4096],
  [300, 200],
])("reduces [%i, %i] along the rows", (rows, columns) => {
  const device = wasm();
  const data = wave(rows * columns);
  const x = fromHost(data, "float32", [rows, columns], device);
  const column = (c: number) => Array.from({ length: rows }, (_, r) => data[r * columns + c]!);
  const [total, most, least] = [sum, max, min].map((reduce) => reduce(x, { axis: 0 }).dataSync());
  for (const c of [0, 1, columns - 1]) {
    const values = column(c);
    expect(total![c]).toBeCloseTo(
      values.reduce((a, b) => a + b, 0),
      0,
    );
    expect(Math.abs(total![c]! / values.reduce((a, b) => a + b, 0) - 1)).toBeLessThan(1e-4);
    expect(most![c]).toBe(Math.max(...values));
    expect(least![c]).toBe(Math.min(...values));
  }
  const near = fromHost(
    data.map((value) => 1 + value * 1e-4),
    "float32",
    [rows, columns],
    device,
  );
  const wanted = column(1).reduce((product, value) => product * Math.fround(1 + value * 1e-4), 1);
  expect(Math.abs(prod(near, { axis: 0 }).dataSync()[1]! / wanted - 1)).toBeLessThan(2e-3);
});

it("hands on a NaN of any block", () => {
  const data = wave(20_001 * 3);
  data[3 * 19_999 + 1] = Number.NaN;
  const [first, second] = max(fromHost(data, "float32", [20_001, 3], wasm()), { axis: 0 }).dataSync();
  expect(first).toBeGreaterThan(1.2);
  expect(second).toBeNaN();
});

it.each([
  [3000, 5],
  [1, 4],
  [700, 33],
])("normalises batches [%i, %i] as cpu-js does, gradients too", (m, channels) => {
  const run = (device: Device, dtype: "float32" | "float64") => {
    const host = (values: Float32Array, shape: readonly number[]) =>
      fromHost(dtype === "float32" ? values : Float64Array.from(values), dtype, shape, device);
    const parameters = {
      x: host(wave(m * channels), [m, channels]),
      weight: host(wave(channels, 1), [channels]),
      bias: host(wave(channels, 2), [channels]),
    };
    const factors = host(wave(m * channels, 3), [m, channels]);
    const moments = host(wave(channels, 4), [channels]);
    const results: Tensor[] = [];
    const step = valueAndGrad((p: typeof parameters) => {
      const { y, mean, variance } = batchNorm(p.x, { weight: p.weight, bias: p.bias });
      results.push(y.alias(), mean.alias(), variance.alias());
      const value = sum(mul(y, factors))
        .add(sum(mul(mean, moments)))
        .add(sum(mul(variance, moments)));
      return value;
    }, parameters);
    const { grads } = step(parameters);
    return [...results, ...Object.values(grads)].map((tensor) => Array.from(tensor.dataSync()));
  };
  const expected = run(cpuJs(), "float64");
  const actual = run(wasm(), "float32");
  expected.forEach((wanted, i) => {
    const scale = Math.max(1, ...wanted.map(Math.abs));
    const error = Math.max(...wanted.map((value, k) => Math.abs(value - actual[i]![k]!))) / scale;
    expect(error, ["y", "mean", "variance", "dx", "dWeight", "dBias"][i]).toBeLessThan(2e-5);
  });
});

it.each([
  [[2, 901, 21], 3],
  [[1, 300, 64], 32],
  [[3, 8, 5], 5],
  [[2, 33, 17], 1],
] as const)("normalises groups of channels of %j in %i groups as cpu-js does, gradients too", (shape, groups) => {
  const channels = shape[2];
  const size = shape[0] * shape[1] * channels;
  const run = (device: Device, dtype: "float32" | "float64") => {
    const host = (values: Float32Array, to: readonly number[]) =>
      fromHost(dtype === "float32" ? values : Float64Array.from(values), dtype, to, device);
    const parameters = {
      x: host(
        wave(size).map((value, i) => value + (i % channels)),
        shape,
      ),
      weight: host(wave(channels, 1), [channels]),
      bias: host(wave(channels, 2), [channels]),
    };
    const factors = host(wave(size, 3), shape);
    const results: Tensor[] = [];
    const step = valueAndGrad((p: typeof parameters) => {
      const y = groupNorm(p.x, groups, { weight: p.weight, bias: p.bias });
      results.push(y.alias());
      return sum(mul(y, factors));
    }, parameters);
    const { grads } = step(parameters);
    return [...results, ...Object.values(grads)].map((tensor) => Array.from(tensor.dataSync()));
  };
  const expected = run(cpuJs(), "float64");
  const actual = run(wasm(), "float32");
  expected.forEach((wanted, i) => {
    const scale = Math.max(1, ...wanted.map(Math.abs));
    const error = Math.max(...wanted.map((value, k) => Math.abs(value - actual[i]![k]!))) / scale;
    expect(error, ["y", "dx", "dWeight", "dBias"][i]).toBeLessThan(2e-5);
  });
});
