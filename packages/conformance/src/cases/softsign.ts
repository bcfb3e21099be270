import { softsign } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const softsignCase = elementwiseCase(softsign, {
  kind: "float",
  // ±1 is the limit
  reference: (x) => (Math.abs(x) === Number.POSITIVE_INFINITY ? Math.sign(x) : x / (1 + Math.abs(x))),
  slopes: [{ at: [0], slopes: [1], name: "though |x| has none" }],
});
