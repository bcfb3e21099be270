/** Shorthands for the calls in error cases and checks. */
import { grad } from "@neurite/autograd";
import { type DType, fromHost, type Shape, sum, type Tensor } from "@neurite/core";
import type { Env } from "./case.js";
import { readAll } from "./evaluate.js";
import { toHost } from "./layouts.js";
import { count } from "./plain.js";

/** A tensor of ones. */
export function some(env: Env, shape: Shape, dtype: DType = env.dtype): Tensor {
  return tensorOf(env, new Array<number>(count(shape)).fill(1), dtype, shape);
}

/** A tensor of these numbers, a vector unless a shape is given. */
export function tensorOf(
  env: Env,
  values: readonly number[],
  dtype: DType = env.dtype,
  shape: Shape = [values.length],
): Tensor {
  return fromHost(toHost(values, dtype), dtype, shape, env.device);
}

/** An index tensor whose numbers core does not know in advance, as if computed on the device. */
export function computedIndices(env: Env, values: readonly number[]): Tensor {
  const indices = tensorOf(env, values, "int32");
  indices.storage.range = null;
  return indices;
}

/** Gradient of the sum of `fn`'s result by `x`, read back. */
export async function slopeOf(fn: (x: Tensor) => Tensor, x: Tensor): Promise<number[]> {
  const [slope] = await valuesOf(grad((y: Tensor) => sum(fn(y)))(x));
  return slope;
}

/** Values of tensors, in the order given, which it disposes. */
export async function valuesOf(...tensors: readonly Tensor[]): Promise<number[][]> {
  return (await readAll(tensors)).map(({ data }) => Array.from(data));
}
