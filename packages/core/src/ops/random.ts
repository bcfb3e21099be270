/** Random tensors. Numbers are drawn on the host, or as the host would, so every backend gets the same ones. */
import { type Device, defaultDevice } from "../device.js";
import { dispatch } from "../dispatch.js";
import { type DType, expectFloat } from "../dtype.js";
import { ValueError } from "../errors.js";
import { expectFinite, expectInteger, expectOptions, expectShare, type OptionKinds } from "../expect.js";
import { defineOp } from "../op.js";
import { defaultGenerator, expectGenerator, Generator, type GeneratorState } from "../random.js";
import { composite } from "../scope.js";
import { expectShape, type Shape } from "../shape.js";
import { expectTensor, madeOnHost, type Tensor } from "../tensor.js";
import { mul } from "./elementwise.js";

export interface RandomOptions {
  /** Default `float32`. */
  readonly dtype?: DType;
  readonly device?: Device;
  /** Default: the process' default stream. */
  readonly generator?: Generator;
}

const OPTIONS: OptionKinds<RandomOptions> = { dtype: "dtype", device: "device", generator: "generator" };

function draw(op: string, shape: Shape, options: RandomOptions, next: (generator: Generator) => number): Tensor {
  const { dtype = "float32", device = defaultDevice(), generator = defaultGenerator() } = options;
  expectShape(op, shape);
  return madeOnHost(dtype, shape, device, (data) => {
    for (let i = 0; i < data.length; i++) data[i] = next(generator);
  });
}

/** Uniform in [low, high). */
export function uniform(shape: Shape, low = 0, high = 1, options: RandomOptions = {}): Tensor {
  expectOptions("uniform", options, OPTIONS);
  expectFloat("uniform", "dtype", options.dtype ?? "float32");
  expectFinite("uniform", "low", low);
  expectFinite("uniform", "high", high);
  return draw("uniform", shape, options, (generator) => low + (high - low) * generator.uniform());
}

/** Normal with the given mean and standard deviation. */
export function normal(shape: Shape, mean = 0, deviation = 1, options: RandomOptions = {}): Tensor {
  expectOptions("normal", options, OPTIONS);
  expectFloat("normal", "dtype", options.dtype ?? "float32");
  expectFinite("normal", "mean", mean);
  expectFinite("normal", "deviation", deviation);
  return draw("normal", shape, options, (generator) => mean + deviation * generator.normal());
}

/** Uniform integers in [low, high), int32. */
export function randomIntegers(shape: Shape, low: number, high: number, options: RandomOptions = {}): Tensor {
  expectOptions("randomIntegers", options, OPTIONS);
  expectInteger("randomIntegers", "low", low);
  expectInteger("randomIntegers", "high", high);
  if (high <= low) {
    throw new ValueError({
      op: "randomIntegers",
      argument: "high",
      expected: "an integer above low",
      received: `low ${low}, high ${high}`,
    });
  }
  if (low < -(2 ** 31) || high > 2 ** 31) {
    throw new ValueError({
      op: "randomIntegers",
      argument: "low and high",
      expected: "integers that int32 can hold",
      received: `low ${low}, high ${high}`,
    });
  }
  const next = (generator: Generator) => low + generator.integer(high - low);
  return draw("randomIntegers", shape, { dtype: "int32", ...options }, next);
}

interface DropoutMaskAttrs {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly device: Device;
  readonly p: number;
  /** The first number decides on the first element, and so on. */
  readonly stream: GeneratorState;
}

/** 0 where a uniform number is below p, else 1/(1 − p). Its kernels draw the same numbers as the host. */
const dropoutMaskOp = /* @__PURE__ */ defineOp<DropoutMaskAttrs>({
  name: "dropoutMask",
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
  compose(_, { shape, dtype, device, p, stream }) {
    const scale = 1 / (1 - p);
    const options = { dtype, device, generator: Generator.from(stream) };
    return [draw("dropout", shape, options, (generator) => (generator.uniform() < p ? 0 : scale))];
  },
  differentiable: false,
});

/**
 * `x` with each element zeroed with probability `p` and the others divided by 1 − p (inverted dropout, Srivastava et al.
 * 2014): the expectation stays.
 * @throws ValueError unless 0 ≤ p < 1
 */
export function dropout(x: Tensor, p: number, generator: Generator = defaultGenerator()): Tensor {
  expectTensor("dropout", "x", x);
  expectShare("dropout", "p", p, "a probability from 0 to below 1");
  expectGenerator("dropout", generator);
  if (p === 0) return x;
  expectFloat("dropout", "x", x.dtype);
  const { shape, dtype, device } = x;
  const stream = generator.state();
  generator.skip(x.size);
  return composite("dropout", () => mul(x, dispatch(dropoutMaskOp, [], { shape, dtype, device, p, stream })[0]!));
}
