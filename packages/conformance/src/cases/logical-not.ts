import { logicalNot } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const logicalNotCase = elementwiseCase(logicalNot, {
  kind: "logic",
  reference: (a) => Number(a === 0),
});
