/** What a call is, and what it gives on a device. Read next: `compare.ts`, and any file of `calls/`. */
import { valueAndGrad } from "@neurite/autograd";
import {
  add,
  cast,
  type Device,
  type DType,
  fromHost,
  isFloat,
  isNeuriteError,
  mul,
  type Shape,
  scope,
  setDefaultDevice,
  sum,
  type Tensor,
  type TypedArray,
  zeros,
} from "@neurite/core";
import type * as fc from "fast-check";
import { describeTensor, make, type TensorSpec } from "./tensors.js";

/**
 * How close a float32 result must come to the float64 result of the same numbers, rounded: to the bit (`exact`), within
 * units in the last place (`ulps`), within a share of max(1, |result|) (`near`), or of the largest result of the tensor
 * (`scaled`, for sums of many terms).
 */
export type Accuracy =
  | { readonly kind: "exact" }
  | { readonly kind: "ulps" | "near" | "scaled"; readonly limit: number };

export const EXACT: Accuracy = { kind: "exact" };
export const ulps = (limit: number): Accuracy => ({ kind: "ulps", limit });
export const near = (limit: number): Accuracy => ({ kind: "near", limit });
export const scaled = (limit: number): Accuracy => ({ kind: "scaled", limit });

/** Arguments of a call. Options are plain data, so that they can be printed. */
export interface Arguments<O> {
  readonly inputs: readonly TensorSpec[];
  readonly options: O;
}

/** A kind of call: how its arguments are drawn, and how it is made. */
export interface Kind<O> {
  readonly op: string;
  readonly draw: fc.Arbitrary<Arguments<O>>;
  run(inputs: readonly Tensor[], options: O): Tensor | readonly Tensor[];
  readonly accuracy: Accuracy;
  /** Of gradients; null: none is taken. */
  readonly gradient: Accuracy | null;
}

/** A kind of call with its arguments drawn. */
export interface Call {
  readonly op: string;
  readonly inputs: readonly TensorSpec[];
  readonly options: unknown;
  readonly accuracy: Accuracy;
  readonly gradient: Accuracy | null;
  run(inputs: readonly Tensor[]): Tensor | readonly Tensor[];
}

/** The calls of a kind. */
export function callsOf<O>({ op, draw, run, accuracy, gradient }: Kind<O>): fc.Arbitrary<Call> {
  return draw.map(({ inputs, options }) => ({
    op,
    inputs,
    options,
    accuracy,
    gradient,
    run: (tensors) => run(tensors, options),
  }));
}

export function describeCall({ op, inputs, options }: Call): string {
  const lines = inputs.map((input, i) => `  input ${i}: ${describeTensor(input)}`);
  return [`${op} with options ${JSON.stringify(options, showNumber)}`, ...lines].join("\n");
}

const showNumber = (_: string, value: unknown): unknown =>
  typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
    ? Object.is(value, -0)
      ? "-0"
      : String(value)
    : value;

/** A tensor as it was read. */
export interface Values {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data: TypedArray;
}

/** What a call gave: values and gradients, or the code of the error that refused it. */
export type Outcome =
  | { readonly results: readonly Values[]; readonly gradients: readonly Values[] }
  | { readonly refused: string };

/** What no call may do, such as throwing a TypeError or losing a storage. */
export class Misbehaviour extends Error {
  override readonly name = "Misbehaviour";
}

async function readAll(tensors: readonly Tensor[]): Promise<Values[]> {
  const values = await Promise.all(
    tensors.map(async ({ shape, dtype }, i) => ({ shape, dtype, data: await tensors[i]!.data() })),
  );
  for (const tensor of new Set(tensors)) tensor.dispose();
  return values;
}

/** Weights of a loss, the same on every device: of 1 and above, so that no gradient fits whose result does not. */
function weightsFor({ shape, dtype, device }: Tensor): Tensor {
  const length = shape.reduce((n, side) => n * side, 1);
  const data = Float64Array.from({ length }, (_, i) => (i % 3 === 0 ? -1 : 1) * (1 + ((i * 37) % 17) / 16));
  return fromHost(dtype === "float64" ? data : Float32Array.from(data), dtype, shape, device);
}

/** Gradients by the inputs that are floats, of the sum of all results that are, each weighted. */
function gradientsOf({ run }: Call, tensors: readonly Tensor[]): Tensor[] {
  const sources = tensors.filter(({ dtype, size }) => isFloat(dtype) && size > 0);
  if (sources.length === 0) return [];
  const loss = () => {
    const results = [run(tensors)].flat() as Tensor[];
    const { dtype, device } = sources[0]!;
    // a cast may have made another float than the inputs'
    const terms = results.filter((y) => isFloat(y.dtype)).map((y) => cast(sum(mul(weightsFor(y), y)), dtype));
    return terms.reduce((a, b) => add(a, b), zeros([], { dtype, device }));
  };
  const { grads } = valueAndGrad(loss, sources)();
  return [...grads] as Tensor[];
}

/** Makes the call on a device. @throws Misbehaviour for an error that is none of ours, or storages left behind */
export async function outcomeOn(device: Device, call: Call, wide: boolean): Promise<Outcome> {
  // where ops without inputs run
  setDefaultDevice(device);
  const before = device.memory().storages;
  const outcome = await attempt(device, call, wide);
  const left = device.memory().storages - before;
  if (left !== 0) throw new Misbehaviour(`${left} storages are left behind`);
  return outcome;
}

async function attempt(device: Device, call: Call, wide: boolean): Promise<Outcome> {
  const made = call.inputs.map((input) => make(input, device, wide));
  const tensors = made.map(({ tensor }) => tensor);
  try {
    // a result may be an input, so what is read has a handle of its own
    const results = await readAll(scope(() => ([call.run(tensors)].flat() as Tensor[]).map((y) => y.alias())));
    const gradients = call.gradient ? await readAll(scope(() => gradientsOf(call, tensors))) : [];
    return { results, gradients };
  } catch (error) {
    if (isNeuriteError(error)) return { refused: error.code };
    throw new Misbehaviour(`throws ${error}`, { cause: error });
  } finally {
    for (const { owned } of made) for (const tensor of owned) tensor.dispose();
  }
}
