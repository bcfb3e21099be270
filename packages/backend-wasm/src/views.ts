/** Addresses of views, and walks over their outer axes. */
import { contiguousStrides, type DType, sizeOf, type View } from "@neurite/core";
import type { Engine } from "./engine.js";
import { elementBytes } from "./lanes.js";
import type { Pack } from "./packs.js";

/** A storage of this backend, and its own id. */
export interface Block {
  readonly pointer: number;
  readonly bytes: number;
  readonly dtype: DType;
  /** Matrices in it that products have packed, if any. */
  packs: Pack[] | null;
}

/** A block at an address, seen as a contiguous tensor. */
export function viewAt(pointer: number, dtype: DType, shape: readonly number[]): View & { readonly id: Block } {
  const bytes = sizeOf(shape) * elementBytes(dtype);
  return { id: { pointer, bytes, dtype, packs: null }, dtype, shape, strides: contiguousStrides(shape), offset: 0 };
}

/** Address of a view's first element. */
export function addressOf(view: View): number {
  return (view.id as Block).pointer + view.offset * elementBytes(view.dtype);
}

/** The float32 numbers of the memory at an address, until it grows. */
export function floatsAt(engine: Engine, address: number, length: number): Float32Array {
  return new Float32Array(engine.heap.memory.buffer, address, length);
}

/**
 * Calls `fn` with the addresses of `views` at each index of the first `axes` axes of `shape`. The strides of the views must
 * be those of the shape.
 */
export function forEachOuter(
  shape: readonly number[],
  axes: number,
  views: readonly View[],
  fn: (addresses: readonly number[]) => void,
): void {
  const addresses = views.map(addressOf);
  const steps = views.map((view) => view.strides.map((stride) => stride * elementBytes(view.dtype)));
  const index = new Array<number>(axes).fill(0);
  for (;;) {
    fn(addresses);
    let axis = axes - 1;
    for (; axis >= 0; axis--) {
      if (++index[axis]! < shape[axis]!) {
        for (let i = 0; i < addresses.length; i++) addresses[i]! += steps[i]![axis]!;
        break;
      }
      index[axis] = 0;
      for (let i = 0; i < addresses.length; i++) addresses[i]! -= steps[i]![axis]! * (shape[axis]! - 1);
    }
    if (axis < 0) return;
  }
}
