import type { Kernel } from "@neurite/core";
import { dataOf, elementsOf } from "../data.js";

/** Every element becomes `value`. */
export const fill: Kernel<{ readonly value: number }> = (outs, _inputs, attrs) => {
  const out = outs[0];
  const value = out.dtype === "bool" ? Number(attrs.value !== 0) : attrs.value;
  dataOf(out).fill(value, out.offset, out.offset + elementsOf(out));
  return undefined;
};
