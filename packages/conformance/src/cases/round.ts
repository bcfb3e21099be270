import { round } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";
import { given } from "../inputs.js";
import { zip } from "../plain.js";

/** The nearest integer; of two, the even one. The sign of zero is that of x. */
function halfToEven(x: number): number {
  if (!Number.isFinite(x)) return x;
  const low = Math.floor(x);
  const part = x - low;
  const nearest = part < 0.5 || (part === 0.5 && low % 2 === 0) ? low : low + 1;
  return nearest === 0 ? x * 0 : nearest;
}

export const roundCase = elementwiseCase(round, {
  kind: "float",
  reference: halfToEven,
  operands: [{ low: -2, high: 2, step: 1, offset: 0.2 }],
  more: [
    {
      name: "of halves and their neighbours",
      inputs: [given([0.5, 1.5, 2.5, 3.5, -0.5, -1.5, -2.5, 0.49999997, 2.4999998, 4194303.5, 8388607, 16777216])],
      run: ([x]) => round(x),
      reference: ([x]) => zip([x], halfToEven),
      signedZeros: true,
      gradient: false,
    },
  ],
  slopes: [{ at: [0.5], slopes: [0], name: "as everywhere" }],
});
