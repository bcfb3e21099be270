import { mul } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const mulCase = elementwiseCase(mul, {
  kind: "number",
  reference: (a, b) => a * b,
  integers: Math.imul,
});
