import { neg } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const negCase = elementwiseCase(neg, {
  kind: "number",
  reference: (x) => -x,
});
