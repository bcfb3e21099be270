/** Convolution by the fused kernels, against the composition in float64 on cpu-js. */
import { valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import {
  type ConvolutionOptions,
  cast,
  conv1d,
  conv2d,
  conv3d,
  type Device,
  fromHost,
  Generator,
  mul,
  normal,
  sum,
  type Tensor,
} from "@neurite/core";
import { expect, it } from "vitest";
import { wasm } from "../src/index.js";
import { walkOf } from "../src/kernels/convolution-walk.js";
import { viewAt } from "../src/views.js";

interface Setting {
  readonly x: readonly number[];
  readonly filters: readonly number[];
  readonly options: ConvolutionOptions;
}

const SETTINGS: readonly Setting[] = [
  { x: [2, 9, 11, 3], filters: [3, 3, 3, 8], options: {} },
  { x: [1, 7, 5, 8], filters: [3, 3, 8, 16], options: { padding: 1 } },
  { x: [3, 6, 6, 16], filters: [1, 1, 16, 8], options: {} },
  {
    x: [2, 10, 9, 8],
    filters: [5, 2, 8, 24],
    options: {
      padding: [
        [2, 1],
        [0, 1],
      ],
      stride: [2, 3],
    },
  },
  { x: [1, 12, 8, 4], filters: [3, 3, 4, 8], options: { dilation: [2, 1], padding: "same" } },
  { x: [1, 12, 8, 4], filters: [3, 3, 4, 8], options: { dilation: 2 } },
  { x: [1, 1, 1, 8], filters: [1, 1, 8, 8], options: {} },
  { x: [2, 4, 4, 8], filters: [3, 3, 8, 8], options: { padding: 3 } },
  { x: [2, 5, 5, 8], filters: [3, 3, 4, 8], options: { groups: 2 } },
  { x: [1, 5, 5, 3], filters: [3, 3, 3, 7], options: {} },
  { x: [2, 9, 8, 5], filters: [3, 3, 5, 6], options: { stride: 2, padding: 1 } },
  { x: [2, 9, 8, 5], filters: [1, 1, 5, 6], options: { stride: 2 } },
  { x: [1, 13, 11, 3], filters: [7, 5, 3, 10], options: { stride: [3, 2], padding: "same" } },
  { x: [1, 11, 6, 3], filters: [3, 2, 3, 4], options: { stride: 4 } },
  { x: [2, 9, 1, 5], filters: [3, 1, 5, 6], options: { stride: [2, 1] } },
  { x: [2, 17, 5], filters: [4, 5, 6], options: {} },
  { x: [2, 17, 5], filters: [2, 5, 9], options: { dilation: 4, padding: [[4, 0]] } },
  { x: [3, 16, 2], filters: [5, 2, 8], options: { stride: 3, padding: 2 } },
  { x: [1, 20, 1], filters: [3, 1, 8], options: { stride: 2, dilation: 3 } },
  { x: [1, 20, 2], filters: [3, 2, 8], options: { stride: 4, dilation: 6 } },
  { x: [2, 11, 13, 21], filters: [3, 3, 7, 33], options: { groups: 3, padding: 1 } },
  { x: [2, 11, 13, 32], filters: [3, 3, 8, 64], options: { groups: 4, dilation: 2, padding: 2 } },
  { x: [1, 9, 9, 32], filters: [3, 3, 4, 32], options: { groups: 8, stride: 2, padding: 1 } },
  { x: [1, 9, 9, 12], filters: [3, 2, 3, 12], options: { groups: 4, dilation: [1, 2] } },
  { x: [2, 6, 5, 10], filters: [2, 2, 2, 5], options: { groups: 5, stride: [1, 2] } },
  { x: [1, 6, 7, 9], filters: [3, 3, 3, 12], options: { groups: 3, stride: 2, dilation: 2, padding: 2 } },
  { x: [2, 6, 7, 4], filters: [3, 3, 1, 8], options: { groups: 4, padding: 1 } },
  { x: [3, 1, 1, 8], filters: [1, 1, 8, 8], options: {} },
  { x: [5, 3, 3, 6], filters: [3, 3, 3, 16], options: { groups: 2 } },
  { x: [2, 19, 6], filters: [3, 2, 12], options: { groups: 3, dilation: 3, padding: 2 } },
  { x: [2, 5, 6, 7, 3], filters: [3, 2, 3, 3, 9], options: { padding: 1, stride: [1, 2, 1] } },
  { x: [1, 6, 5, 7, 8], filters: [2, 3, 2, 4, 10], options: { groups: 2, dilation: [2, 1, 3], padding: 1 } },
];

/** Values and gradients by x, filters and bias, of random inputs. */
function run(device: Device, dtype: "float32" | "float64", { x, filters, options }: Setting): ArrayLike<number>[] {
  const random = (shape: readonly number[], seed: number) => {
    const data = normal(shape, 0, 1, { device, dtype: "float32", generator: new Generator(seed) });
    return dtype === "float32" ? data : cast(data, dtype);
  };
  const parameters = { x: random(x, 1), filters: random(filters, 2), bias: random(filters.slice(-1), 3) };
  const convolution = [conv1d, conv2d, conv3d][x.length - 3]!;
  let y: ArrayLike<number> = [];
  const step = valueAndGrad((p: Readonly<Record<string, Tensor>>) => {
    const result = convolution(p.x!, p.filters!, { ...options, bias: p.bias! });
    y = result.dataSync();
    // a weight for each output, so that the gradients differ from place to place
    const weight = Float32Array.from({ length: result.size }, (_, i) => Math.sin(i));
    return sum(mul(result, cast(fromHost(weight, "float32", result.shape, device), dtype)));
  }, parameters);
  const { grads } = step(parameters);
  return [y, ...Object.values(grads).map((gradient) => gradient.dataSync())];
}

it.each(SETTINGS.map((setting) => [JSON.stringify(setting), setting] as const))("%s", (_, setting) => {
  const expected = run(cpuJs(), "float64", setting);
  for (const relaxed of [false, undefined]) {
    const actual = run(wasm(relaxed === undefined ? {} : { relaxed }), "float32", setting);
    actual.forEach((values, part) => {
      const wanted = Array.from(expected[part]!);
      expect(values.length).toBe(wanted.length);
      const scale = Math.max(1, ...wanted.map(Math.abs));
      const error = Math.max(...wanted.map((value, i) => Math.abs(value - values[i]!))) / scale;
      expect(error, ["y", "dx", "dFilters", "dBias"][part]).toBeLessThan(1e-5);
    });
  }
});

it("walks each geometry once, and no two alike", () => {
  const [small, large, channels] = [
    [2, 6, 6, 4],
    [2, 9, 9, 4],
    [2, 9, 9, 8],
  ].map((shape) => viewAt(0, "float32", shape));
  const plain = { strides: [1, 1], dilation: [1, 1], groups: 1 };
  const variants = [
    [small!, large!, [4, 4], plain],
    [small!, channels!, [4, 4], plain],
    [large!, large!, [1, 1], plain],
    [small!, large!, [2, 2], { ...plain, dilation: [3, 3] }],
    [small!, large!, [2, 4], { ...plain, dilation: [3, 1] }],
    [small!, large!, [4, 4], { ...plain, groups: 2 }],
  ] satisfies Parameters<typeof walkOf>[];
  const walks = variants.map((variant) => walkOf(...variant));
  expect(new Set(walks).size).toBe(variants.length);
  variants.forEach((variant, i) => {
    expect(walkOf(...variant)).toBe(walks[i]);
  });
  const [first, , , dilated] = walks;
  expect(first!.taps).toBe(4);
  expect(first!.run).toBe(4);
  // places three rows and three columns apart, 9 · 4 · 4 bytes a row
  expect(Array.from(dilated!.starts.slice(dilated!.rows))).toEqual([0, 48, 432, 480]);
});
