/**
 * A backend whose kernels are source texts that gpu.js compiles, each once for all shapes: sizes, offsets and strides
 * are arguments. Every number is a float32 inside, whatever its dtype. Read next: `launcher.ts`, `map-source.ts`.
 */
import type { Backend, DType, DTypeSupport, Limits, RequiredKernels, StorageId, TypedArray } from "@neurite/core";
import type { Gpu } from "./gpu.js";
import type { Mode } from "./gpujs.js";
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
import { Launcher, MAX_LOOP } from "./launcher.js";
import { GpuStorage, MAX_INTEGER } from "./storage.js";

export class GpujsBackend implements Backend {
  readonly name = "gpujs";
  readonly spec = 1;
  /** The gpu.js mode in use. */
  readonly mode: Mode;
  /** int32 is exact up to ±2²⁴, the integers of float32; float64 has no place. */
  readonly dtypes: Readonly<Record<DType, DTypeSupport>> = {
    float32: "arithmetic",
    float64: "none",
    int32: "arithmetic",
    bool: "arithmetic",
    uint8: "storage",
  };
  /** Kernels compute positions in float32, too. */
  readonly limits: Limits = { maxElements: MAX_INTEGER, maxReduction: MAX_LOOP };
  readonly kernels: RequiredKernels;
  readonly #gpu: Gpu;

  constructor(gpu: Gpu, mode: Mode) {
    this.#gpu = gpu;
    this.mode = mode;
    const launcher = new Launcher(gpu);
    this.kernels = {
      fill: fill(launcher),
      copy: copy(launcher),
      map: map(launcher),
      reduce: reduce(launcher),
      argReduce: argReduce(launcher),
      matmul: matmul(launcher),
      gather: gather(launcher),
      scatterAdd: scatterAdd(launcher),
      pad: pad(launcher),
      concat: concat(launcher),
    };
  }

  alloc(dtype: DType, length: number): StorageId {
    return new GpuStorage(dtype, length);
  }

  free(id: StorageId): void {
    (id as GpuStorage).clear();
  }

  write(id: StorageId, data: TypedArray): void {
    (id as GpuStorage).write(data);
  }

  read(id: StorageId, offset: number, length: number): Promise<TypedArray> {
    return Promise.resolve(this.readSync(id, offset, length));
  }

  /** Both modes run a kernel within its call, so that nothing is waited for. */
  readSync(id: StorageId, offset: number, length: number): TypedArray {
    return (id as GpuStorage).read(offset, length);
  }

  flush(): void {}

  async close(): Promise<void> {
    await this.#gpu.destroy();
  }
}
