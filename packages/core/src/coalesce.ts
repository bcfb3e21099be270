/** Turns broadcast, strided operands into the fewest axes a kernel has to loop over. */
import type { View } from "./backend.js";
import { type Shape, sameShape } from "./shape.js";
import type { Tensor } from "./tensor.js";

const UNIT: readonly number[] = [1];
const STILL: readonly number[] = [0];

function flat(tensor: Tensor, shape: Shape, strides: readonly number[]): View {
  return { id: tensor.id, dtype: tensor.dtype, shape, strides, offset: tensor.offset };
}

/** A coalesced output and the inputs broadcast to it. */
export interface Plan {
  readonly out: View;
  readonly inputs: readonly View[];
}

/** {@link coalesce} for a contiguous output and the inputs that broadcast to its shape. */
export function coalesceFor(out: Tensor, inputs: readonly Tensor[]): Plan {
  const { size, shape } = out;
  const whole = [size];
  const views: View[] = [];
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i]!;
    if (x.size === 1 || isRepeated(x)) views.push(flat(x, whole, size > 1 ? STILL : UNIT));
    else if (x.contiguous && sameShape(x.shape, shape)) views.push(flat(x, whole, UNIT));
    else {
      const all = coalesce(shape, [out, ...inputs]);
      return { out: all.shift()!, inputs: all };
    }
  }
  return { out: flat(out, whole, UNIT), inputs: views };
}

/** Whether all elements are one and the same, whatever the shape. */
function isRepeated({ strides, shape }: Tensor): boolean {
  for (let i = 0; i < shape.length; i++) if (strides[i] !== 0 && shape[i] !== 1) return false;
  return true;
}

/**
 * Views of `tensors`, stretched to `shape` and with neighbouring axes merged wherever all of them allow it; axes of
 * length 1 vanish. All results have the same shape, of rank ≥ 1.
 */
export function coalesce(shape: Shape, tensors: readonly Tensor[]): View[] {
  const all = tensors.map((tensor) => stretchedStrides(tensor, shape));
  const lengths: number[] = [];
  const merged: number[][] = all.map(() => []);
  for (let axis = 0; axis < shape.length; axis++) {
    const length = shape[axis]!;
    if (length === 1) continue;
    const last = lengths.length - 1;
    const joins = last >= 0 && all.every((strides, t) => merged[t]![last] === strides[axis]! * length);
    if (joins) lengths[last]! *= length;
    else lengths.push(length);
    all.forEach((strides, t) => {
      merged[t]![joins ? last : last + 1] = strides[axis]!;
    });
  }
  if (lengths.length === 0) {
    lengths.push(1);
    for (const strides of merged) strides.push(1);
  }
  return tensors.map((tensor, t) => flat(tensor, lengths, merged[t]!));
}

/** Strides of `tensor` seen with the broadcast `shape`: 0 along stretched and missing axes. */
export function stretchedStrides(tensor: Tensor, shape: Shape): number[] {
  const missing = shape.length - tensor.shape.length;
  const strides = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < tensor.shape.length; i++) {
    if (tensor.shape[i] === shape[missing + i]) strides[missing + i] = tensor.strides[i]!;
  }
  return strides;
}
