import { sign } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const signCase = elementwiseCase(sign, {
  kind: "number",
  reference: (x) => (x > 0 ? 1 : x < 0 ? -1 : x),
  operands: [{ low: -2, high: 2, avoid: [0] }],
  slopes: [{ at: [0], slopes: [0], name: "as everywhere" }],
});
