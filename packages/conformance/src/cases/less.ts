import { less } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const lessCase = elementwiseCase(less, {
  kind: "compare",
  reference: (a, b) => Number(a < b),
});
