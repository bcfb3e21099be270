import { isFinite as isFiniteOp } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const isFiniteCase = elementwiseCase(isFiniteOp, {
  kind: "test",
  reference: (x) => Number(Number.isFinite(x)),
});
