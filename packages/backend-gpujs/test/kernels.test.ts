import type { ArgReduceKind, DType, PadAttrs, ReduceKind, RequiredKernels } from "@neurite/core";
import { expect, it } from "vitest";
import {
  contiguous,
  describeModes,
  distance,
  filled,
  plain,
  reference,
  run,
  type Spec,
  seeded,
  strided,
} from "./compare.js";

const DTYPES: DType[] = ["float32", "int32", "bool", "uint8"];

describeModes("kernels", (backend) => {
  function check<K extends keyof RequiredKernels>(
    name: K,
    dtype: DType,
    shape: readonly number[],
    inputs: readonly Spec[],
    attrs: Parameters<RequiredKernels[K]>[2],
    tolerance = 0,
  ): void {
    const wanted = reference(name, dtype, shape, inputs, attrs);
    const actual = run(backend(), name, dtype, shape, inputs, attrs);
    expect(actual.status).toBe(wanted.status);
    expect(actual.values.constructor).toBe(wanted.values.constructor);
    if (distance(actual.values, wanted.values) > tolerance) expect(actual.values).toEqual(wanted.values);
  }

  it("fills every dtype", () => {
    for (const dtype of DTYPES) check("fill", dtype, [3, 4], [], { value: 3 });
    for (const value of [Infinity, NaN, -0, 0.1]) check("fill", "float32", [5], [], { value });
  });

  for (const from of DTYPES) {
    it(`copies ${from} to every dtype from any strides`, () => {
      // biome-ignore format: a table
      const layouts: [number[], number[]][] = [
        [[1], [1]], [[9], [-1]], [[9], [0]], [[9], [3]], [[7, 40], [40, 1]], [[7, 5], [1, 7]], [[4, 5, 6], [30, -6, 1]],
        [[2, 3, 4, 5], [1, 40, 2, 8]], [[2, 1, 3, 2, 2], [1, 5, 2, 0, -6]],
      ];
      for (const to of DTYPES) {
        for (const [shape, strides] of layouts)
          check("copy", to, shape, [strided(from, shape, strides, seeded(3))], {});
      }
    });
  }

  it("truncates toward zero, and NaN to 0", () => {
    const x: Spec = { dtype: "float32", shape: [8], data: [2.9, -2.9, -0.5, 0.5, NaN, Infinity, 300.5, -1] };
    for (const to of DTYPES) check("copy", to, [8], [x], {});
  });

  const shapes = [
    [1, 1, 1],
    [3, 7, 1],
    [1, 2050, 1],
    [2, 5, 3],
    [4, 3, 17],
    [2, 1500, 2],
  ];
  for (const kind of ["sum", "prod", "max", "min"] satisfies ReduceKind[]) {
    it(`reduces by ${kind}`, () => {
      for (const shape of shapes) {
        const x = plain("float32", shape, seeded(5));
        if (kind === "prod")
          check(
            "reduce",
            "float32",
            [shape[0], shape[2]],
            [{ ...x, data: Array.from(x.data, (v) => 1 + v / 64) }],
            { kind },
            2e-5,
          );
        else check("reduce", "float32", [shape[0], shape[2]], [x], { kind }, kind === "sum" ? 3e-6 : 0);
        if (kind === "prod") continue;
        for (const dtype of ["int32", "bool"] as const) {
          if (dtype === "int32" || kind !== "sum")
            check("reduce", dtype, [shape[0], shape[2]], [plain(dtype, shape, seeded(6))], { kind });
        }
      }
    });
  }

  it("hands on NaN and infinities in reductions", () => {
    for (const data of [
      [NaN, 5, 3],
      [1, NaN, 3],
      [1, 5, NaN],
      [-Infinity, -Infinity, -Infinity],
      [Infinity, 1, 2],
    ]) {
      const x: Spec = { dtype: "float32", shape: [1, 3, 1], data };
      for (const kind of ["sum", "max", "min"] as const) check("reduce", "float32", [1, 1], [x], { kind });
      for (const kind of ["argMax", "argMin"] as const) check("argReduce", "int32", [1, 1], [x], { kind });
    }
  });

  for (const kind of ["argMax", "argMin"] satisfies ArgReduceKind[]) {
    it(`finds the ${kind}, the first of several`, () => {
      for (const dtype of DTYPES) {
        for (const shape of shapes)
          check("argReduce", "int32", [shape[0], shape[2]], [plain(dtype, shape, seeded(9))], { kind });
      }
    });
  }

  it("multiplies matrices of many sizes", () => {
    const random = seeded(11);
    for (const m of [1, 3, 17, 40]) {
      for (const k of [1, 3, 17, 40]) {
        for (const n of [1, 3, 17, 40]) {
          // Sums of 40 products of up to 16: rounding of each step to float32 leaves 1e-5 of that at worst.
          check(
            "matmul",
            "float32",
            [1, m, n],
            [plain("float32", [1, m, k], random), plain("float32", [1, k, n], random)],
            {},
            1e-5,
          );
        }
      }
    }
  });

  it("multiplies batches with any strides, negative and zero ones too", () => {
    const random = seeded(12);
    const [b, m, k, n] = [3, 5, 6, 7];
    const left = [
      [m * k, k, 1],
      [m * k, 1, m],
      [0, k, 1],
      [-m * k, -k, -1],
      [3, 0, 5],
    ];
    const right = [
      [k * n, n, 1],
      [k * n, 1, k],
      [0, n, 1],
      [0, -1, 2 * k],
    ];
    for (const x of left) {
      for (const y of right) {
        const inputs = [strided("float32", [b, m, k], x, random), strided("float32", [b, k, n], y, random)];
        check("matmul", "float32", [b, m, n], inputs, {}, 1e-5);
      }
    }
    const integers = [plain("int32", [2, 5, 6], random), strided("int32", [2, 6, 7], [42, 1, 6], random)];
    const small = integers.map((x) => ({ ...x, data: Array.from(x.data, (v) => v % 100) }));
    check("matmul", "int32", [2, 5, 7], small, {});
  });

  const cases = [
    [1, 5, 1, 3],
    [3, 7, 4, 9],
    [2, 4, 50, 6],
  ];
  it("gathers rows of every dtype and adds them back", () => {
    for (const dtype of DTYPES) {
      for (const [outer, n, inner, m] of cases) {
        const random = seeded(n);
        const data = Array.from({ length: m + 1 }, () => Math.floor(random() * n));
        const index: Spec = { dtype: "int32", shape: [m], offset: 1, data };
        check("gather", dtype, [outer, m, inner], [plain(dtype, [outer, n, inner], random), index], {});
        if (dtype === "float32" || dtype === "int32") {
          check("scatterAdd", dtype, [outer, n, inner], [plain(dtype, [outer, m, inner], random), index], {}, 1e-6);
        }
      }
    }
  });

  it("adds more updates to one place than gpu.js loops by default", () => {
    const updates: Spec = { dtype: "float32", shape: [1, 1500, 1], data: new Float32Array(1500).fill(1) };
    const index: Spec = { dtype: "int32", shape: [1500], data: new Int32Array(1500).fill(2) };
    expect([...run(backend(), "scatterAdd", "float32", [1, 4, 1], [updates, index], {}).values]).toEqual([
      0, 0, 1500, 0,
    ]);
  });

  it("reports the first index that is out of range", () => {
    const x: Spec = { dtype: "float32", shape: [1, 2, 1], data: [1, 2] };
    for (const data of [
      [0, 1, 2, -1],
      [-1, 5],
    ]) {
      const index: Spec = { dtype: "int32", shape: [data.length], data };
      check("gather", "float32", [1, data.length, 1], [x, index], {});
      const updates: Spec = { dtype: "float32", shape: [1, data.length, 1], data };
      check("scatterAdd", "float32", [1, 2, 1], [updates, index], {});
    }
  });

  it("pads every dtype at the ends and in between", () => {
    const paddings: [number[], PadAttrs][] = [
      [[5], { before: [2], after: [1], interior: [0], value: 3 }],
      [[4], { before: [0], after: [0], interior: [0], value: 3 }],
      [[1], { before: [0], after: [0], interior: [4], value: 0 }],
      [[3, 40], { before: [1, 0], after: [0, 2], interior: [1, 0], value: 1 }],
      [[3, 4], { before: [0, 1], after: [2, 0], interior: [0, 2], value: 2 }],
      [[2, 3, 2, 4], { before: [1, 2, 0, 1], after: [0, 1, 3, 0], interior: [2, 0, 1, 0], value: 9 }],
      [[2, 1, 2, 2, 3], { before: [0, 2, 0, 1, 0], after: [1, 0, 0, 0, 0], interior: [0, 0, 1, 0, 2], value: 5 }],
    ];
    for (const dtype of DTYPES) {
      for (const [shape, attrs] of paddings) {
        const padded = shape.map((n, i) => attrs.before[i] + n + (n - 1) * attrs.interior[i] + attrs.after[i]);
        check("pad", dtype, padded, [plain(dtype, shape, seeded(2))], attrs);
      }
    }
    const negative: PadAttrs = { before: [1], after: [1], interior: [0], value: -Infinity };
    check("pad", "float32", [4], [plain("float32", [2], seeded(2))], negative);
  });

  it("joins one to nine inputs of every dtype", () => {
    for (const dtype of DTYPES) {
      for (const [outer, lengths, inner] of [
        [1, [2, 3], 1],
        [3, [1, 40, 2], 3],
        [2, [4], 1],
        [2, [1, 2, 3, 4, 5, 6, 7, 8, 9], 2],
      ] as const) {
        const inputs = lengths.map((n): Spec => plain(dtype, [outer, n, inner], seeded(n)));
        const total = lengths.reduce<number>((a, b) => a + b, 0);
        check("concat", dtype, [outer, total, inner], inputs, {});
      }
    }
  });

  it("leaves its inputs as they were", () => {
    const data = filled("float32", 12, seeded(1));
    const id = backend().alloc("float32", 12);
    backend().write(id, data);
    const x = { id, dtype: "float32", shape: [1, 12, 1], strides: contiguous([1, 12, 1]), offset: 0 } as const;
    const out = { ...x, id: backend().alloc("float32", 1), shape: [1, 1], strides: [1, 1] };
    backend().kernels.reduce([out], [x], { kind: "sum" });
    expect(backend().readSync(id, 0, 12)).toEqual(data);
  });
});
