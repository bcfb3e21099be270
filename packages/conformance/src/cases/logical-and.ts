import { logicalAnd } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const logicalAndCase = elementwiseCase(logicalAnd, {
  kind: "logic",
  reference: (a, b) => Number(a === 1 && b === 1),
});
