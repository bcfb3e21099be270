import { equal } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const equalCase = elementwiseCase(equal, {
  kind: "compare",
  reference: (a, b) => Number(a === b),
});
