/** Joining and cutting along an axis. */
import type { View } from "../backend.js";
import { dispatch } from "../dispatch.js";
import { expectSameDType } from "../dtype.js";
import { ShapeError, UnsupportedError, ValueError } from "../errors.js";
import { describeValue, expectInteger, expectIntegers } from "../expect.js";
import { defineOp } from "../op.js";
import { composite } from "../scope.js";
import { formatShape, normalizeAxis, sizeOf } from "../shape.js";
import { expectTensor, expectTensors, type Tensor } from "../tensor.js";
import { withPacked } from "./copy.js";
import { slice, squeeze, unsqueeze } from "./views.js";

const concatOp = /* @__PURE__ */ defineOp<{ readonly axis: number }>({
  name: "concat",
  infer(inputs, { axis }) {
    const first = inputs[0]!;
    let total = 0;
    for (const [i, x] of inputs.entries()) {
      expectSameDType("concat", `tensors[${i}]`, first.dtype, x.dtype);
      const fits = x.rank === first.rank && x.shape.every((length, k) => k === axis || length === first.shape[k]);
      if (!fits) {
        throw new ShapeError({
          op: "concat",
          argument: `tensors[${i}]`,
          expected: `the shape ${formatShape(first.shape)} of tensors[0], except along axis ${axis}`,
          received: formatShape(x.shape),
          remedy: "Pad or reshape it.",
        });
      }
      total += x.shape[axis]!;
    }
    return [{ shape: first.shape.toSpliced(axis, 1, total), dtype: first.dtype }];
  },
  lower(device, [out], inputs, { axis }) {
    if (out!.size === 0) return;
    const outer = sizeOf(out!.shape.slice(0, axis));
    const inner = sizeOf(out!.shape.slice(axis + 1));
    const cube = (x: Tensor): View => {
      const n = x.shape[axis]!;
      const { id, dtype, offset } = x;
      return { id, dtype, offset, shape: [outer, n, inner], strides: [n * inner, inner, 1] };
    };
    const filled = inputs.filter((x) => x.size > 0);
    withPacked(filled, (ready) => device.backend.kernels.concat([cube(out!)], ready.map(cube), {}));
  },
  vjp: ({ attrs: { axis }, inputs, dy: [dy] }) =>
    split(
      dy!,
      inputs.map((x) => x.shape[axis]!),
      axis,
    ),
});

function expectSome(op: string, tensors: readonly Tensor[]): void {
  expectTensors(op, "tensors", tensors);
  if (tensors.length === 0) {
    throw new ValueError({
      op,
      argument: "tensors",
      expected: "at least one tensor",
      received: "an empty list",
      remedy: "There is no shape to give the result.",
    });
  }
}

/** Tensors of one rank joined along an existing axis. @throws ShapeError when another axis differs */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  expectSome("concat", tensors);
  const at = normalizeAxis("concat", axis, tensors[0]!.rank);
  return tensors.length === 1 ? tensors[0]! : dispatch(concatOp, tensors, { axis: at })[0]!;
}

/** Tensors of one shape joined along a new axis. */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  expectSome("stack", tensors);
  const at = normalizeAxis("stack", axis, tensors[0]!.rank + 1);
  return composite("stack", () =>
    concat(
      tensors.map((tensor) => unsqueeze(tensor, at)),
      at,
    ),
  );
}

/**
 * A tensor cut along an axis into parts of the given lengths (views), or into `parts` equal ones.
 * @throws ShapeError when the lengths do not add up
 */
export function split(x: Tensor, parts: number | readonly number[], axis = 0): Tensor[] {
  expectTensor("split", "x", x);
  const at = normalizeAxis("split", axis, x.rank);
  const total = x.shape[at]!;
  const lengths = lengthsOf(parts, total, axis);
  return lengths.length < 2 ? lengths.map(() => x) : dispatch(splitOp, [x], { axis: at, lengths });
}

/** Most tensors that one call makes: each has a handle on the host, so a longer axis would fill its memory with them. */
const MOST_PARTS = 2 ** 20;

function lengthsOf(parts: number | readonly number[], total: number, axis: number): readonly number[] {
  const equal = typeof parts === "number";
  if (equal) expectInteger("split", "parts", parts, 0);
  else expectIntegers("split", "parts", parts, 0);
  const count = equal ? parts : parts.length;
  if (count > MOST_PARTS) {
    throw new UnsupportedError({
      op: "split",
      argument: "parts",
      expected: `at most ${MOST_PARTS} of them`,
      received: String(count),
      remedy: "Work on the tensor as a whole, or take slices of it.",
    });
  }
  if (equal && count > 0 && total % count === 0) return new Array<number>(count).fill(total / count);
  if (!equal && parts.reduce((a, b) => a + b, 0) === total) return parts;
  throw new ShapeError({
    op: "split",
    argument: "parts",
    expected: `whole lengths that add up to ${total}, the length of axis ${axis}`,
    received: describeValue(parts),
  });
}

/** One op, so that the parts' gradients are joined once instead of each being padded to the whole and added. */
const splitOp = /* @__PURE__ */ defineOp<{ readonly axis: number; readonly lengths: readonly number[] }>({
  name: "split",
  infer: ([x], { axis, lengths }) =>
    lengths.map((length) => ({ shape: x!.shape.toSpliced(axis, 1, length), dtype: x!.dtype })),
  compose([x], { axis, lengths }) {
    let start = 0;
    return lengths.map((length) => {
      const from = start;
      start += length;
      return slice(x!, [...new Array<null>(axis).fill(null), [from, start]]);
    });
  },
  vjp: ({ attrs: { axis }, dy }) => [concat(dy, axis)],
});

/** The elements along an axis, each without that axis (views): the inverse of {@link stack}. */
export function unstack(x: Tensor, axis = 0): Tensor[] {
  expectTensor("unstack", "x", x);
  const at = normalizeAxis("unstack", axis, x.rank);
  return composite("unstack", () => split(x, x.shape[at]!, at).map((part) => squeeze(part, at)));
}
