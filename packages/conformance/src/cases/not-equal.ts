import { notEqual } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const notEqualCase = elementwiseCase(notEqual, {
  kind: "compare",
  reference: (a, b) => Number(a !== b),
});
