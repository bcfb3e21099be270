import { erf } from "@neurite/core";
import { elementwiseCase, SPECIAL } from "../elementwise-case.js";
import { erfReference } from "../erf-reference.js";

export const erfCase = elementwiseCase(erf, {
  kind: "float",
  reference: erfReference,
  // up to where float64 rounds to 1
  specials: [...SPECIAL, 3.2, -3.6, 4.1, -5, 5.8],
});
