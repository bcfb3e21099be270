import { minimum } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const minimumCase = elementwiseCase(minimum, {
  kind: "number",
  reference: Math.min,
  operands: [
    { low: -2, high: 2, step: 0.5 },
    { low: -2, high: 2, step: 0.5, offset: 0.2 },
  ],
  signedZeros: false,
  slopes: [
    { at: [1, 1], slopes: [0.5, 0.5], name: "shared at a tie" },
    { at: [Number.NaN, 1], slopes: [1, 1], name: "so that a NaN shows" },
    { at: [2, 1], slopes: [0, 1], name: "all to the smaller" },
  ],
});
