/** How kernels of convolutions walk through images. */
import type { View } from "@neurite/core";

/** Multiply-adds below which work is not shared between threads. */
export const SHARED_WORK = 65_536;

/** Attributes of core's convolution records, per spatial axis. */
export interface Geometry {
  readonly strides: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/** How the filter moves over images that are padded already. */
export type Steps = Pick<Geometry, "strides" | "dilation">;

/** How an output is walked through: rows of pixels in images, and the steps in bytes that x makes along with them. */
export interface Walk {
  readonly n: number;
  readonly rows: number;
  readonly pixels: number;
  readonly imageStep: number;
  readonly rowStep: number;
  readonly pixelStep: number;
  /** From one row of the filter to the next. */
  readonly tapStep: number;
}

export function walkOf(y: View, x: View, { strides, dilation }: Steps): Walk {
  const [n, rows, pixels] = y.shape as [number, number, number, number];
  const [, height, width, channels] = x.shape as [number, number, number, number];
  const line = 4 * width * channels;
  const steps = { n, imageStep: height * line, tapStep: dilation[0]! * line };
  const [rowStep, pixelStep] = [strides[0]! * line, 4 * strides[1]! * channels];
  // a column of single pixels is walked as a row
  if (pixels === 1) return { ...steps, rows: 1, pixels: rows, rowStep: 0, pixelStep: rowStep };
  return { ...steps, rows, pixels, rowStep, pixelStep };
}
