/** Random tensors. Numbers are drawn on the host, or as the host would, so every backend gets the same ones. */
import { type Device, defaultDevice } from "../device.js";
import { dispatch } from "../dispatch.js";
import { type DType, expectFloat, fits } from "../dtype.js";
import { elementwise } from "../elementwise.js";
import { ValueError } from "../errors.js";
import { expectFinite, expectInteger, expectOptions, expectShare, type OptionKinds } from "../expect.js";
import { e } from "../expression.js";
import { defineOp, type OpRecord } from "../op.js";
import { defaultGenerator, expectGenerator, Generator, type GeneratorState } from "../random.js";
import { composite } from "../scope.js";
import { expectShape, type Shape } from "../shape.js";
import { expectTensor, madeOnHost, type Tensor } from "../tensor.js";

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

interface StreamAttrs {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly device: Device;
  /** The first numbers decide on the first element, and so on. */
  readonly stream: GeneratorState;
}

interface UniformAttrs {
  readonly low: number;
  readonly high: number;
}

interface NormalAttrs {
  readonly mean: number;
  readonly deviation: number;
}

/** An op whose elements come from the numbers of a stream. Its kernels give what the host would, to the bit. */
function streamOp<A>(name: string, next: (generator: Generator, attrs: A) => number): OpRecord<StreamAttrs & A> {
  return defineOp<StreamAttrs & A>({
    name,
    infer: (_, { shape, dtype }) => [{ shape, dtype }],
    compose: (_, attrs) => {
      const generator = Generator.from(attrs.stream);
      return [draw(name, attrs.shape, { ...attrs, generator }, () => next(generator, attrs))];
    },
    differentiable: false,
  });
}

const uniformOp = /* @__PURE__ */ streamOp<UniformAttrs>(
  "uniform",
  (generator, { low, high }) => low + (high - low) * generator.uniform(),
);

const normalOp = /* @__PURE__ */ streamOp<NormalAttrs>(
  "normal",
  (generator, { mean, deviation }) => mean + deviation * generator.normal(),
);

/** Runs an op on the next numbers of a stream, `each` for an element, and passes over them. */
function drawn<A>(op: OpRecord<StreamAttrs & A>, each: number, shape: Shape, options: RandomOptions, attrs: A): Tensor {
  const { dtype = "float32", device = defaultDevice(), generator = defaultGenerator() } = options;
  expectShape(op.name, shape);
  expectFloat(op.name, "dtype", dtype);
  const [tensor] = dispatch(op, [], { shape, dtype, device, stream: generator.state(), ...attrs });
  // a dry device draws nothing
  if (!device.backend.dry) generator.skip(each * tensor!.size);
  return tensor!;
}

/** Uniform in [low, high). */
export function uniform(shape: Shape, low = 0, high = 1, options: RandomOptions = {}): Tensor {
  expectOptions("uniform", options, OPTIONS);
  expectFinite("uniform", "low", low);
  expectFinite("uniform", "high", high);
  return drawn(uniformOp, 1, shape, options, { low, high });
}

/** Normal with the given mean and standard deviation. */
export function normal(shape: Shape, mean = 0, deviation = 1, options: RandomOptions = {}): Tensor {
  expectOptions("normal", options, OPTIONS);
  expectFinite("normal", "mean", mean);
  expectFinite("normal", "deviation", deviation);
  return drawn(normalOp, 2, shape, options, { mean, deviation });
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
  const { dtype = "int32" } = options;
  if (!fits(low, dtype) || !fits(high - 1, dtype)) {
    throw new ValueError({
      op: "randomIntegers",
      argument: "low and high",
      expected: `integers that ${dtype} can hold`,
      received: `low ${low}, high ${high}`,
    });
  }
  const next = (generator: Generator) => low + generator.integer(high - low);
  return draw("randomIntegers", shape, { dtype: "int32", ...options }, next);
}

/** 0 where a uniform number is below p, else 1/(1 − p). */
const dropoutMaskOp = /* @__PURE__ */ streamOp<{ readonly p: number }>("dropoutMask", (generator, { p }) =>
  generator.uniform() < p ? 0 : 1 / (1 - p),
);

/** x times a mask; 0 where that is 0, whatever x and its error are. */
const dropped = /* @__PURE__ */ elementwise(
  "dropout",
  2,
  0,
  (x, mask) => e.weigh(mask!, x!),
  (_, mask) => [e.select(e.eq(mask!, 0), 0, mask!), null],
);

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
  return composite("dropout", () => dropped([x, dispatch(dropoutMaskOp, [], { shape, dtype, device, p, stream })[0]!]));
}
