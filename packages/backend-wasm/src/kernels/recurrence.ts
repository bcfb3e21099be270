/** Products with the weight of a recurrent layer, as the kernels over whole sequences need them at each step. */
import type { View } from "@neurite/core";
import type { Engine } from "../engine.js";
import { addressOf, type Block } from "../views.js";
import { type Added, makeProduct } from "./matmul.js";

/**
 * Makes, for a weight [width, hidden] and n rows, the function for products between addresses: of a state with the transposed
 * weight, or of an error with the weight itself.
 */
export function makeRecurrentProduct(engine: Engine, of: "state" | "error") {
  const multiply = makeProduct(engine);
  return (weight: View, n: number, added?: Added) => {
    const [width, hidden] = weight.shape as [number, number];
    const [k, columns, rowStep, columnStep] =
      of === "state" ? [hidden, width, 4, 4 * hidden] : [width, hidden, 4 * hidden, 4];
    const sizes = [n, k, columns] as const;
    const a = { at: 0, rowStep: 4 * k, columnStep: 4 };
    const b = { at: addressOf(weight), rowStep, columnStep, block: weight.id as Block };
    return (from: number, to: number): void => {
      a.at = from;
      multiply(sizes, a, b, to, added);
    };
  };
}
