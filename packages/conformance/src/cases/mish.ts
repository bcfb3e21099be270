import { mish } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const mishCase = elementwiseCase(mish, {
  kind: "float",
  reference: (x) =>
    x === Number.NEGATIVE_INFINITY ? 0 : x * Math.tanh(Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
});
