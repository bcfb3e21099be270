/**
 * The reference backend: plain TypeScript loops over typed arrays, synchronous, float64 included, no code generated at
 * run time. A storage is the typed array itself. Read next: `pool.ts` and any file of `kernels/`.
 */
import {
  type Backend,
  Device,
  type DType,
  type DTypeSupport,
  type Limits,
  type RequiredKernels,
  type StorageId,
  type TypedArray,
} from "@neurite/core";
import { argReduce } from "./kernels/arg-reduce.js";
import { concat } from "./kernels/concat.js";
import { copy } from "./kernels/copy.js";
import { fill } from "./kernels/fill.js";
import { gather } from "./kernels/gather.js";
import { map } from "./kernels/map.js";
import { matmul } from "./kernels/matmul.js";
import { pad } from "./kernels/pad.js";
import { reduce } from "./kernels/reduce.js";
import { scatterAdd } from "./kernels/scatter-add.js";
import { Pool } from "./pool.js";

const KERNELS: RequiredKernels = { fill, copy, map, reduce, argReduce, matmul, gather, scatterAdd, pad, concat };

export class CpuJsBackend implements Backend {
  readonly name = "cpu-js";
  readonly spec = 1;
  readonly dtypes: Readonly<Record<DType, DTypeSupport>> = {
    float32: "arithmetic",
    float64: "arithmetic",
    int32: "arithmetic",
    bool: "arithmetic",
    uint8: "storage",
  };
  /** Indices are kept within int32, where V8's integer arithmetic is fast. */
  readonly limits: Limits = { maxElements: 2 ** 31 - 1, maxReduction: 2 ** 31 - 1 };
  readonly kernels = KERNELS;
  #pool = new Pool();

  alloc(dtype: DType, length: number): StorageId {
    return this.#pool.take(dtype, length);
  }

  free(id: StorageId): void {
    this.#pool.give(id as TypedArray);
  }

  write(id: StorageId, data: TypedArray): void {
    (id as TypedArray).set(data);
  }

  read(id: StorageId, offset: number, length: number): Promise<TypedArray> {
    return Promise.resolve(this.readSync(id, offset, length));
  }

  readSync(id: StorageId, offset: number, length: number): TypedArray {
    return (id as TypedArray).slice(offset, offset + length);
  }

  /** Nothing is queued: every kernel has run when its call returns. */
  flush(): void {}

  close(): void {
    this.#pool = new Pool();
  }
}

/**
 * A device that computes in plain JavaScript.
 *
 * @example
 * setDefaultDevice(cpuJs());
 */
export function cpuJs(): Device {
  return new Device(new CpuJsBackend());
}
