/** The gradient checker: analytic gradients against central differences in float64. */
import {
  cast,
  type Device,
  DTypeError,
  expectTensors,
  fromHost,
  Generator,
  mul,
  normal,
  scope,
  sum,
  type Tensor,
} from "@neurite/core";
import { expectFunction, expectOneOf, expectOptions, expectPositive, type OptionKinds } from "@neurite/core/expect";
import { valueAndGrad } from "./value-and-grad.js";

export interface CheckGradientsOptions {
  /** 1: gradients (default); 2: gradients of gradients too. */
  readonly order?: 1 | 2;
  /** Step of the differences; the error of the difference is of order step². Default 1e-5. */
  readonly step?: number;
}

const OPTIONS: OptionKinds<CheckGradientsOptions> = { order: "any", step: "any" };

export interface GradientReport {
  /** Largest |analytic − numeric| / max(1, |numeric|) over all elements of all inputs. */
  readonly maxError: number;
  /** Where it is: order, input, flat position and the two numbers. */
  readonly worst: string;
}

/**
 * Compares gradients of `fn` with (f(x + h) − f(x − h)) / 2h, element by element, in float64. A result of several elements
 * is reduced with fixed random weights.
 * @param inputs float64 tensors; every element is varied
 * @throws DTypeError for other dtypes: float32 differences are too rough to tell anything
 */
export function checkGradients(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: CheckGradientsOptions = {},
): GradientReport {
  expectFunction("checkGradients", "fn", fn);
  expectTensors("checkGradients", "inputs", inputs);
  expectOptions("checkGradients", options, OPTIONS);
  const { order = 1, step = 1e-5 } = options;
  for (const [i, input] of inputs.entries()) {
    if (input.dtype === "float64") continue;
    throw new DTypeError({
      op: "checkGradients",
      argument: `inputs[${i}]`,
      expected: "float64",
      received: input.dtype,
      remedy: 'Cast it: cast(x, "float64").',
    });
  }
  expectOneOf("checkGradients", "order", order, [1, 2]);
  expectPositive("checkGradients", "step", step);
  const scalarOf = (...xs: Tensor[]) => weighted(fn(...xs), 1);
  const first = compare(scalarOf, inputs, step, 1);
  if (order === 1) return first;
  const gradientOf = (...xs: Tensor[]) => {
    const { grads } = valueAndGrad((...ys: Tensor[]) => weighted(fn(...ys), 1), xs)(...xs);
    return (grads as Tensor[]).map((gradient, i) => weighted(gradient, i + 2)).reduce((a, b) => a.add(b));
  };
  const second = compare(gradientOf, inputs, step, 2);
  return second.maxError > first.maxError ? second : first;
}

/** Σ wᵢyᵢ with weights fixed by `seed`. */
function weighted(y: Tensor, seed: number): Tensor {
  const options = { dtype: "float64", device: y.device, generator: new Generator(seed) } as const;
  return sum(mul(cast(y, "float64"), normal(y.shape, 0, 1, options)));
}

function compare(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  step: number,
  order: number,
): GradientReport {
  let report: GradientReport = { maxError: 0, worst: "no elements" };
  const analytic = scope(() => {
    // + 0·x keeps a function without dependence on some input connected
    const connected = (...xs: Tensor[]) => xs.reduce((total, x) => total.add(sum(mul(x, 0))), fn(...xs));
    const { grads } = valueAndGrad(connected, [...inputs])(...inputs);
    return (grads as Tensor[]).map((gradient) => Array.from(gradient.dataSync())) as never;
  }) as number[][];
  inputs.forEach((input, i) => {
    const base = Float64Array.from(input.dataSync());
    for (let k = 0; k < base.length; k++) {
      const at = (delta: number) =>
        valueAt(fn, inputs, i, base.with(k, base[k]! + delta) as Float64Array, input.device);
      const numeric = (at(step) - at(-step)) / (2 * step);
      const error = Math.abs(analytic[i]![k]! - numeric) / Math.max(1, Math.abs(numeric));
      if (!(error <= report.maxError)) {
        report = {
          maxError: Number.isNaN(error) ? Number.POSITIVE_INFINITY : error,
          worst: `order ${order}, input ${i}, element ${k}: analytic ${analytic[i]![k]}, numeric ${numeric}`,
        };
      }
    }
  });
  return report;
}

function valueAt(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  index: number,
  data: Float64Array,
  device: Device,
): number {
  return scope(() => {
    const moved = fromHost(data, "float64", inputs[index]!.shape, device);
    return fn(...inputs.map((input, i) => (i === index ? moved : input))).itemSync() as never;
  });
}
