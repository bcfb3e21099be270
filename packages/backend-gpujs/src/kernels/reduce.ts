/** Sums, products and extremes over the middle axis: one thread a result. */
import type { Kernel, ReduceKind } from "@neurite/core";
import { BLOCK, expectLoop, type Launcher } from "../launcher.js";
import { elementsOf, handleOf, storageOf } from "../storage.js";

/** `first` starts a block, `step` takes the element `a[p]` into `part`, `join` the finished block into `total`. */
function source(start: string, first: string, step: string, join: string): string {
  return `function (a, offset, n, inner) {
  const outer = Math.floor(this.thread.x / inner);
  let p = offset + outer * n * inner + this.thread.x - outer * inner;
  let total = ${start};
  for (let block = 0; block < n; block += ${BLOCK}) {
    const end = Math.min(block + ${BLOCK}, n);
    let part = ${first};
    for (let i = block; i < end; i++) {
      part = ${step};
      p += inner;
    }
    total = ${join};
  }
  return total;
}`;
}

/** Extremes start from an element: not every mode has an exact −∞. Math.max and Math.min hand on NaN. */
const SOURCES: Record<ReduceKind, string> = {
  sum: source("0", "0", "part + a[p]", "total + part"),
  prod: source("1", "1", "part * a[p]", "total * part"),
  max: source("a[p]", "total", "Math.max(part, a[p])", "part"),
  min: source("a[p]", "total", "Math.min(part, a[p])", "part"),
};

export const reduce =
  (launcher: Launcher): Kernel<{ readonly kind: ReduceKind }> =>
  ([out], [x], { kind }) => {
    const [, n, inner] = x.shape;
    expectLoop(kind, "axis", n);
    const args = [handleOf(x), x.offset, n, inner];
    storageOf(out).bind(launcher.run(`reduce ${kind}`, SOURCES[kind], elementsOf(out), args));
    return undefined;
  };
