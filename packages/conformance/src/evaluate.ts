/** Runs a sample once on a device and reads what it gave. */
import { type Device, type DType, fromHost, scope, type Tensor } from "@neurite/core";
import type { Sample } from "./case.js";
import { Mismatch, type Read } from "./compare.js";
import { type MadeInput, makeInput } from "./inputs.js";
import { garbage, type Layout, place, toHost, valuesIn } from "./layouts.js";
import { count, type Plain } from "./plain.js";

/** From tensors to tensors, as a sample's `run` is once dtype and device are fixed. */
export type TensorFunction = (...inputs: Tensor[]) => readonly Tensor[];

/** Stands around every call of an op, e.g. a compiler: gives a function that must do the same. */
export type Wrap = (fn: TensorFunction) => TensorFunction;

export interface Place {
  readonly device: Device;
  readonly wrap: Wrap;
}

export function makeInputs(sample: Sample, dtype: DType, layout: Layout, seed: string): MadeInput[] {
  return sample.inputs.map((spec, i) => valuesIn(layout, makeInput(spec, dtype, `${seed} ${i}`)));
}

/** What the reference gives, with the dtypes that the results must have. */
export function expectedOf(sample: Sample, dtype: DType, inputs: readonly Plain[]): (Plain & { dtype: DType })[] {
  const results = [sample.reference(inputs, { dtype })].flat() as Plain[];
  const types = sample.result ?? dtype;
  return results.map((result, i) => ({ ...result, dtype: typeof types === "string" ? types : types[i] }));
}

/** The sample's function for one dtype. */
export function functionOf({ device, wrap }: Place, sample: Sample, dtype: DType): TensorFunction {
  return wrap((...inputs) => [sample.run(inputs, { device, dtype })].flat() as Tensor[]);
}

/** Puts the inputs on the device, hands them to `body` and disposes them. */
export async function withInputs<T>(
  device: Device,
  inputs: readonly MadeInput[],
  layout: Layout,
  body: (tensors: Tensor[]) => Promise<T>,
): Promise<T> {
  const placed = inputs.map((input) => place(device, input, layout));
  try {
    return await body(placed.map(({ tensor }) => tensor));
  } finally {
    for (const { owned } of placed) for (const tensor of owned) tensor.dispose();
  }
}

/** Reads all tensors and disposes them. */
export async function readAll(tensors: readonly Tensor[]): Promise<Read[]> {
  try {
    return await Promise.all(
      tensors.map(async (tensor) => ({ shape: tensor.shape, dtype: tensor.dtype, data: await tensor.data() })),
    );
  } finally {
    for (const tensor of tensors) tensor.dispose();
  }
}

export function evaluate(
  where: Place,
  sample: Sample,
  dtype: DType,
  inputs: readonly MadeInput[],
  layout: Layout,
): Promise<Read[]> {
  return withInputs(where.device, inputs, layout, (tensors) => readAll(functionOf(where, sample, dtype)(...tensors)));
}

export async function expectUnchanged(where: Place, sample: Sample, dtype: DType, seed: string): Promise<number> {
  const inputs = makeInputs(sample, dtype, "contiguous", seed);
  await withInputs(where.device, inputs, "contiguous", async (tensors) => {
    const outs = functionOf(where, sample, dtype)(...tensors);
    const after = await Promise.all(tensors.map((tensor) => tensor.data()));
    for (const out of outs) out.dispose();
    after.forEach((data, i) => {
      const k = data.findIndex((value, position) => !Object.is(value, inputs[i].data[position]));
      if (k >= 0) throw new Mismatch(`input ${i} has ${data[k]} at element ${k} now, where ${inputs[i].data[k]} was`);
    });
  });
  return 0;
}

/** Storages of the sizes that the sample will ask for, filled with what no result may show, and freed again. */
export function poison(device: Device, sizes: readonly (Plain & { readonly dtype: DType })[]): void {
  scope(() => {
    for (const { shape, dtype } of sizes) {
      const length = count(shape);
      // several of each: the inputs and what lies between take some
      for (let copy = 0; copy < 4 && length > 0; copy++) {
        fromHost(toHost(new Array<number>(length).fill(garbage(dtype)), dtype), dtype, [length], device);
      }
    }
    return null;
  });
}
