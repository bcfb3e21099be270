import { softplus } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const softplusCase = elementwiseCase(softplus, {
  kind: "float",
  reference: (x) => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x))),
});
