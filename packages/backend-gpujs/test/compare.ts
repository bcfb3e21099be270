/** Runs one kernel on this backend and on the reference backend, over the same views. */
import { CpuJsBackend } from "@neurite/backend-cpu-js";
import { type Backend, type DType, hostArray, type RequiredKernels, type TypedArray, type View } from "@neurite/core";
import { afterAll, beforeAll, describe } from "vitest";
import { type GpujsBackend, gpujs, type Mode } from "../src/index.js";

export interface Spec {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly strides?: readonly number[];
  readonly offset?: number;
  readonly data: ArrayLike<number>;
}

export function contiguous(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  for (let axis = shape.length - 1, stride = 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function place(backend: Backend, { dtype, shape, strides, offset, data }: Spec): View {
  const id = backend.alloc(dtype, data.length);
  const host = hostArray(dtype, data.length);
  host.set(Array.from(data));
  backend.write(id, host);
  return { id, dtype, shape, strides: strides ?? contiguous(shape), offset: offset ?? 0 };
}

/** What a kernel returned and what its output holds. */
export interface Outcome {
  readonly status: undefined | false | number;
  readonly values: TypedArray;
}

type Name = keyof RequiredKernels;
type Attrs<K extends Name> = Parameters<RequiredKernels[K]>[2];

export function run<K extends Name>(
  backend: Backend,
  name: K,
  dtype: DType,
  shape: readonly number[],
  inputs: readonly Spec[],
  attrs: Attrs<K>,
): Outcome {
  const views = inputs.map((input) => place(backend, input));
  const id = backend.alloc(dtype, size(shape));
  const out: View = { id, dtype, shape, strides: contiguous(shape), offset: 0 };
  const kernel = backend.kernels[name] as (outs: View[], inputs: View[], attrs: Attrs<K>) => Outcome["status"];
  const status = kernel([out], views, attrs);
  const values = status === undefined ? backend.readSync!(id, 0, size(shape)) : hostArray(dtype, 0);
  for (const view of [out, ...views]) backend.free(view.id);
  return { status, values };
}

/** The same on the reference backend. */
export function reference<K extends Name>(
  name: K,
  dtype: DType,
  shape: readonly number[],
  inputs: readonly Spec[],
  attrs: Attrs<K>,
): Outcome {
  return run(new CpuJsBackend(), name, dtype, shape, inputs, attrs);
}

/** Largest difference, relative beyond 1; equal infinities, NaNs and zeros of one sign differ by 0, unequal ones by ∞. */
export function distance(actual: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (actual.length !== wanted.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < wanted.length; i++) {
    if (Object.is(actual[i], wanted[i])) continue;
    const difference = Math.abs(actual[i] - wanted[i]) / Math.max(1, Math.abs(wanted[i]));
    if (Number.isNaN(difference) || difference === 0) return Infinity;
    worst = Math.max(worst, difference);
  }
  return worst;
}

/** A small seeded generator of numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

export function filled(dtype: DType, length: number, random: () => number): TypedArray {
  const array = hostArray(dtype, length);
  for (let i = 0; i < length; i++) {
    if (dtype === "bool") array[i] = Math.floor(random() * 2);
    else if (dtype === "uint8") array[i] = Math.floor(random() * 256);
    else if (dtype === "int32") array[i] = Math.floor(random() * 2000) - 1000;
    else array[i] = random() * 8 - 4;
  }
  return array;
}

/** Random numbers seen through the given strides, placed so that every element lies inside its array. */
export function strided(
  dtype: DType,
  shape: readonly number[],
  strides: readonly number[],
  random: () => number,
): Spec {
  let low = 0;
  let high = 0;
  for (const [axis, length] of shape.entries()) {
    const reach = (length - 1) * strides[axis];
    if (reach < 0) low += reach;
    else high += reach;
  }
  return { dtype, shape, strides, offset: 3 - low, data: filled(dtype, high - low + 4, random) };
}

export function plain(dtype: DType, shape: readonly number[], random: () => number): Spec {
  return strided(dtype, shape, contiguous(shape), random);
}

/** Runs `tests` in every mode, each with one backend of its own. */
export function describeModes(name: string, tests: (backend: () => GpujsBackend) => void): void {
  for (const mode of ["cpu", "webasm"] satisfies Mode[]) {
    describe(`${name} in mode ${mode}`, () => {
      let backend: GpujsBackend;
      beforeAll(async () => {
        backend = (await gpujs({ mode })).backend as GpujsBackend;
      });
      afterAll(() => backend.close());
      tests(() => backend);
    });
  }
}
