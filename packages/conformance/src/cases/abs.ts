import { abs } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const absCase = elementwiseCase(abs, {
  kind: "number",
  reference: (x) => (x < 0 || Object.is(x, -0) ? -x : x),
  operands: [{ low: -2, high: 2, avoid: [0] }],
  slopes: [{ at: [0], slopes: [0], name: "neither side's" }],
});
