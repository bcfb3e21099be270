import { selu } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const seluCase = elementwiseCase(selu, {
  kind: "float",
  reference: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x)),
  operands: [{ low: -2, high: 2, avoid: [0] }],
});
