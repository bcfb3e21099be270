import { clamp } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const clampCase = elementwiseCase(clamp, {
  kind: "number",
  reference: (x, low, high) => Math.min(Math.max(x, low), high),
  // the three never meet, so that no difference straddles a bend
  operands: [
    { low: -2, high: 2, step: 0.5 },
    { low: -1.5, high: 0, step: 0.5, offset: 0.2 },
    { low: 0, high: 1.5, step: 0.5, offset: 0.3 },
  ],
  signedZeros: false,
  slopes: [
    { at: [-1, -1, 1], slopes: [1, 0, 0], name: "x's own at the lower end" },
    { at: [1, -1, 1], slopes: [1, 0, 0], name: "x's own at the upper end" },
    { at: [3, -1, 1], slopes: [0, 0, 1], name: "the bound's beyond it" },
    { at: [0, 1, -1], slopes: [0, 0, 1], name: "the upper bound's where the bounds cross" },
    { at: [-3, 1, -1], slopes: [0, 0, 1], name: "the upper bound's where the bounds cross, below both" },
    { at: [3, 1, -1], slopes: [0, 0, 1], name: "the upper bound's where the bounds cross, above both" },
  ],
});
