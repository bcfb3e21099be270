import { logSigmoid } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const logSigmoidCase = elementwiseCase(logSigmoid, {
  kind: "float",
  reference: (x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x))),
  signedZeros: false,
});
