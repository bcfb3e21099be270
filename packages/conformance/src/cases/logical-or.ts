import { logicalOr } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const logicalOrCase = elementwiseCase(logicalOr, {
  kind: "logic",
  reference: (a, b) => Number(a === 1 || b === 1),
});
