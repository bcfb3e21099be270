/** Padding one axis after the other: any rank with one kernel, and most paddings touch one or two axes. */
import type { Kernel, PadAttrs } from "@neurite/core";
import type { Handle } from "../gpu.js";
import type { Launcher } from "../launcher.js";
import { handleOf, storageOf } from "../storage.js";

/** Input `[outer, n, inner]`, `step` apart in the output's `length` positions along the axis, the first at `before`. */
const SOURCE = `function (x, offset, n, inner, length, before, step, value) {
  const row = Math.floor(this.thread.x / inner);
  const outer = Math.floor(row / length);
  const place = row - outer * length - before;
  const i = Math.floor(place / step);
  if (place < 0 || i >= n || i * step !== place) return value;
  return x[offset + (outer * n + i) * inner + this.thread.x - row * inner];
}`;

export const pad =
  (launcher: Launcher): Kernel<PadAttrs> =>
  ([out], [x], attrs) => {
    const value = out.dtype === "bool" ? Number(attrs.value !== 0) : attrs.value;
    const shape = [...x.shape];
    let from: Handle = handleOf(x);
    let offset = x.offset;
    let temporary = false;
    const axes = shape.map((_, axis) => axis).filter((axis) => out.shape[axis] !== shape[axis]);
    // Without any padding a pass over the last axis copies.
    if (axes.length === 0) axes.push(shape.length - 1);
    for (const axis of axes) {
      const n = shape[axis];
      const length = out.shape[axis];
      shape[axis] = length;
      const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
      const size = shape.reduce((a, b) => a * b, 1);
      const args = [from, offset, n, inner, length, attrs.before[axis], attrs.interior[axis] + 1, value];
      const padded = launcher.run("pad", SOURCE, size, args);
      if (temporary) from.delete?.();
      from = padded;
      offset = 0;
      temporary = true;
    }
    storageOf(out).bind(from);
    return undefined;
  };
