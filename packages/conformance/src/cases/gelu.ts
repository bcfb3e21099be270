import { gelu } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";
import { erfReference } from "../erf-reference.js";

export const geluCase = elementwiseCase(gelu, {
  kind: "float",
  reference: (x) => (x === Number.NEGATIVE_INFINITY ? 0 : 0.5 * x * (1 + erfReference(x / Math.SQRT2))),
});
