import { floor } from "@neurite/core";
import { elementwiseCase } from "../elementwise-case.js";

export const floorCase = elementwiseCase(floor, {
  kind: "float",
  reference: Math.floor,
  operands: [{ low: -2, high: 2, step: 1, offset: 0.3 }],
});
