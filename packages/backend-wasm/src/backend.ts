/** The backend: storages in one WebAssembly memory, and the table of kernels. */
import {
  type Backend,
  bytesPerElement,
  Device,
  type DType,
  type FusedKernels,
  type RequiredKernels,
  type StorageId,
  type TypedArray,
  UnsupportedError,
} from "@neurite/core";
import { expectOptions, type OptionKinds } from "@neurite/core/expect";
import { Engine } from "./engine.js";
import { hasRelaxedSimd, hasSimd } from "./features.js";
import { makeArgReduce } from "./kernels/arg-reduce.js";
import { makeCopy } from "./kernels/copy.js";
import { makeFill } from "./kernels/fill.js";
import { fusedKernels } from "./kernels/fused.js";
import { makeGather } from "./kernels/gather.js";
import { makeMap } from "./kernels/map.js";
import { makeMatmul } from "./kernels/matmul.js";
import { makeConcat, makePad } from "./kernels/pad.js";
import { makeReduce } from "./kernels/reduce.js";
import { makeScatterAdd } from "./kernels/scatter-add.js";
import { refuseTurbo } from "./turbo.js";
import type { Features } from "./vector-math.js";
import type { Block } from "./views.js";

/** All kernels over one engine. */
function makeKernels(engine: Engine): RequiredKernels {
  return {
    fill: makeFill(engine),
    copy: makeCopy(engine),
    map: makeMap(engine),
    reduce: makeReduce(engine),
    argReduce: makeArgReduce(engine),
    matmul: makeMatmul(engine),
    gather: makeGather(engine),
    scatterAdd: makeScatterAdd(engine),
    pad: makePad(engine),
    concat: makeConcat(engine),
  };
}

/** A storage's host array over the memory, for one moment: the next allocation may detach it. */
function hostView(engine: Engine, dtype: DType, address: number, length: number): TypedArray {
  const { buffer } = engine.heap.memory;
  if (dtype === "float32") return new Float32Array(buffer, address, length);
  if (dtype === "int32") return new Int32Array(buffer, address, length);
  return new Uint8Array(buffer, address, length);
}

/** Storages are blocks of the engine's memory. */
export class WasmBackend implements Backend {
  readonly spec = 1;
  readonly dtypes = {
    float32: "arithmetic",
    int32: "arithmetic",
    bool: "arithmetic",
    uint8: "storage",
    float64: "none",
  } as const;
  readonly limits = { maxElements: 2 ** 30, maxReduction: 2 ** 30 };
  readonly kernels: RequiredKernels;
  readonly fused: FusedKernels;

  constructor(
    readonly name: string,
    readonly engine: Engine,
  ) {
    this.kernels = makeKernels(engine);
    this.fused = fusedKernels(engine);
  }

  alloc(dtype: DType, length: number): Block {
    const bytes = length * bytesPerElement(dtype);
    return { pointer: this.engine.heap.allocate(bytes), bytes, dtype, packs: null };
  }

  free(id: StorageId): void {
    const block = id as Block;
    const { heap, packs } = this.engine;
    if (block.packs !== null) packs.drop(block);
    heap.release(block.pointer, block.bytes);
  }

  write(id: StorageId, data: TypedArray): void {
    const { pointer, dtype } = id as Block;
    hostView(this.engine, dtype, pointer, data.length).set(data);
  }

  readSync(id: StorageId, offset: number, length: number): TypedArray {
    const { pointer, dtype } = id as Block;
    return hostView(this.engine, dtype, pointer + offset * bytesPerElement(dtype), length).slice();
  }

  async read(id: StorageId, offset: number, length: number): Promise<TypedArray> {
    return this.readSync(id, offset, length);
  }

  flush(): void {}
}

export interface WasmOptions {
  /**
   * Fused multiply-add through relaxed SIMD. Default: where the engine has it. `false` rounds products and sums apart, which
   * gives the same bits on every machine.
   */
  readonly relaxed?: boolean;
  /**
   * Wide vectors through an experimental flag of V8 (Node 24), for the whole process: matrix products run almost twice as
   * fast. Checked first; stays off with a warning where it does not work. Default false.
   */
  readonly turbo?: boolean;
  /** Largest memory in bytes; default 4 GiB. */
  readonly maximumBytes?: number;
}

const OPTIONS: OptionKinds<WasmOptions> = { relaxed: "boolean", turbo: "boolean", maximumBytes: "size" };

/**
 * A device on WebAssembly SIMD, one thread.
 * @throws UnsupportedError where the engine lacks SIMD, or relaxed SIMD that was asked for
 * @example
 * setDefaultDevice(wasm());
 */
export function wasm(options: WasmOptions = {}): Device {
  expectOptions("wasm", options, OPTIONS);
  if (!hasSimd()) throw lacking("128-bit SIMD", "Use @neurite/backend-cpu-js.");
  if (options.relaxed && !hasRelaxedSimd()) {
    throw lacking("relaxed SIMD", "Leave `relaxed` out; in Node 20 it needs --experimental-wasm-relaxed-simd.");
  }
  const relaxed = options.relaxed ?? hasRelaxedSimd();
  return deviceWith(
    { relaxed, wide: options.turbo === true && hasTurbo(relaxed), shared: false },
    options.maximumBytes,
  );
}

function deviceWith(features: Features, maximumBytes?: number): Device {
  return new Device(new WasmBackend("wasm", new Engine(features, maximumBytes)));
}

/** Switches wide vectors on, or warns why not. Checks them first, which takes some tens of milliseconds. */
export function hasTurbo(relaxed: boolean): boolean {
  const refusal = refuseTurbo((wide) => deviceWith({ relaxed, wide, shared: false }));
  // biome-ignore lint/suspicious/noConsole: the caller asked for speed and gets less, which is no error
  if (refusal !== null) console.warn(`neurite: turbo stays off: ${refusal}.`);
  return refusal === null;
}

function lacking(feature: string, remedy: string): UnsupportedError {
  return new UnsupportedError({
    op: "wasm",
    argument: "WebAssembly",
    expected: `an engine with ${feature}`,
    received: "one without",
    remedy,
  });
}
