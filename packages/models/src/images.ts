/** What the image classifiers have in common. */
import { formatShape, ShapeError, type Tensor, ValueError } from "@neurite/core";
import type { InitOptions } from "@neurite/layers";

export interface ImageClassifierOptions extends InitOptions {
  readonly classes?: number;
  /** Default 3. */
  readonly inChannels?: number;
  /** Factor of all widths but those of input and output, rounded up: below 1 for narrow versions. Default 1. */
  readonly width?: number;
}

/** The function that scales a width. @throws ValueError unless the factor is positive */
export function widener(op: string, width: number): (units: number) => number {
  if (!(width > 0))
    throw new ValueError({ op, argument: "width", expected: "a positive factor", received: `${width}` });
  return (units) => Math.ceil(units * width);
}

/** Throws unless `x` is [n, height, width, channels] with sides of at least `minimum`. */
export function expectImages(op: string, x: Tensor, channels: number, minimum: number): void {
  const { shape } = x;
  if (x.rank === 4 && shape[3] === channels && shape[1]! >= minimum && shape[2]! >= minimum) return;
  throw new ShapeError({
    op,
    argument: "x",
    expected: `[n, height, width, ${channels}] with sides of at least ${minimum}`,
    received: formatShape(shape),
    remedy: "Channels come last.",
  });
}

/** Throws unless `value` is an integer of at least 0. */
export function expectCount(op: string, argument: string, value: number): void {
  if (Number.isInteger(value) && value >= 0) return;
  throw new ValueError({ op, argument, expected: "an integer, 0 or above", received: String(value) });
}

/** Throws unless `value` is one of `choices`. */
export function expectChoice(op: string, argument: string, value: unknown, choices: readonly unknown[]): void {
  if (choices.includes(value)) return;
  throw new ValueError({ op, argument, expected: `one of ${choices.join(", ")}`, received: String(value) });
}
