import { rsqrt } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const rsqrtCase = elementwiseCase(rsqrt, {
  kind: "float",
  reference: (x) => 1 / Math.sqrt(x),
  operands: [{ low: 0.2, high: 4 }],
});
