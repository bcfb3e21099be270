import { sqrt } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const sqrtCase = elementwiseCase(sqrt, {
  kind: "float",
  reference: Math.sqrt,
  operands: [{ low: 0.2, high: 4 }],
  slopes: [{ at: [0], slopes: [Number.POSITIVE_INFINITY], name: "that of the limit" }],
});
