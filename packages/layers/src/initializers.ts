/** Initial values of parameters. */
import { type Device, type DType, type Generator, normal, type Shape, type Tensor, uniform } from "@neurite/core";

/** Where and from which random stream a layer makes its parameters. */
export interface InitOptions {
  readonly device?: Device;
  /** Default `float32`. */
  readonly dtype?: DType;
  readonly generator?: Generator;
}

/** Uniform in [−bound, bound). */
export function initUniform(shape: Shape, bound: number, options: InitOptions = {}): Tensor {
  return uniform(shape, -bound, bound, options);
}

/** Normal with mean 0. */
export function initNormal(shape: Shape, deviation: number, options: InitOptions = {}): Tensor {
  return normal(shape, 0, deviation, options);
}
