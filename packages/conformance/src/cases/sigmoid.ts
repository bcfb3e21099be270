import { sigmoid } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const sigmoidCase = elementwiseCase(sigmoid, {
  kind: "float",
  reference: (x) => 1 / (1 + Math.exp(-x)),
});
