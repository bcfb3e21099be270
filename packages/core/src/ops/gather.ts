/** Selection by integer indices, and its gradient. */
import type { View } from "../backend.js";
import { badIndex, dispatch } from "../dispatch.js";
import { expectArithmetic, expectIndex, isFloat } from "../dtype.js";
import { elementwise } from "../elementwise.js";
import { IndexError } from "../errors.js";
import { e } from "../expression.js";
import { defineOp } from "../op.js";
import { composite } from "../scope.js";
import { expectSameShape, expectShape, normalizeAxis, type Shape, sizeOf } from "../shape.js";
import { expectTensor, type Tensor } from "../tensor.js";
import { withPacked } from "./copy.js";
import { arange, fillTensor } from "./create.js";
import { mul } from "./elementwise.js";
import { reshape } from "./views.js";

interface GatherAttrs {
  readonly axis: number;
}

/** Views of the three tensors as [outer, n, inner], [m] and [outer, m, inner]. */
function gatherViews(source: Tensor, indices: Tensor, picked: Tensor, axis: number): [View, View, View] {
  const outer = sizeOf(source.shape.slice(0, axis));
  const inner = sizeOf(source.shape.slice(axis + 1));
  const cube = (x: Tensor, n: number): View => ({
    id: x.id,
    dtype: x.dtype,
    offset: x.offset,
    shape: [outer, n, inner],
    strides: [n * inner, inner, 1],
  });
  const { id, dtype, offset, size } = indices;
  const list: View = { id, dtype, offset, shape: [size], strides: [1] };
  return [cube(source, source.shape[axis]!), list, cube(picked, size)];
}

/** Refuses host-made indices whose range is known; others are checked by the kernel. */
export function expectRange(op: string, indices: Tensor, length: number): void {
  const { range } = indices.storage;
  // a view may leave out the extreme element, so only a whole storage is judged by its range
  if (!range || indices.size !== indices.storage.length) return;
  const bad = range[0] < 0 ? range[0] : range[1] >= length ? range[1] : null;
  if (bad !== null) {
    throw new IndexError({
      op,
      argument: "indices",
      expected: `integers from 0 to ${length - 1}`,
      received: String(bad),
      remedy: `The indexed axis has length ${length}.`,
    });
  }
}

const gatherOp = /* @__PURE__ */ defineOp<GatherAttrs>({
  name: "gather",
  infer([x, indices], { axis }) {
    expectIndex("gather", "indices", indices!.dtype);
    expectRange("gather", indices!, x!.shape[axis]!);
    return [{ shape: x!.shape.toSpliced(axis, 1, ...indices!.shape), dtype: x!.dtype }];
  },
  lower(device, [out], inputs, { axis }) {
    if (inputs[1]!.size > 0 && inputs[0]!.shape[axis] === 0) throw badIndex("gather", 0);
    if (out!.size === 0) return;
    withPacked(inputs, ([x, indices]) => {
      const [source, list, picked] = gatherViews(x!, indices!, out!, axis);
      const status = device.backend.kernels.gather([picked], [source, list], {});
      if (typeof status === "number") throw badIndex("gather", status);
    });
  },
  vjp: ({ attrs: { axis }, inputs: [x, indices], dy: [dy] }) => [
    dispatch(scatterAddOp, [dy!, indices!], { axis, shape: x!.shape })[0]!,
    null,
  ],
  saves: { inputs: [1] },
});

const scatterAddOp = /* @__PURE__ */ defineOp<GatherAttrs & { readonly shape: Shape }>({
  name: "scatterAdd",
  infer([updates, indices], { axis, shape }) {
    expectArithmetic("scatterAdd", "updates", updates!.dtype);
    expectIndex("scatterAdd", "indices", indices!.dtype);
    expectSameShape("scatterAdd", "updates", shape.toSpliced(axis, 1, ...indices!.shape), updates!.shape);
    expectRange("scatterAdd", indices!, shape[axis]!);
    return [{ shape, dtype: updates!.dtype }];
  },
  lower(device, [out], inputs, { axis }) {
    if (inputs[1]!.size > 0 && out!.shape[axis] === 0) throw badIndex("scatterAdd", 0);
    if (out!.size === 0) return;
    if (inputs[0]!.size === 0) return fillTensor(out!, 0);
    withPacked(inputs, ([updates, indices]) => {
      const [target, list, source] = gatherViews(out!, indices!, updates!, axis);
      const status = device.backend.kernels.scatterAdd([target], [source, list], {});
      if (typeof status === "number") throw badIndex("scatterAdd", status);
    });
  },
  vjp: ({ attrs: { axis }, inputs: [updates, indices], dy: [dy] }) => [
    isFloat(updates!.dtype) ? gather(dy!, indices!, axis) : null,
    null,
  ],
  saves: { inputs: [1] },
});

/**
 * The slices of `x` at `indices` along `axis`: [..., n, ...] and indices [i, j] give [..., i, j, ...].
 * @param indices int32 of any shape
 * @throws IndexError for an index below 0 or ≥ n
 * @example
 * gather(table, tensor(new Int32Array([2, 0])))   // rows 2 and 0
 */
export function gather(x: Tensor, indices: Tensor, axis = 0): Tensor {
  expectTensor("gather", "x", x);
  expectTensor("gather", "indices", indices);
  return dispatch(gatherOp, [x, indices], { axis: normalizeAxis("gather", axis, x.rank) })[0]!;
}

/**
 * Zeros of `shape` with the slices of `updates` added at `indices` along `axis`, in order; the transpose of {@link gather}.
 * @throws DTypeError for bool or uint8, which have no sum, IndexError for an index out of range
 */
export function scatterAdd(updates: Tensor, indices: Tensor, shape: Shape, axis = 0): Tensor {
  expectTensor("scatterAdd", "updates", updates);
  expectTensor("scatterAdd", "indices", indices);
  expectShape("scatterAdd", shape);
  return dispatch(scatterAddOp, [updates, indices], {
    axis: normalizeAxis("scatterAdd", axis, shape.length),
    shape,
  })[0]!;
}

/** start + i for 0 ≤ i < n, else −1, which no kernel accepts: a bad index must not reach into the next row. */
const rowIndex = /* @__PURE__ */ elementwise("rowIndex", 2, 1, (i, start, n) =>
  e.select(e.and(e.ge(i, 0), e.lt(i, n)), e.add(i, start), -1),
);

/**
 * One element of each row along the last axis: x [..., n] and indices [...] give [...].
 * @throws ShapeError when the leading axes differ, IndexError for an index out of range
 */
export function pick(x: Tensor, indices: Tensor): Tensor {
  expectTensor("pick", "x", x);
  expectTensor("pick", "indices", indices);
  expectIndex("pick", "indices", indices.dtype);
  const n = normalizeAxis("pick", -1, x.rank);
  const rows = x.shape.slice(0, n);
  expectSameShape("pick", "indices", rows, indices.shape);
  expectRange("pick", indices, x.shape[n]!);
  return composite("pick", () => {
    const starts = mul(arange(0, indices.size, 1, { device: x.device }), x.shape[n]!);
    const flat = rowIndex([reshape(indices, [indices.size]), starts], [x.shape[n]!]);
    return reshape(gather(reshape(x, [x.size]), flat), rows);
  });
}
