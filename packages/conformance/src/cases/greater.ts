import { greater } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const greaterCase = elementwiseCase(greater, {
  kind: "compare",
  reference: (a, b) => Number(a > b),
});
