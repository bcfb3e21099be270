/**
 * Tensors: a shape over a storage. Views share the storage; the last handle to go frees it.
 * Ops are functions (`ops/`); the few methods here are shorthands for them.
 */
import type { StorageId, View } from "./backend.js";
import { type Device, defaultDevice, expectDevice, type Storage } from "./device.js";
import { freeWhenDropped, unwatch, type Watched } from "./dropped.js";
import { type DType, dtypeOf, hostArray, type TypedArray } from "./dtype.js";
import { DeviceError, DisposedError, DTypeError, ShapeError, UnsupportedError } from "./errors.js";
import { TENSOR_BRAND as BRAND, badValue, describeValue, expectDType, expectList } from "./expect.js";
import { packed } from "./ops/copy.js";
import { add, div, mul, sub } from "./ops/elementwise.js";
import { matmul } from "./ops/matmul.js";
import type { SliceRange } from "./ops/views.js";
import { expand, flip, permute, reshape, slice, squeeze, transpose, unsqueeze } from "./ops/views.js";
import type { Scope } from "./scope.js";
import { contiguousStrides, expectShape, formatShape, isContiguous, type Shape, sizeOf } from "./shape.js";
import { state } from "./state.js";

/** An n-dimensional array on a device. Immutable: ops return new tensors. */
export class Tensor<S extends Shape = Shape> implements View {
  readonly shape: S;
  /** Number of elements. */
  readonly size: number;
  readonly dtype: DType;
  /** Row-major when {@link contiguous}; in elements, 0 for stretched axes, negative for flipped ones. */
  strides: readonly number[];
  offset: number;
  storage: Storage;
  /** The storage's, so that a tensor is a view of it to kernels. */
  id: StorageId;
  /** Identity of the value: two handles with one key are the same value to autograd. */
  key: number;
  readonly contiguous: boolean;
  /** The scope that will free this handle; null when it lives until `dispose()`. */
  home: Scope | null;
  /** Outside every scope: the program may drop the handle, and its storage comes back. */
  watched: Watched | null = null;
  #disposed: string | null = null;

  /** @param home the scope that will free the handle */
  constructor(
    storage: Storage,
    shape: S,
    strides: readonly number[],
    offset: number,
    contiguous: boolean,
    home: Scope | null = state.scope,
  ) {
    this.storage = storage;
    this.id = storage.id;
    this.shape = shape;
    this.size = sizeOf(shape);
    this.dtype = storage.dtype;
    this.strides = strides;
    this.offset = offset;
    this.contiguous = contiguous;
    this.key = state.nextKey++;
    this.home = home;
    if (home !== null) home.tensors.push(this);
    else if (state.scope === null) freeWhenDropped(this);
  }

  get [BRAND](): true {
    return true;
  }

  get device(): Device {
    return this.storage.device;
  }

  get rank(): number {
    return this.shape.length;
  }

  get disposed(): boolean {
    return this.#disposed !== null;
  }

  /** Throws when the tensor was freed, naming what freed it. */
  expectLive(op: string): void {
    if (this.#disposed !== null) throw this.#disposedError(op);
  }

  #disposedError(op: string): DisposedError {
    return new DisposedError({
      op,
      argument: `tensor of shape ${formatShape(this.shape)}`,
      expected: "a tensor that was not freed",
      received: `one that was: ${this.#disposed}`,
      remedy: "Call .keep() on it before, or read its data while it lives.",
    });
  }

  /** Gives the storage back (once; further calls do nothing). Normal code never needs this: scopes do it. */
  dispose(reason = "dispose() was called"): void {
    if (this.#disposed !== null) return;
    this.#disposed = reason;
    if (this.watched !== null) unwatch(this.watched);
    this.storage.release();
  }

  [Symbol.dispose](): void {
    this.dispose("its `using` block ended");
  }

  /** Takes the tensor out of every scope: it lives until `dispose()`, or until the program drops it. */
  keep(): this {
    this.expectLive("keep");
    this.home = null;
    freeWhenDropped(this, true);
    return this;
  }

  /** Puts the handle into the current scope, if there is one. */
  enterScope(): this {
    this.home = state.scope;
    state.scope?.tensors.push(this);
    return this;
  }

  /** Another handle to the same value, with a lifetime of its own and outside every scope. */
  alias(): Tensor<S> {
    this.expectLive("alias");
    const handle = new Tensor(this.storage.retain(), this.shape, this.strides, this.offset, this.contiguous, null);
    handle.key = this.key;
    return handle;
  }

  /** The elements in row-major order. */
  async data(): Promise<TypedArray> {
    this.expectLive("data");
    if (this.size === 0) return hostArray(this.dtype, 0);
    const source = packed(this);
    const { device } = this;
    try {
      return await device.read(source.storage, source.offset, this.size);
    } finally {
      if (source !== this) source.dispose();
    }
  }

  /** The same at once, on backends that can (CPU). @throws UnsupportedError elsewhere */
  dataSync(): TypedArray {
    this.expectLive("dataSync");
    if (this.size === 0) return hostArray(this.dtype, 0);
    const { backend } = this.device;
    if (!backend.readSync) {
      throw new UnsupportedError({
        op: "dataSync",
        argument: "device",
        expected: "a backend that reads synchronously",
        received: `"${backend.name}"`,
        remedy: "Use await tensor.data().",
      });
    }
    const source = packed(this);
    try {
      return backend.readSync(source.id, source.offset, this.size);
    } finally {
      if (source !== this) source.dispose();
    }
  }

  /** The value of a tensor with one element. */
  async item(): Promise<number> {
    this.#expectOne("item");
    return (await this.data())[0]!;
  }

  /** The same at once, on CPU backends. */
  itemSync(): number {
    this.#expectOne("itemSync");
    return this.dataSync()[0]!;
  }

  #expectOne(op: string): void {
    if (this.size !== 1) {
      throw new ShapeError({
        op,
        argument: "tensor",
        expected: "exactly one element",
        received: `shape ${formatShape(this.shape)}`,
        remedy: "Reduce it first, or read all of it with data().",
      });
    }
  }

  /** A copy on another device; the same tensor when it is there already. Not recorded by autograd. */
  async to(device: Device): Promise<Tensor<S>> {
    this.expectLive("to");
    expectDevice("to", device);
    if (device === this.device) return this;
    const data = await this.data();
    return fromHost(data, this.dtype, this.shape, device);
  }

  add(other: Tensor | number): Tensor {
    return add(this, other);
  }
  sub(other: Tensor | number): Tensor {
    return sub(this, other);
  }
  mul(other: Tensor | number): Tensor {
    return mul(this, other);
  }
  div(other: Tensor | number): Tensor {
    return div(this, other);
  }
  matmul(other: Tensor): Tensor {
    return matmul(this, other);
  }
  reshape(shape: Shape): Tensor {
    return reshape(this, shape);
  }
  permute(axes: readonly number[]): Tensor {
    return permute(this, axes);
  }
  transpose(a = -2, b = -1): Tensor {
    return transpose(this, a, b);
  }
  expand(shape: Shape): Tensor {
    return expand(this, shape);
  }
  slice(ranges: readonly SliceRange[]): Tensor {
    return slice(this, ranges);
  }
  flip(axes: number | readonly number[]): Tensor {
    return flip(this, axes);
  }
  squeeze(axis?: number): Tensor {
    return squeeze(this, axis);
  }
  unsqueeze(axis: number): Tensor {
    return unsqueeze(this, axis);
  }

  toString(): string {
    return `Tensor(${this.dtype} ${formatShape(this.shape)} on ${this.device.name}${this.disposed ? ", disposed" : ""})`;
  }
}

/** Whether `value` is a tensor, of whichever copy of this package. */
export function isTensor(value: unknown): value is Tensor {
  return (
    value instanceof Tensor ||
    (typeof value === "object" && value !== null && (value as { [BRAND]?: boolean })[BRAND] === true)
  );
}

/** Throws unless `value` is a tensor. */
export function expectTensor(op: string, argument: string, value: unknown): asserts value is Tensor {
  if (isTensor(value)) return;
  throw badValue(op, argument, "a tensor", value, "Make one of numbers with tensor().");
}

/** Throws unless `value` is an array of tensors, of which there may be none. */
export function expectTensors(op: string, argument: string, value: unknown): asserts value is readonly Tensor[] {
  expectList(op, argument, value, "tensors");
  for (let i = 0; i < value.length; i++) expectTensor(op, `${argument}[${i}]`, value[i]);
}

/** A new uninitialised contiguous tensor. */
export function allocateTensor(device: Device, shape: Shape, dtype: DType): Tensor {
  const storage = device.allocate(dtype, sizeOf(shape));
  return new Tensor(storage, shape, contiguousStrides(shape), 0, true);
}

/** A view of `base`'s storage. */
export function viewOf(base: Tensor, shape: Shape, strides: readonly number[], offset: number): Tensor {
  return new Tensor(base.storage.retain(), shape, strides, offset, isContiguous(shape, strides));
}

/** A tensor filled from a host array of the dtype's own type, in row-major order; bytes of a bool other than 0 count as 1. */
export function fromHost<S extends Shape>(
  data: TypedArray,
  dtype: DType,
  shape: S,
  device: Device = defaultDevice(),
): Tensor<S> {
  expectShape("tensor", shape);
  expectDType("tensor", "dtype", dtype);
  expectDevice("tensor", device);
  expectHostOf(dtype, data);
  if (sizeOf(shape) !== data.length) {
    throw new ShapeError({
      op: "tensor",
      argument: "data",
      expected: `${sizeOf(shape)} elements for shape ${formatShape(shape)}`,
      received: String(data.length),
      remedy: "Give all elements in row-major order.",
    });
  }
  const result = allocateTensor(device, shape, dtype) as Tensor<S>;
  if (data.length > 0) device.backend.write(result.id, dtype === "bool" ? bits(data) : data);
  if (dtype === "int32") result.storage.range = rangeOf(data);
  return result;
}

function expectHostOf(dtype: DType, data: TypedArray): void {
  const natural = dtypeOf(data);
  if (natural === dtype || (natural === "uint8" && dtype === "bool")) return;
  throw new DTypeError({
    op: "tensor",
    argument: "data",
    expected: `an array that holds ${dtype}`,
    received: describeValue(data),
    remedy: "tensor(data, { dtype }) converts.",
  });
}

/** Bytes of a bool: those given where they are 0 and 1 alone, which is what kernels count on. */
function bits(data: TypedArray): TypedArray {
  for (let i = 0; i < data.length; i++) if (data[i]! > 1) return Uint8Array.from(data, (byte) => (byte !== 0 ? 1 : 0));
  return data;
}

/** A tensor that `fill` writes in row-major order; a dry backend, which holds no numbers, makes room alone. */
export function madeOnHost<S extends Shape>(
  dtype: DType,
  shape: S,
  device: Device,
  fill: (data: TypedArray) => void,
): Tensor<S> {
  expectShape("tensor", shape);
  // before anything of that size is made on the host
  device.expectRoom(dtype, sizeOf(shape));
  if (device.backend.dry) return allocateTensor(device, shape, dtype) as Tensor<S>;
  const data = hostArray(dtype, sizeOf(shape));
  fill(data);
  return fromHost(data, dtype, shape, device);
}

function rangeOf(data: TypedArray): readonly [number, number] | null {
  if (data.length === 0) return null;
  let low = data[0]!;
  let high = low;
  for (let i = 1; i < data.length; i++) {
    const value = data[i]!;
    if (value < low) low = value;
    else if (value > high) high = value;
  }
  return [low, high];
}

/** Throws unless all tensors live, on one device, which is returned. */
export function commonDevice(op: string, tensors: readonly Tensor[]): Device {
  const first = tensors[0]!;
  first.expectLive(op);
  const device = first.storage.device;
  for (let i = 1; i < tensors.length; i++) {
    const other = tensors[i]!;
    other.expectLive(op);
    if (other.storage.device !== device) {
      throw new DeviceError({
        op,
        argument: `input ${i}`,
        expected: `a tensor on "${device.name}", the device of input 0`,
        received: `one on ${other.device.name === device.name ? "another device of that name" : `"${other.device.name}"`}`,
        remedy: "Move it first: await tensor.to(device).",
      });
    }
  }
  return device;
}
