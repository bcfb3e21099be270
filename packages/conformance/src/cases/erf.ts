import { erf } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";
import { erfReference } from "../erf-reference.js";

export const erfCase = elementwiseCase(erf, {
  kind: "float",
  reference: erfReference,
});
