import { silu } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const siluCase = elementwiseCase(silu, {
  kind: "float",
  reference: (x) => x / (1 + Math.exp(-x)),
});
