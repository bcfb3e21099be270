import { tanh } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const tanhCase = elementwiseCase(tanh, {
  kind: "float",
  reference: Math.tanh,
});
