import { reciprocal } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const reciprocalCase = elementwiseCase(reciprocal, {
  kind: "float",
  reference: (x) => 1 / x,
  operands: [{ low: 0.5, high: 3 }],
});
