import { expm1 } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";
import { given } from "../inputs.js";
import { zip } from "../plain.js";

export const expm1Case = elementwiseCase(expm1, {
  kind: "float",
  reference: Math.expm1,
  more: [
    {
      name: "of numbers near zero, to relative precision",
      inputs: [given([1e-2, -1e-3, 3e-5, -1e-6, 1e-9])],
      run: ([x]) => expm1(x),
      reference: ([x]) => zip([x], Math.expm1),
      relative: true,
      gradient: false,
    },
  ],
});
