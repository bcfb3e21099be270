import { relu } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const reluCase = elementwiseCase(relu, {
  kind: "number",
  reference: (x) => Math.max(x, 0),
  operands: [{ low: -2, high: 2, avoid: [0] }],
  signedZeros: false,
  slopes: [
    { at: [0], slopes: [0], name: "that of the flat side" },
    { at: [Number.NaN], slopes: [1], name: "so that a NaN shows" },
  ],
});
