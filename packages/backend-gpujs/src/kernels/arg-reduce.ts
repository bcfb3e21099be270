/** Position of the largest or smallest element along the middle axis. The first wins a tie; the first NaN beats all. */
import type { ArgReduceKind, Kernel } from "@neurite/core";
import { BLOCK, expectLoop, type Launcher } from "../launcher.js";
import { elementsOf, handleOf, storageOf } from "../storage.js";

/** `!(v <= best)` lets a larger element and NaN in; once `best` is NaN, nothing displaces it. */
const source = (within: "<=" | ">="): string => `function (a, offset, n, inner) {
  const outer = Math.floor(this.thread.x / inner);
  const p = offset + outer * n * inner + this.thread.x - outer * inner;
  let best = a[p];
  let at = 0;
  for (let block = 0; block < n; block += ${BLOCK}) {
    const end = Math.min(block + ${BLOCK}, n);
    for (let i = block; i < end; i++) {
      const v = a[p + i * inner];
      if (best === best && !(v ${within} best)) {
        best = v;
        at = i;
      }
    }
  }
  return at;
}`;

const SOURCES: Record<ArgReduceKind, string> = { argMax: source("<="), argMin: source(">=") };

export const argReduce =
  (launcher: Launcher): Kernel<{ readonly kind: ArgReduceKind }> =>
  ([out], [x], { kind }) => {
    const [, n, inner] = x.shape;
    expectLoop(kind, "axis", n);
    const args = [handleOf(x), x.offset, n, inner];
    storageOf(out).bind(launcher.run(kind, SOURCES[kind], elementsOf(out), args));
    return undefined;
  };
