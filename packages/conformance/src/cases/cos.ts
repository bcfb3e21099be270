import { cos } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const cosCase = elementwiseCase(cos, {
  kind: "float",
  reference: Math.cos,
  // larger arguments ask for more digits of π than float32 has
  specials: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1, -1, 0.5, -2.5, 1e-6, 10, -10],
});
