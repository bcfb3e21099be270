import { geluTanh } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const geluTanhCase = elementwiseCase(geluTanh, {
  kind: "float",
  reference: (x) =>
    x === Number.NEGATIVE_INFINITY ? 0 : 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
});
