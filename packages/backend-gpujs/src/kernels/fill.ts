import type { Kernel } from "@neurite/core";
import type { Launcher } from "../launcher.js";
import { elementsOf, storageOf } from "../storage.js";

const SOURCE = "function (value) { return value; }";

/** Every element becomes `value`. */
export const fill =
  (launcher: Launcher): Kernel<{ readonly value: number }> =>
  ([out], _inputs, attrs) => {
    const value = out.dtype === "bool" ? Number(attrs.value !== 0) : attrs.value;
    storageOf(out).bind(launcher.run("fill", SOURCE, elementsOf(out), [value]));
    return undefined;
  };
