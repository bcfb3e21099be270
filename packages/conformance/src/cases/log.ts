import { log } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const logCase = elementwiseCase(log, {
  kind: "float",
  reference: Math.log,
  operands: [{ low: 0.2, high: 4 }],
});
