import { exp } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const expCase = elementwiseCase(exp, {
  kind: "float",
  reference: Math.exp,
});
