import { leakyRelu } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const leakyReluCase = elementwiseCase(leakyRelu, {
  kind: "number",
  reference: (x, slope) => (x > 0 ? x : x * slope),
  integers: (x, slope) => (x > 0 ? x : Math.imul(x, slope)),
  operands: [
    { low: -2, high: 2, avoid: [0] },
    { low: -2, high: 2 },
  ],
  slopes: [{ at: [0, 0.25], slopes: [0.25, 0], name: "that of the left side" }],
});
