import { silu } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const siluCase = elementwiseCase(silu, {
  kind: "float",
  reference: (x) => (x === Number.NEGATIVE_INFINITY ? 0 : x / (1 + Math.exp(-x))),
});
