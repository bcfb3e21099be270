import { lessEqual } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const lessEqualCase = elementwiseCase(lessEqual, {
  kind: "compare",
  reference: (a, b) => Number(a <= b),
});
