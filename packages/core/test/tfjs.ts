/** The same op here and in tfjs on the same numbers: values and gradients must agree. */
import { valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import { Generator, mul, normal, scope, setDefaultDevice, sum, type Tensor, tensor } from "@neurite/core";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, expect } from "vitest";

/** Sets both libraries up; call it at the top of a test file. */
export function bothLibraries(): void {
  beforeAll(async () => {
    setDefaultDevice(cpuJs());
    await tf.setBackend("cpu");
  });
}

/** Float32 numbers, normal and always the same. */
export function random(shape: readonly number[], seed = 1): Float32Array {
  return scope(() => normal(shape, 0, 1, { generator: new Generator(seed) }).dataSync() as never);
}

/** One input of both functions: its shape, and its numbers unless they are random. */
export interface Input {
  readonly shape: readonly number[];
  readonly data?: Float32Array;
}

/**
 * Compares values, and the gradients by all inputs of Σ v·y for a random v.
 * @param tolerance of |ours − theirs| / max(1, |theirs|); both round in float32, in other orders
 */
export function expectSame(
  ours: (...inputs: Tensor[]) => Tensor,
  theirs: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly Input[],
  { gradients = true, tolerance = 2e-5 } = {},
): void {
  const data = inputs.map((input, i) => input.data ?? random(input.shape, i + 1));
  const tensors = inputs.map(({ shape }, i) => tensor(data[i], { shape }));
  const references = inputs.map(({ shape }, i) => tf.tensor(data[i], [...shape]));
  const y = ours(...tensors);
  const expected = theirs(...references);
  expect(y.shape).toEqual(expected.shape);
  expectClose("value", y.dataSync(), expected.dataSync(), tolerance);
  if (!gradients) return;
  const weights = random(y.shape, 99);
  const { grads } = valueAndGrad(
    (...xs: Tensor[]) => sum(mul(ours(...xs), tensor(weights, { shape: y.shape }))),
    tensors,
  )(...tensors);
  const slopes = tf.grads((...xs: tf.Tensor[]) =>
    tf.sum<tf.Scalar>(tf.mul(theirs(...xs), tf.tensor(weights, [...y.shape]))),
  )(references);
  (grads as Tensor[]).forEach((gradient, i) => {
    expect(gradient.shape).toEqual(slopes[i].shape);
    expectClose(`gradient by input ${i}`, gradient.dataSync(), slopes[i].dataSync(), tolerance);
  });
}

function expectClose(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    worst = Math.max(worst, Math.abs(actual[i] - expected[i]) / Math.max(1, Math.abs(expected[i])));
  }
  expect(actual.length).toBe(expected.length);
  expect(worst, `largest error of the ${what}`).toBeLessThan(tolerance);
}
