/** What the image classifiers have in common. */
import { expectTensor, formatShape, ShapeError, type Tensor } from "@neurite/core";
import { expectPositive, type OptionKinds } from "@neurite/core/expect";
import { INIT_OPTIONS, type InitOptions } from "@neurite/layers";

export interface ImageClassifierOptions extends InitOptions {
  readonly classes?: number;
  /** Default 3. */
  readonly inChannels?: number;
  /** Factor of all widths but those of input and output, rounded up: below 1 for narrow versions. Default 1. */
  readonly width?: number;
}

/** What these options may be. */
export const CLASSIFIER: OptionKinds<ImageClassifierOptions> = {
  ...INIT_OPTIONS,
  classes: "size",
  inChannels: "size",
  width: "number",
};

/** The function that scales a width. @throws ValueError unless the factor is positive */
export function widener(op: string, width: number): (units: number) => number {
  expectPositive(op, "width", width);
  return (units) => Math.ceil(units * width);
}

/** Throws unless `x` is [n, height, width, channels] with sides of at least `minimum`. */
export function expectImages(op: string, x: Tensor, channels: number, minimum: number): void {
  expectTensor(op, "x", x);
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
