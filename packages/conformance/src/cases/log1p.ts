import { log1p } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";
import { given } from "../inputs.js";
import { zip } from "../plain.js";

export const log1pCase = elementwiseCase(log1p, {
  kind: "float",
  reference: Math.log1p,
  operands: [{ low: -0.6, high: 3 }],
  more: [
    {
      name: "of numbers near zero, to relative precision",
      inputs: [given([1e-2, -1e-3, 3e-5, -1e-6, 1e-9])],
      run: ([x]) => log1p(x),
      reference: ([x]) => zip([x], Math.log1p),
      relative: true,
      gradient: false,
    },
  ],
});
