import { square } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const squareCase = elementwiseCase(square, {
  kind: "number",
  reference: (x) => x * x,
  integers: (x) => Math.imul(x, x),
});
