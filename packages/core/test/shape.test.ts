import {
  broadcastShapes,
  contiguousStrides,
  expectSameShape,
  expectShape,
  formatShape,
  isContiguous,
  normalizeAxes,
  normalizeAxis,
  sameShape,
  sizeOf,
} from "@neurite/core";
import { describe, expect, it } from "vitest";
import { thrown } from "./device.js";

describe("sizes and strides", () => {
  it("count elements, 1 for a scalar and 0 with an empty axis", () => {
    expect([sizeOf([2, 3]), sizeOf([]), sizeOf([2, 0, 3])]).toEqual([6, 1, 0]);
  });

  it("are row-major", () => {
    expect(contiguousStrides([2, 3, 4])).toEqual([12, 4, 1]);
    expect(contiguousStrides([])).toEqual([]);
  });

  it("call strides contiguous whatever axes of length 1 say, and empty tensors always", () => {
    expect(isContiguous([2, 3], [3, 1])).toBe(true);
    expect(isContiguous([2, 1, 3], [3, 99, 1])).toBe(true);
    expect(isContiguous([2, 0], [7, 7])).toBe(true);
    expect(isContiguous([2, 3], [1, 2])).toBe(false);
    expect(isContiguous([2, 3], [6, 2])).toBe(false);
    expect(isContiguous([3], [-1])).toBe(false);
    expect(isContiguous([3], [0])).toBe(false);
  });

  it("compare and print shapes", () => {
    expect(sameShape([2, 3], [2, 3])).toBe(true);
    expect(sameShape([2, 3], [2, 3, 1])).toBe(false);
    expect(sameShape([2, 3], [3, 2])).toBe(false);
    expect(formatShape([2, 3])).toBe("[2, 3]");
    expect(formatShape([])).toBe("[]");
  });
});

describe("broadcasting", () => {
  it("aligns at the last axis and stretches 1", () => {
    expect(broadcastShapes("add", [2, 3], [3])).toEqual([2, 3]);
    expect(broadcastShapes("add", [3, 1], [1, 4])).toEqual([3, 4]);
    expect(broadcastShapes("add", [], [2, 2])).toEqual([2, 2]);
    expect(broadcastShapes("add", [5, 1, 3], [4, 1])).toEqual([5, 4, 3]);
  });

  it("stretches 1 to an empty axis", () => {
    expect(broadcastShapes("add", [0, 3], [1, 3])).toEqual([0, 3]);
    expect(broadcastShapes("add", [1], [0])).toEqual([0]);
  });

  it("refuses other lengths and names axis and both shapes", () => {
    const error = thrown(() => broadcastShapes("add", [2, 3], [4, 3, 2]));
    expect(error.code).toBe("ERR_SHAPE");
    expect(error.message).toBe(
      "add: operands expects shapes that broadcast (equal lengths or 1, aligned at the last axis), but received [2, 3] and [4, 3, 2], which differ at axis -1: 3 and 2. Reshape or expand one of them.",
    );
    expect(thrown(() => broadcastShapes("add", [0], [2])).code).toBe("ERR_SHAPE");
    expect(thrown(() => broadcastShapes("add", [2], [0])).code).toBe("ERR_SHAPE");
  });
});

describe("axes", () => {
  it("count from either end", () => {
    expect([normalizeAxis("f", 0, 3), normalizeAxis("f", -1, 3), normalizeAxis("f", 2, 3)]).toEqual([0, 2, 2]);
    expect(normalizeAxes("f", [-1, 0], 3)).toEqual([0, 2]);
    expect(normalizeAxes("f", undefined, 2)).toEqual([0, 1]);
    expect(normalizeAxes("f", 1, 2)).toEqual([1]);
    expect(normalizeAxes("f", [], 2)).toEqual([]);
  });

  it.each([3, -4, 0.5, Number.NaN])("refuse %s of three", (axis) => {
    const error = thrown(() => normalizeAxis("sum", axis, 3));
    expect(error.code).toBe("ERR_INDEX");
    expect(error.message).toContain(`an integer from -3 to 2, but received ${axis}`);
  });

  it("refuse any axis of a scalar", () => {
    expect(thrown(() => normalizeAxis("sum", 0, 0)).message).toContain("no axis, since the tensor is a scalar");
  });

  it("refuse one named twice, also from different ends", () => {
    expect(thrown(() => normalizeAxes("sum", [1, -1], 2)).message).toContain("Axis 1 is named twice");
  });
});

describe("expectations", () => {
  it("refuse negative and fractional lengths", () => {
    expect(thrown(() => expectShape("full", [2, -1])).code).toBe("ERR_SHAPE");
    expect(thrown(() => expectShape("full", [0.5])).code).toBe("ERR_SHAPE");
    expectShape("full", [0, 3]);
  });

  it("refuse another shape by name", () => {
    expect(thrown(() => expectSameShape("assign", "value", [2], [3])).message).toContain(
      "assign: value expects shape [2], but received [3]",
    );
  });
});
