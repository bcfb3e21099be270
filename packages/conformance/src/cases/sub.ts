import { sub } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const subCase = elementwiseCase(sub, {
  kind: "number",
  reference: (a, b) => a - b,
});
