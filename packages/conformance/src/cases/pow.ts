import { pow } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const powCase = elementwiseCase(pow, {
  kind: "float",
  reference: (a, b) => a ** b,
  operands: [
    { low: 0.5, high: 2 },
    { low: -2, high: 2 },
  ],
  // JavaScript's power differs from C's at ±1 to the ±∞ and 1 to the NaN: left open
  specials: [0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 38, -38, 1e-6],
  signedZeros: false,
  slopes: [
    { at: [0, 2], slopes: [0, 0], name: "where 0·∞ lurks" },
    { at: [0, 1], slopes: [1, 0], name: "where 0⁰ counts as 1" },
    { at: [0, 0], slopes: [0, 0], name: "where ln 0 lurks" },
  ],
});
