/** Strided → contiguous, with conversion between dtypes. */
import type { DType, Kernel } from "@neurite/core";
import type { Launcher } from "../launcher.js";
import { elementsOf, storageOf } from "../storage.js";
import { coordinates, element, lengthNames, lengths, operand, operandNames } from "../strided.js";

/** What happens to a number on its way into an integer dtype: it saturates, and NaN becomes 0. */
const CONVERSIONS = {
  same: "return x;",
  truncate: "return x !== x ? 0 : x > 2147483648 ? 2147483648 : x < -2147483648 ? -2147483648 : Math.trunc(x) + 0;",
  byte: "return x !== x ? 0 : x > 255 ? 255 : x < 0 ? 0 : Math.trunc(x) + 0;",
  test: "return x !== 0 ? 1 : 0;",
};

function conversion(from: DType, to: DType): keyof typeof CONVERSIONS {
  if (from === to || to === "float32" || from === "bool") return "same";
  if (to === "bool") return "test";
  if (to === "uint8") return "byte";
  return from === "uint8" ? "same" : "truncate";
}

export const copy =
  (launcher: Launcher): Kernel<Record<string, never>> =>
  ([out], [x]) => {
    const rank = x.shape.length;
    const kind = conversion(x.dtype, out.dtype);
    const source = `function (${[...operandNames(0, rank), ...lengthNames(rank)].join(", ")}) {
  ${coordinates(rank)}
  const x = ${element(0, rank)};
  ${CONVERSIONS[kind]}
}`;
    const args = [...operand(x), ...lengths(x)];
    storageOf(out).bind(launcher.run(`copy ${kind} ${rank}`, source, elementsOf(out), args));
    return undefined;
  };
