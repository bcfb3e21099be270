import type { DType, PadAttrs, View } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { concat } from "../src/kernels/concat.js";
import { copy } from "../src/kernels/copy.js";
import { fill } from "../src/kernels/fill.js";
import { gather } from "../src/kernels/gather.js";
import { pad } from "../src/kernels/pad.js";
import { scatterAdd } from "../src/kernels/scatter-add.js";
import {
  at,
  contiguousStrides,
  DTYPES,
  elements,
  filled,
  indices,
  output,
  seeded,
  sizeOf,
  strided,
  valuesOf,
  view,
} from "./views.js";

describe("fill", () => {
  it("sets every element of every dtype", () => {
    for (const dtype of DTYPES) {
      const out = output(dtype, [3, 4]);
      fill([out], [], { value: 3 });
      expect(valuesOf(out)).toEqual(new Array(12).fill(dtype === "bool" ? 1 : 3));
    }
  });
});

describe("copy", () => {
  function converted(value: number, to: DType): number {
    if (to === "bool") return Number(value !== 0);
    if (to === "float32") return Math.fround(value);
    if (to === "float64") return value;
    return to === "int32" ? value | 0 : Math.max(0, Math.min(255, Math.trunc(value)));
  }
  const layouts: [number[], number[]][] = [
    [[1], [1]],
    [[100], [1]],
    [[9], [-1]],
    [[9], [0]],
    [[9], [3]],
    [
      [7, 40],
      [40, 1],
    ],
    [
      [70, 45],
      [1, 70],
    ],
    [
      [45, 70],
      [-1, -45],
    ],
    [
      [5, 1, 6],
      [6, 6, 1],
    ],
    [
      [33, 4, 35],
      [1, 33, 132],
    ],
    [
      [3, 35, 34],
      [0, 1, 35],
    ],
    [
      [2, 3, 4, 5],
      [1, 40, 2, 8],
    ],
    [
      [4, 5, 6],
      [30, -6, 1],
    ],
  ];
  for (const from of DTYPES) {
    for (const to of DTYPES) {
      it(`converts ${from} to ${to} from any strides`, () => {
        for (const [shape, strides] of layouts) {
          const x = strided(from, shape, strides, seeded(3));
          const out = output(to, shape);
          copy([out], [x], {});
          expect(valuesOf(out)).toEqual(elements(x).map((value) => converted(value, to)));
        }
      });
    }
  }

  it("truncates toward zero", () => {
    const out = output("int32", [4]);
    copy([out], [view(Float32Array.of(2.9, -2.9, -0.5, 0.5), "float32", [4])], {});
    expect(valuesOf(out)).toEqual([2, -2, 0, 0]);
  });

  it("takes NaN and small fractions for true", () => {
    const out = output("bool", [4]);
    copy([out], [view(Float32Array.of(NaN, 0.25, -0, 256), "float32", [4])], {});
    expect(valuesOf(out)).toEqual([1, 1, 0, 1]);
  });
});

describe("gather and scatterAdd", () => {
  const cases = [
    [1, 5, 1, 3],
    [3, 7, 4, 9],
    [2, 4, 50, 6],
  ];
  it("picks rows of every dtype", () => {
    for (const dtype of DTYPES) {
      for (const [outer, n, inner, m] of cases) {
        const random = seeded(n);
        const x = strided(dtype, [outer, n, inner], contiguousStrides([outer, n, inner]), random);
        const index = view(
          Int32Array.from({ length: m + 1 }, () => Math.floor(random() * n)),
          "int32",
          [m],
          [1],
          1,
        );
        const out = output(dtype, [outer, m, inner]);
        expect(gather([out], [x, index], {})).toBeUndefined();
        expect(valuesOf(out)).toEqual(indices([outer, m, inner]).map(([o, i, c]) => at(x, [o, at(index, [i]), c])));
      }
    }
  });

  it("adds rows, repeated indices in order", () => {
    for (const dtype of ["float32", "float64", "int32"] as const) {
      for (const [outer, n, inner, m] of cases) {
        const random = seeded(n);
        const updates = strided(dtype, [outer, m, inner], contiguousStrides([outer, m, inner]), random);
        const index = view(
          Int32Array.from({ length: m + 1 }, () => Math.floor(random() * n)),
          "int32",
          [m],
          [1],
          1,
        );
        const out = output(dtype, [outer, n, inner]);
        expect(scatterAdd([out], [updates, index], {})).toBeUndefined();
        const wanted = filled(dtype, outer * n * inner, () => 0).fill(0);
        for (const [o, i, c] of indices([outer, m, inner])) {
          wanted[(o * n + at(index, [i])) * inner + c] += at(updates, [o, i, c]);
        }
        expect(valuesOf(out)).toEqual([...wanted]);
      }
    }
  });

  it("reports the first index that is out of range", () => {
    const x = view(Float32Array.of(1, 2), "float32", [1, 2, 1]);
    for (const [bad, where] of [
      [[0, 1, 2, -1], 2],
      [[-1, 5], 0],
    ] as const) {
      const index = view(Int32Array.from(bad), "int32", [bad.length]);
      expect(gather([output("float32", [1, bad.length, 1])], [x, index], {})).toBe(where);
      const updates = view(new Float32Array(bad.length), "float32", [1, bad.length, 1]);
      expect(scatterAdd([output("float32", [1, 2, 1])], [updates, index], {})).toBe(where);
    }
  });
});

describe("pad", () => {
  function check(dtype: DType, shape: number[], attrs: PadAttrs): void {
    const padded = shape.map((n, axis) => attrs.before[axis] + n + (n - 1) * attrs.interior[axis] + attrs.after[axis]);
    const x = strided(dtype, shape, contiguousStrides(shape), seeded(2));
    const out = output(dtype, padded);
    pad([out], [x], attrs);
    const wanted = new Array<number>(sizeOf(padded)).fill(dtype === "bool" ? Number(attrs.value !== 0) : attrs.value);
    const strides = contiguousStrides(padded);
    for (const index of indices(shape)) {
      wanted[
        index.reduce((sum, i, axis) => sum + strides[axis] * (attrs.before[axis] + i * (attrs.interior[axis] + 1)), 0)
      ] = at(x, index);
    }
    expect(valuesOf(out)).toEqual(wanted);
  }

  it("pads every dtype at the ends and in between", () => {
    for (const dtype of DTYPES) {
      check(dtype, [5], { before: [2], after: [1], interior: [0], value: 3 });
      check(dtype, [1], { before: [0], after: [0], interior: [4], value: 0 });
      check(dtype, [3, 40], { before: [1, 0], after: [0, 2], interior: [1, 0], value: 1 });
      check(dtype, [3, 4], { before: [0, 1], after: [2, 0], interior: [0, 2], value: 2 });
      check(dtype, [2, 3, 2, 4], { before: [1, 2, 0, 1], after: [0, 1, 3, 0], interior: [2, 0, 1, 0], value: 9 });
    }
  });
});

describe("concat", () => {
  it("joins inputs of every dtype", () => {
    for (const dtype of DTYPES) {
      for (const [outer, lengths, inner] of [
        [1, [2, 3], 1],
        [3, [1, 40, 2], 3],
        [2, [4], 1],
      ] as const) {
        const inputs: View[] = lengths.map((n) =>
          strided(dtype, [outer, n, inner], contiguousStrides([outer, n, inner]), seeded(n)),
        );
        const total = lengths.reduce((a, b) => a + b, 0);
        const out = output(dtype, [outer, total, inner]);
        concat([out], inputs, {});
        const wanted = indices([outer]).flatMap(([o]) =>
          inputs.flatMap((x) => indices([x.shape[1], inner]).map(([r, c]) => at(x, [o, r, c]))),
        );
        expect(valuesOf(out)).toEqual(wanted);
      }
    }
  });
});
