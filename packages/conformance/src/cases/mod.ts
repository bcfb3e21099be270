import { mod } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const modCase = elementwiseCase(mod, {
  kind: "float",
  reference: (a, b) => {
    const rest = a % b;
    return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
  },
  // quotients stay 0.15 away from whole numbers, where the remainder jumps
  operands: [
    { low: -2.5, high: 2.5, step: 1, offset: 0.5 },
    { low: 1.9, high: 2.1 },
  ],
  itself: false,
  signedZeros: false,
});
