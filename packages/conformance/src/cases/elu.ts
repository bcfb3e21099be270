import { elu } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const eluCase = elementwiseCase(elu, {
  kind: "float",
  reference: (x, alpha) => (x > 0 ? x : alpha * Math.expm1(x)),
  operands: [
    { low: -2, high: 2, avoid: [0] },
    { low: 0.5, high: 2 },
  ],
  slopes: [{ at: [0, 2], slopes: [2, 0], name: "that of the left side" }],
});
