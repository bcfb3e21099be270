import { greaterEqual } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const greaterEqualCase = elementwiseCase(greaterEqual, {
  kind: "compare",
  reference: (a, b) => Number(a >= b),
});
