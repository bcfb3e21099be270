import { div } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const divCase = elementwiseCase(div, {
  kind: "float",
  reference: (a, b) => a / b,
  operands: [
    { low: -2, high: 2 },
    { low: 0.5, high: 2.5 },
  ],
});
