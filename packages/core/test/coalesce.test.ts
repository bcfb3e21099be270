import { coalesce, permute, type Tensor, tensor } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { freshDevice } from "./device.js";

freshDevice();

const numbered = (...shape: number[]): Tensor =>
  tensor(
    new Float32Array(shape.reduce((a, b) => a * b, 1)).map((_, i) => i),
    { shape },
  );

/** All elements of a view in row-major order of its shape. */
function elements({ id, shape, strides, offset }: ReturnType<typeof coalesce>[number]): number[] {
  let positions = [offset];
  shape.forEach((length, axis) => {
    positions = positions.flatMap((p) => Array.from({ length }, (_, i) => p + i * strides[axis]));
  });
  return positions.map((p) => (id as Float32Array)[p]);
}

describe("coalescing", () => {
  it("makes one axis of contiguous operands", () => {
    const views = coalesce([2, 3, 4], [numbered(2, 3, 4), numbered(2, 3, 4)]);
    expect(views.map(({ shape, strides }) => [shape, strides])).toEqual([
      [[24], [1]],
      [[24], [1]],
    ]);
  });

  it("gives one element stride 0 beside many", () => {
    const [, one] = coalesce([2, 3], [numbered(2, 3), numbered()]);
    expect([one.shape, one.strides]).toEqual([[6], [0]]);
  });

  it("keeps axes apart where an operand is stretched, and merges the others", () => {
    const views = coalesce([2, 3, 4], [numbered(2, 3, 4), numbered(3, 4)]);
    expect(views.map(({ shape, strides }) => [shape, strides])).toEqual([
      [
        [2, 12],
        [12, 1],
      ],
      [
        [2, 12],
        [0, 1],
      ],
    ]);
  });

  it("drops axes of length 1", () => {
    const x = permute(numbered(1, 3, 1, 2), [1, 0, 3, 2]);
    expect(coalesce([3, 1, 2, 1], [x])[0]).toMatchObject({ shape: [6], strides: [1] });
    const part = permute(numbered(2, 3, 4).slice([[0, 1], null, [0, 2]]), [1, 0, 2]);
    expect(part.strides).toEqual([4, 12, 1]);
    expect(coalesce([3, 1, 2], [part])[0]).toMatchObject({ shape: [3, 2], strides: [4, 1] });
  });

  it("keeps a transposed operand's axes", () => {
    const [view] = coalesce([4, 3], [permute(numbered(3, 4), [1, 0])]);
    expect([view.shape, view.strides]).toEqual([
      [4, 3],
      [1, 4],
    ]);
  });

  it("merges axes that run backwards together", () => {
    const [view] = coalesce([2, 3], [numbered(2, 3).flip([0, 1])]);
    expect([view.shape, view.strides, view.offset]).toEqual([[6], [-1], 5]);
  });

  it("gives a scalar one axis", () => {
    expect(coalesce([], [numbered()])[0].shape).toEqual([1]);
    expect(coalesce([1, 1], [numbered(1, 1).transpose()])[0].shape).toEqual([1]);
  });

  it("never changes which elements are read, in which order", () => {
    const cases: [number[], Tensor][] = [
      [[2, 3, 4], numbered(2, 3, 4)],
      [[4, 2, 3], permute(numbered(2, 3, 4), [2, 0, 1])],
      [[2, 3, 2], numbered(2, 3, 4).slice([null, null, [1, null, 2]])],
      [[2, 3, 4], numbered(2, 3, 4).flip([0, 2])],
    ];
    for (const [shape, x] of cases) {
      const [alone] = coalesce(shape, [x]);
      const [, beside] = coalesce(shape, [numbered(...shape), x]);
      const expected = Array.from(x.dataSync());
      expect(elements(alone)).toEqual(expected);
      expect(elements(beside)).toEqual(expected);
    }
    const stretched = coalesce([2, 3], [numbered(2, 3), numbered(2, 1)])[1];
    expect(elements(stretched)).toEqual([0, 0, 0, 1, 1, 1]);
  });
});
