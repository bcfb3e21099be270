/** A storage: the latest result bound to it, and the conversion between float32 inside and the dtype outside. */
import { type DType, hostArray, type TypedArray, UnsupportedError, type View } from "@neurite/core";
import type { Handle } from "./gpu.js";

/** Integers beyond ±2²⁴ are not all float32 numbers. */
export const MAX_INTEGER = 2 ** 24;

export class GpuStorage {
  /** Bound by the first write or kernel. */
  #handle: Handle | null = null;

  constructor(
    readonly dtype: DType,
    readonly length: number,
  ) {}

  get handle(): Handle {
    if (!this.#handle) throw new Error("internal: a storage was read before it was written");
    return this.#handle;
  }

  /** Takes over a kernel's result and deletes the one before. */
  bind(handle: Handle): void {
    this.clear();
    this.#handle = handle;
  }

  clear(): void {
    this.#handle?.delete?.();
    this.#handle = null;
  }

  /** @throws UnsupportedError for integers that float32 cannot hold */
  write(data: TypedArray): void {
    if (this.dtype === "int32") expectExact(data);
    this.bind(Float32Array.from(data));
  }

  read(offset: number, length: number): TypedArray {
    const values = this.handle.subarray(offset, offset + length);
    const out = hostArray(this.dtype, length);
    if (this.dtype === "int32") for (let i = 0; i < length; i++) out[i] = Math.min(values[i], 2 ** 31 - 1);
    else out.set(values);
    return out;
  }
}

function expectExact(data: TypedArray): void {
  for (let i = 0; i < data.length; i++) {
    if (Math.abs(data[i]) > MAX_INTEGER) {
      throw new UnsupportedError({
        op: "write",
        argument: "data",
        expected: `int32 values between -${MAX_INTEGER} and ${MAX_INTEGER}, which backend "gpujs" holds as float32`,
        received: `${data[i]} at position ${i}`,
        remedy: "Use another backend for larger integers.",
      });
    }
  }
}

export function storageOf(view: View): GpuStorage {
  return view.id as GpuStorage;
}

export function handleOf(view: View): Handle {
  return storageOf(view).handle;
}

export function elementsOf(view: View): number {
  let size = 1;
  for (const length of view.shape) size *= length;
  return size;
}
