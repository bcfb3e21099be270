import { ceil } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const ceilCase = elementwiseCase(ceil, {
  kind: "float",
  reference: Math.ceil,
  operands: [{ low: -2, high: 2, step: 1, offset: 0.3 }],
});
