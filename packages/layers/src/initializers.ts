/** Initial values of parameters, under the names of `torch.nn.init`. */
import {
  type Device,
  type DType,
  defaultDevice,
  defaultGenerator,
  expectFloat,
  expectShape,
  formatShape,
  full,
  type Generator,
  isParameter,
  madeOnHost,
  normal,
  type Parameter,
  type Shape,
  ShapeError,
  scope,
  sizeOf,
  type Tensor,
  type TypedArray,
  uniform,
  ValueError,
} from "@neurite/core";
import {
  expectFinite,
  expectFunction,
  expectOneOf,
  expectOptions,
  expectRecord,
  type OptionKinds,
} from "@neurite/core/expect";
import { expectModule } from "./expect.js";
import { INIT_OPTIONS, initOptions } from "./init-options.js";
import type { Module } from "./module.js";

/** Where and from which random stream a layer makes its parameters. */
export interface InitOptions {
  readonly device?: Device;
  /** Default `float32`. */
  readonly dtype?: DType;
  readonly generator?: Generator;
}

/** Which axes of a weight are its units, for the count of connections. */
export interface FanOptions {
  /** Names of the axes, as `Parameter.layout` has them. Default `out,in` for a matrix, `…,in,out` for filters. */
  readonly layout?: string;
}

const FANS: OptionKinds<FanOptions> = { layout: "string" };
/** What every initialiser may be given; {@link initialize} names the parameter's layout, which not all of them read. */
const INITIALIZER: OptionKinds<InitOptions & FanOptions> = { ...INIT_OPTIONS, ...FANS };

/** Uniform in [−bound, bound). */
export function initUniform(shape: Shape, bound: number, options: InitOptions & FanOptions = {}): Tensor {
  expectFinite("initUniform", "bound", bound, 0);
  expectOptions("initUniform", options, INITIALIZER);
  return uniform(shape, -bound, bound, initOptions(options));
}

/** Normal with mean 0. */
export function initNormal(shape: Shape, deviation: number, options: InitOptions & FanOptions = {}): Tensor {
  expectFinite("initNormal", "deviation", deviation, 0);
  expectOptions("initNormal", options, INITIALIZER);
  return normal(shape, 0, deviation, initOptions(options));
}

/** All elements `value`. */
export function initConstant(shape: Shape, value: number, options: InitOptions & FanOptions = {}): Tensor {
  expectOptions("initConstant", options, INITIALIZER);
  const { generator: _, ...rest } = initOptions(options);
  return full(shape, value, rest);
}

export interface TruncatedNormalOptions extends InitOptions, FanOptions {
  /** In deviations. Default −2. */
  readonly low?: number;
  /** In deviations. Default 2. */
  readonly high?: number;
}

const TRUNCATED_NORMAL: OptionKinds<TruncatedNormalOptions> = { ...INITIALIZER, low: "number", high: "number" };

/** Normal, with numbers beyond `low` and `high` drawn again. */
export function initTruncatedNormal(shape: Shape, deviation = 1, given: TruncatedNormalOptions = {}): Tensor {
  expectOptions("initTruncatedNormal", given, TRUNCATED_NORMAL);
  const { low = -2, high = 2, ...options } = given;
  expectFinite("initTruncatedNormal", "deviation", deviation, 0);
  // at most six deviations off, so that a draw is likely to fall inside soon
  if (!(low < high) || low > 3 || high < -3) {
    throw new ValueError({
      op: "initTruncatedNormal",
      argument: "low and high",
      expected: "low < high with part of [−3, 3] between them",
      received: `${low} and ${high}`,
    });
  }
  return drawn("initTruncatedNormal", shape, options, (generator) => {
    for (;;) {
      const z = generator.normal();
      if (z >= low && z <= high) return deviation * z;
    }
  });
}

function drawn(op: string, shape: Shape, options: InitOptions, next: (generator: Generator) => number): Tensor {
  const { dtype = "float32", device = defaultDevice(), generator = defaultGenerator() } = options;
  expectFloat(op, "dtype", dtype);
  expectShape(op, shape);
  return madeOnHost(dtype, shape, device, (data) => {
    for (let i = 0; i < data.length; i++) data[i] = next(generator);
  });
}

/**
 * Connections into and out of a unit: for a matrix [out, in] its sides; for filters [...size, in, out] the channels times
 * the filter's positions.
 * @throws ShapeError for fewer than two axes
 */
export function fans(shape: Shape, options: FanOptions = {}): { readonly fanIn: number; readonly fanOut: number } {
  expectShape("fans", shape);
  expectOptions("fans", options, FANS);
  const { layout = "" } = options;
  if (shape.length < 2) {
    throw new ShapeError({
      op: "fans",
      argument: "shape",
      expected: "at least two axes, units in and out",
      received: formatShape(shape),
      remedy: "Biases have no fans; use initConstant.",
    });
  }
  const names = layout.split(",");
  const marked = names.length === shape.length;
  const find = (name: string, otherwise: number) => {
    const at = marked ? names.findIndex((axis) => axis === name || axis.endsWith(`·${name}`)) : -1;
    return at < 0 ? otherwise : at;
  };
  const matrix = shape.length === 2;
  const out = find("out", matrix ? 0 : shape.length - 1);
  const into = find("in", matrix ? 1 : shape.length - 2);
  const positions = sizeOf(shape.filter((_, i) => i !== out && i !== into));
  return { fanIn: shape[into]! * positions, fanOut: shape[out]! * positions };
}

export interface XavierOptions extends InitOptions, FanOptions {
  /** Factor; see {@link gainOf}. Default 1. */
  readonly gain?: number;
}

const XAVIER: OptionKinds<XavierOptions> = { ...INITIALIZER, gain: "number" };

/** Uniform in ±gain·√(6/(fan in + fan out)) (Glorot & Bengio 2010). */
export function initXavierUniform(shape: Shape, options: XavierOptions = {}): Tensor {
  expectOptions("initXavierUniform", options, XAVIER);
  const { gain = 1, layout, ...init } = options;
  const { fanIn, fanOut } = fans(shape, layout ? { layout } : {});
  return initUniform(shape, gain * Math.sqrt(6 / (fanIn + fanOut)), init);
}

/** Normal with deviation gain·√(2/(fan in + fan out)) (Glorot & Bengio 2010). */
export function initXavierNormal(shape: Shape, options: XavierOptions = {}): Tensor {
  expectOptions("initXavierNormal", options, XAVIER);
  const { gain = 1, layout, ...init } = options;
  const { fanIn, fanOut } = fans(shape, layout ? { layout } : {});
  return initNormal(shape, gain * Math.sqrt(2 / (fanIn + fanOut)), init);
}

export interface KaimingOptions extends InitOptions, FanOptions {
  /** Which count keeps its variance: that of the forward pass (`in`) or of the gradients (`out`). Default `in`. */
  readonly mode?: "in" | "out";
  /** Factor; see {@link gainOf}. Default √2, for ReLU. */
  readonly gain?: number;
}

const KAIMING: OptionKinds<KaimingOptions> = { ...XAVIER, mode: ["in", "out"] };

/** Uniform in ±gain·√(3/fan) (He et al. 2015). */
export function initKaimingUniform(shape: Shape, options: KaimingOptions = {}): Tensor {
  return initUniform(shape, Math.sqrt(3) * kaimingDeviation(shape, options), initOptions(options));
}

/** Normal with deviation gain/√fan (He et al. 2015). */
export function initKaimingNormal(shape: Shape, options: KaimingOptions = {}): Tensor {
  return initNormal(shape, kaimingDeviation(shape, options), initOptions(options));
}

function kaimingDeviation(shape: Shape, options: KaimingOptions): number {
  expectOptions("initKaiming", options, KAIMING);
  const { mode = "in", gain = Math.SQRT2, layout } = options;
  const { fanIn, fanOut } = fans(shape, layout ? { layout } : {});
  return gain / Math.sqrt(mode === "in" ? fanIn : fanOut);
}

/**
 * Factor that keeps the variance through an activation, as PyTorch's `calculate_gain`.
 * @param slope of `leakyRelu` below 0; default 0.01
 */
export function gainOf(
  activation: "linear" | "sigmoid" | "tanh" | "relu" | "leakyRelu" | "selu",
  slope = 0.01,
): number {
  expectFinite("gainOf", "slope", slope);
  expectOneOf("gainOf", "activation", activation, ["linear", "sigmoid", "tanh", "relu", "leakyRelu", "selu"]);
  switch (activation) {
    case "tanh":
      return 5 / 3;
    case "relu":
      return Math.SQRT2;
    case "leakyRelu":
      return Math.sqrt(2 / (1 + slope ** 2));
    case "selu":
      return 3 / 4;
    default:
      return 1;
  }
}

/**
 * A matrix whose rows or columns, whichever are fewer, are orthonormal, times `gain` (Saxe et al. 2014). Tensors of more
 * axes count as matrices [first, all others]; filters, whose last axis is `out`, as [all others, last].
 */
export function initOrthogonal(shape: Shape, given: XavierOptions = {}): Tensor {
  expectOptions("initOrthogonal", given, XAVIER);
  const { gain = 1, layout, ...options } = given;
  fans(shape, layout ? { layout } : {});
  const split = shape.length === 2 ? 1 : shape.length - 1;
  const rows = sizeOf(shape.slice(0, split));
  const columns = sizeOf(shape.slice(split));
  const { dtype = "float32", device = defaultDevice(), generator = defaultGenerator() } = options;
  expectFloat("initOrthogonal", "dtype", dtype);
  return madeOnHost(dtype, shape, device, (data) => fillOrthogonal(data, rows, columns, gain, generator));
}

/** Writes `gain` times a matrix [rows, columns] with orthonormal rows or columns. */
function fillOrthogonal(data: TypedArray, rows: number, columns: number, gain: number, generator: Generator): void {
  const [count, length] = [Math.min(rows, columns), Math.max(rows, columns)];
  const basis: Float64Array[] = [];
  while (basis.length < count) {
    const next = Float64Array.from({ length }, () => generator.normal());
    // twice, since once leaves rounding errors (Giraud et al. 2005)
    for (let pass = 0; pass < 2; pass++) for (const other of basis) subtractProjection(next, other);
    const norm = Math.sqrt(next.reduce((total, value) => total + value * value, 0));
    // a random vector lies in the span of others only by bad luck: draw anew
    if (norm > 1e-6) basis.push(next.map((value) => value / norm));
  }
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      data[i * columns + j] = gain * (rows <= columns ? basis[i]![j]! : basis[j]![i]!);
    }
  }
}

function subtractProjection(x: Float64Array, unit: Float64Array): void {
  let dot = 0;
  for (let i = 0; i < x.length; i++) dot += x[i]! * unit[i]!;
  for (let i = 0; i < x.length; i++) x[i]! -= dot * unit[i]!;
}

/** A function like those above, or one of your own: shape and options, with the parameter's layout, to the initial value. */
export type Initializer = (shape: Shape, options: InitOptions & FanOptions) => Tensor;

/**
 * Gives a parameter, or all parameters of a module that have two axes or more, a new initial value; the axes are read from
 * the parameters' layouts.
 * @example
 * initialize(layer.weight, initKaimingNormal, { mode: "out" });
 * initialize(model, initOrthogonal);
 */
export function initialize<I extends Initializer>(
  target: Parameter | Module,
  initializer: I,
  options?: Parameters<I>[1],
): void {
  if (!isParameter(target)) expectModule("initialize", "target", target);
  expectFunction("initialize", "initializer", initializer);
  if (options !== undefined) expectRecord("initialize", "options", options, "the initializer's options");
  const chosen = isParameter(target)
    ? [target]
    : Object.values(target.parameters()).filter((parameter) => parameter.rank >= 2);
  for (const parameter of chosen) {
    const { shape, layout, dtype, device } = parameter;
    scope(() => {
      parameter.assign(initializer(shape, { layout, dtype, device, ...options }));
    });
  }
}
