/**
 * The contract between ops and backends. A backend stores numbers and runs kernels on views; it never validates
 * shapes or dtypes (ops do, once), and it never sees an empty tensor (core answers those).
 * Read next: `device.ts`, which owns a backend's storages, and `docs/guides/add-a-backend.md`.
 */
import type { DType, TypedArray } from "./dtype.js";
import type { MapFunction } from "./expression.js";
import type { Shape } from "./shape.js";

/** A backend's own name for one storage: an index, a pointer or an object, opaque to everyone else. */
export type StorageId = number | object;

/**
 * A rectangular look into a storage: element `i` is at `offset + Σ i[k]·strides[k]`, counted in elements. It is good for the
 * one call that gets it: a kernel that works later copies what it needs.
 */
export interface View {
  readonly id: StorageId;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly offset: number;
}

/**
 * Runs on whole contiguous outputs that share no storage with the inputs. Returns nothing when done, `false` to decline
 * (optional kernels only; core then runs the composition), or the position of the first out-of-range index.
 */
export type Kernel<A = never> = (
  outs: readonly View[],
  inputs: readonly View[],
  attrs: A,
) => undefined | false | number;

export type ReduceKind = "sum" | "prod" | "max" | "min";
export type ArgReduceKind = "argMax" | "argMin";

/** One elementwise function over views of one shape, already broadcast and coalesced. */
export interface MapAttrs {
  readonly fn: MapFunction;
  /** Values of the function's scalar parameters, rounded to the arithmetic's dtype by the kernel. */
  readonly scalars: readonly number[];
}

/**
 * Padding of one contiguous tensor, per axis: `before` and `after` elements at the ends and `interior` between
 * neighbours, all non-negative.
 */
export interface PadAttrs {
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly interior: readonly number[];
  readonly value: number;
}

/**
 * What every backend must have. Shapes below are those of the views the kernel gets; "strided" inputs may have any
 * strides, 0 and negative ones too, all other inputs are contiguous with offset 0 or more.
 */
export interface RequiredKernels {
  /** outs `[n]`; every element becomes `value`. */
  fill: Kernel<{ readonly value: number }>;
  /** outs contiguous, inputs `[x]` strided, same shape after coalescing; converts between dtypes: float → int truncates toward zero, all integers saturate, NaN → int is 0, anything → bool is `≠ 0`. */
  copy: Kernel<Record<string, never>>;
  /** outs contiguous, inputs strided, all of one coalesced shape. */
  map: Kernel<MapAttrs>;
  /** outs `[outer, inner]`, input `[outer, n, inner]`; `max` and `min` hand on NaN. */
  reduce: Kernel<{ readonly kind: ReduceKind }>;
  /** outs int32 `[outer, inner]`, input `[outer, n, inner]`; the first position wins a tie, NaN counts as the extreme. */
  argReduce: Kernel<{ readonly kind: ArgReduceKind }>;
  /** outs `[b, m, n]`, inputs `[b, m, k]` and `[b, k, n]`, strided (a batch stride may be 0). */
  matmul: Kernel<Record<string, never>>;
  /** outs `[outer, m, inner]`, inputs `[outer, n, inner]` and int32 indices `[m]`: `out[o, i] = x[o, index[i]]`. */
  gather: Kernel<Record<string, never>>;
  /** outs `[outer, n, inner]`, inputs updates `[outer, m, inner]` and int32 indices `[m]`: zero, then `out[o, index[i]] += updates[o, i]` in order of i. */
  scatterAdd: Kernel<Record<string, never>>;
  /** See {@link PadAttrs}. */
  pad: Kernel<PadAttrs>;
  /** outs `[outer, Σ nᵢ, inner]`, inputs `[outer, nᵢ, inner]`. */
  concat: Kernel<Record<string, never>>;
}

/** Fused kernels by the name of the op they serve. Their attributes are the op's own. */
export type FusedKernels = Readonly<Record<string, FusedKernel>>;
// biome-ignore lint/suspicious/noExplicitAny: attributes belong to the op; the op's own type checks them
export type FusedKernel = Kernel<any> & {
  /** It takes inputs that are not contiguous. */
  readonly strided?: boolean;
  /** Outputs may be among the inputs. It then declines before it writes, or not at all. */
  readonly inPlace?: boolean;
};

export interface Limits {
  /** Most elements one storage may hold. */
  readonly maxElements: number;
  /** Longest reduction or inner product one kernel can run. */
  readonly maxReduction: number;
}

/** `none`: refused; `storage`: can be held, copied and gathered; `arithmetic`: every op that the dtype allows. */
export type DTypeSupport = "none" | "storage" | "arithmetic";

export interface Backend {
  readonly name: string;
  /** Version of this contract. */
  readonly spec: 1;
  readonly dtypes: Readonly<Record<DType, DTypeSupport>>;
  readonly limits: Limits;
  /** Room for `length` ≥ 1 elements, contents undefined. Memory may be bound at the first write. */
  alloc(dtype: DType, length: number): StorageId;
  free(id: StorageId): void;
  /** Fills the whole storage from a host array of its dtype. */
  write(id: StorageId, data: TypedArray): void;
  /** A copy of `length` elements from `offset`. The storage is not freed before the promise settles. */
  read(id: StorageId, offset: number, length: number): Promise<TypedArray>;
  /** The same at once; only where that does not block on another device. */
  readSync?(id: StorageId, offset: number, length: number): TypedArray;
  /** Starts all work queued so far. */
  flush(): void;
  /** Gives back workers and device handles, if any. */
  close?(): void | Promise<void>;
  readonly kernels: RequiredKernels;
  readonly fused?: FusedKernels;
  /** It holds no numbers and its kernels do nothing: for runs that tell shapes. Host data is not made for it. */
  readonly dry?: true;
}
