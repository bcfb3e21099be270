import { hardSwish } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const hardSwishCase = elementwiseCase(hardSwish, {
  kind: "float",
  reference: (x) => (x === Number.NEGATIVE_INFINITY ? 0 : x * Math.min(Math.max(x / 6 + 0.5, 0), 1)),
  operands: [{ low: -5, high: 5, avoid: [-3, 3] }],
  slopes: [
    { at: [-3], slopes: [-0.5], name: "that of the curve" },
    { at: [3], slopes: [1.5], name: "that of the curve" },
  ],
});
