/** Matrix products. */
import type { View } from "../backend.js";
import { stretchedStrides } from "../coalesce.js";
import { dispatch } from "../dispatch.js";
import { expectArithmetic, expectSameDType } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { defineOp, OuterProduct } from "../op.js";
import { composite } from "../scope.js";
import { broadcastShapes, formatShape, type Shape, sizeOf } from "../shape.js";
import { allocateTensor, expectTensor, type Tensor } from "../tensor.js";
import { copyInto } from "./copy.js";
import { fillTensor } from "./create.js";
import { sumTo } from "./reduce.js";
import { reshape, squeeze, transpose, unsqueeze } from "./views.js";

const NO_ATTRS = {};

const matmulOp = /* @__PURE__ */ defineOp<Record<string, never>>({
  name: "matmul",
  infer([a, b]) {
    expectSameDType("matmul", "b", a!.dtype, b!.dtype);
    expectArithmetic("matmul", "a", a!.dtype);
    const k = a!.shape[a!.rank - 1];
    if (k !== b!.shape[b!.rank - 2]) {
      throw new ShapeError({
        op: "matmul",
        argument: "b",
        expected: `${k} rows, as a ${formatShape(a!.shape)} has ${k} columns`,
        received: `${formatShape(b!.shape)} with ${b!.shape[b!.rank - 2]}`,
        remedy: "The inner lengths must agree; transpose one of them if it is stored the other way.",
      });
    }
    const [m, n] = [a!.shape[a!.rank - 2]!, b!.shape[b!.rank - 1]!];
    if (a!.rank === 2 && b!.rank === 2) return [{ shape: [m, n], dtype: a!.dtype }];
    const batch = broadcastShapes("matmul", a!.shape.slice(0, -2), b!.shape.slice(0, -2));
    return [{ shape: [...batch, m, n], dtype: a!.dtype }];
  },
  lower(device, [out], [a, b]) {
    if (out!.size === 0) return;
    if (a!.size === 0) return fillTensor(out!, 0);
    device.expectReduction("matmul", a!.shape[a!.rank - 1]!);
    if (out!.rank === 2) {
      device.backend.kernels.matmul([asBatch(out!)], [asBatch(a!), asBatch(b!)], NO_ATTRS);
      return;
    }
    const batch = out!.shape.slice(0, -2);
    const left = batchView(a!, batch);
    const right = batchView(b!, batch);
    const target = batchView(out!, batch).view;
    device.backend.kernels.matmul([target], [left.view, right.view], NO_ATTRS);
    left.temporary?.dispose();
    right.temporary?.dispose();
  },
  vjp: ({ inputs: [a, b], dy: [dy], needs }) => [
    needs[0] ? sumTo(matmul(dy!, transpose(b!)), a!.shape) : null,
    needs[1] ? (a!.rank === 2 ? new OuterProduct(a!, dy!) : sumTo(matmul(transpose(a!), dy!), b!.shape)) : null,
  ],
  saves: (_, [a, b]) => ({ inputs: a && b ? [0, 1] : a ? [1] : [0] }),
});

/** A matrix as a batch of one. */
function asBatch({ id, dtype, shape, strides, offset }: Tensor): View {
  return { id, dtype, shape: [1, shape[0]!, shape[1]!], strides: [0, strides[0]!, strides[1]!], offset };
}

/** `x` [..., r, c] as [batch, r, c] with one batch stride; a copy where the batch axes do not merge into one. */
function batchView(x: Tensor, batch: Shape): { view: View; temporary: Tensor | null } {
  const [r, c] = x.shape.slice(-2) as [number, number];
  const [rowStride, columnStride] = x.strides.slice(-2) as [number, number];
  const strides = stretchedStrides(x, [...batch, r, c]).slice(0, -2);
  const stride = mergedStride(batch, strides);
  if (stride === null) {
    const full = [...batch, r, c];
    const temporary = allocateTensor(x.device, full, x.dtype);
    copyInto(temporary, x);
    return { view: batchView(temporary, batch).view, temporary };
  }
  const view: View = {
    id: x.id,
    dtype: x.dtype,
    shape: [sizeOf(batch), r, c],
    strides: [stride, rowStride, columnStride],
    offset: x.offset,
  };
  return { view, temporary: null };
}

/** The single stride that walks all batch axes in order, or null when there is none. */
function mergedStride(shape: Shape, strides: Shape): number | null {
  let stride: number | null = null;
  let span = 0;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] === 1) continue;
    if (stride === null) stride = strides[i]!;
    else if (strides[i] !== span) return null;
    span = strides[i]! * shape[i]!;
  }
  return stride ?? 0;
}

/**
 * Matrix product [..., m, k] · [..., k, n] → [..., m, n]; leading axes broadcast. A vector counts as a row on the left and
 * as a column on the right, and that axis is dropped from the result.
 * @throws ShapeError when the inner lengths differ
 * @example
 * matmul(tensor([[1, 2]]), tensor([[3], [4]]))   // [[11]]
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  expectTensor("matmul", "a", a);
  expectTensor("matmul", "b", b);
  if (a.rank === 0 || b.rank === 0) {
    throw new ShapeError({
      op: "matmul",
      argument: a.rank === 0 ? "a" : "b",
      expected: "at least one axis",
      received: "a scalar",
      remedy: "Use mul to scale.",
    });
  }
  if (a.rank === 1) return composite("matmul", () => squeeze(matmul(unsqueeze(a, 0), b), b.rank === 1 ? 0 : -2));
  if (b.rank === 1) return composite("matmul", () => squeeze(matmul(a, unsqueeze(b, 1)), -1));
  // one tall product instead of many small ones, and a weight gradient without a batch of copies
  if (a.rank > 2 && b.rank === 2 && a.shape[a.rank - 1] === b.shape[0]) {
    const columns = a.shape[a.rank - 1]!;
    const leading = a.shape.slice(0, -1);
    return composite("matmul", () =>
      reshape(matmul(reshape(a, [sizeOf(leading), columns]), b), [...leading, b.shape[1]!]),
    );
  }
  return dispatch(matmulOp, [a, b], NO_ATTRS)[0]!;
}
