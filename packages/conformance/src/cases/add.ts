import { add } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const addCase = elementwiseCase(add, {
  kind: "number",
  reference: (a, b) => a + b,
});
