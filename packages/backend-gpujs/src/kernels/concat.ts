/** Joins inputs two by two: kernels have one output and take few arrays. Pairs of pairs copy log₂ of the count times. */
import type { Kernel } from "@neurite/core";
import type { Handle } from "../gpu.js";
import type { Launcher } from "../launcher.js";
import { handleOf, storageOf } from "../storage.js";

/** Per outer index, a run of `left` elements of a, then one of `right` elements of b. */
const SOURCE = `function (a, aOffset, left, b, bOffset, right) {
  const outer = Math.floor(this.thread.x / (left + right));
  const i = this.thread.x - outer * (left + right);
  if (i < left) return a[aOffset + outer * left + i];
  return b[bOffset + outer * right + i - left];
}`;

/** Elements per outer index of a joined part. */
interface Part {
  readonly handle: Handle;
  readonly offset: number;
  readonly run: number;
  readonly temporary: boolean;
}

/** outs `[outer, Σ nᵢ, inner]`, inputs `[outer, nᵢ, inner]`. */
export const concat =
  (launcher: Launcher): Kernel<Record<string, never>> =>
  ([out], inputs) => {
    const outer = out.shape[0];
    const join = (a: Part, b: Part): Part => {
      const run = a.run + b.run;
      const args = [a.handle, a.offset, a.run, b.handle, b.offset, b.run];
      const handle = launcher.run("concat", SOURCE, outer * run, args);
      for (const part of [a, b]) if (part.temporary) part.handle.delete?.();
      return { handle, offset: 0, run, temporary: true };
    };
    let parts: Part[] = inputs.map((x) => ({
      handle: handleOf(x),
      offset: x.offset,
      run: x.shape[1] * x.shape[2],
      temporary: false,
    }));
    // A single input is joined with nothing.
    if (parts.length === 1) parts.push({ ...parts[0], run: 0 });
    while (parts.length > 1) {
      const joined: Part[] = [];
      for (let i = 0; i < parts.length; i += 2) {
        joined.push(i + 1 < parts.length ? join(parts[i], parts[i + 1]) : parts[i]);
      }
      parts = joined;
    }
    storageOf(out).bind(parts[0].handle);
    return undefined;
  };
