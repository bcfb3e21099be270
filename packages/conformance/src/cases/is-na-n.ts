import { isNaN as isNaNOp } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const isNaNCase = elementwiseCase(isNaNOp, {
  kind: "test",
  reference: (x) => Number(Number.isNaN(x)),
});
