/** Text and arguments for kernels that read strided views: how a flat output position becomes input positions. */
import type { View } from "@neurite/core";
import type { KernelArgument } from "./gpu.js";
import { handleOf } from "./storage.js";

/**
 * Declares the coordinates `i0 … ` of thread `x` in a shape whose lengths `d1 …` are arguments. Quotients of integers below
 * 2²⁴ that are rounded to float32 still have the right floor.
 */
export function coordinates(rank: number): string {
  const lines: string[] = [];
  let rest = "this.thread.x";
  for (let axis = rank - 1; axis > 0; axis--) {
    lines.push(`const q${axis} = Math.floor(${rest} / d${axis});`, `const i${axis} = ${rest} - q${axis} * d${axis};`);
    rest = `q${axis}`;
  }
  lines.push(`const i0 = ${rest};`);
  return lines.join("\n  ");
}

/** Names of the arguments that {@link lengths} gives. */
export function lengthNames(rank: number): string[] {
  return Array.from({ length: rank - 1 }, (_, i) => `d${i + 1}`);
}

export function lengths(view: View): number[] {
  return view.shape.slice(1);
}

/** Names of the arguments that {@link operand} gives for operand `k`: array, offset, strides. */
export function operandNames(k: number, rank: number): string[] {
  return [`a${k}`, `o${k}`, ...Array.from({ length: rank }, (_, axis) => `s${k}_${axis}`)];
}

export function operand(view: View): KernelArgument[] {
  return [handleOf(view), view.offset, ...view.strides];
}

/** The element of operand `k` at the coordinates. */
export function element(k: number, rank: number): string {
  const terms = Array.from({ length: rank }, (_, axis) => `i${axis} * s${k}_${axis}`);
  return `a${k}[${[`o${k}`, ...terms].join(" + ")}]`;
}
