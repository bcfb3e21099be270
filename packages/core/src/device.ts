/** A device is a backend together with the storages that live on it. */
import type { Backend, FusedKernel, StorageId } from "./backend.js";
import { collect, registerYoung, Unscoped, waited } from "./dropped.js";
import { bytesPerElement, type DType, type TypedArray } from "./dtype.js";
import { DeviceError, DTypeError, isNeuriteError, UnsupportedError } from "./errors.js";
import { describeValue } from "./expect.js";
import type { OpRecord } from "./op.js";
import { state } from "./state.js";

/** One allocation on a device, shared by all views of it and freed with the last. */
export class Storage {
  /** Tensors, saved values and pending reads that hold this storage. */
  references = 1;
  /** Smallest and largest element, known for integers that came from the host. */
  range: readonly [number, number] | null = null;

  constructor(
    readonly device: Device,
    readonly id: StorageId,
    readonly dtype: DType,
    readonly length: number,
  ) {}

  get bytes(): number {
    return this.length * bytesPerElement(this.dtype);
  }

  retain(): this {
    this.references++;
    return this;
  }

  release(): void {
    if (--this.references === 0) this.device.free(this);
  }
}

/** What a device holds now. */
export interface MemoryInfo {
  readonly storages: number;
  readonly bytes: number;
}

/** What a device may grow by, besides an eighth, before dropped handles are looked for. */
const SLACK: MemoryInfo = { storages: 8192, bytes: 2 ** 23 };

/** Where tensors live and ops run. Several devices work side by side in one process. */
export class Device {
  readonly name: string;
  #storages = 0;
  #bytes = 0;
  #closed = false;
  /** Handles outside every scope, which the program may have dropped. */
  readonly unscoped = new Unscoped();
  /** Beyond these, dropped handles are looked for. */
  #most: MemoryInfo = SLACK;
  #relief: Promise<void> | null = null;
  #table: (FusedKernel | null)[] = [];
  #tableEpoch = 0;

  constructor(readonly backend: Backend) {
    this.name = backend.name;
  }

  /** Storages and bytes in use; a training loop keeps both constant from step to step. */
  memory(): MemoryInfo {
    return { storages: this.#storages, bytes: this.#bytes };
  }

  /**
   * Room for `length` elements.
   * @throws DTypeError when the backend cannot hold the dtype, UnsupportedError beyond its limits
   */
  allocate(dtype: DType, length: number): Storage {
    this.expectRoom(dtype, length);
    const storage = new Storage(this, this.#alloc(dtype, Math.max(length, 1)), dtype, length);
    this.#storages++;
    this.#bytes += storage.bytes;
    return storage;
  }

  #alloc(dtype: DType, length: number): StorageId {
    try {
      return this.backend.alloc(dtype, length);
    } catch (cause) {
      // the engine's way to say that there is no memory
      if (!(cause instanceof RangeError)) throw this.explained(cause);
      throw new UnsupportedError(
        {
          op: "allocate",
          argument: "length",
          expected: `as many ${dtype} elements as backend "${this.name}" finds memory for`,
          received: String(length),
          remedy: "Split the tensor, or free others first.",
        },
        { cause },
      );
    }
  }

  /** An error as it is, but one of full memory with a word on handles that the program may have dropped. */
  explained(error: unknown): unknown {
    if (!isNeuriteError(error) || error.cause !== undefined) return error;
    if (error.info.op !== "allocate" || error.info.argument !== "memory") return error;
    registerYoung();
    const unscoped = this.unscoped.describe();
    if (unscoped === null) return error;
    const { remedy = "", ...info } = error.info;
    return new UnsupportedError(
      { ...info, remedy: `${remedy} ${unscoped}; scope() frees them at once.` },
      { cause: error },
    );
  }

  /** Throws what {@link allocate} would, before the host makes as many elements to be written. */
  expectRoom(dtype: DType, length: number): void {
    const { backend } = this;
    if (this.#closed) {
      throw new DeviceError({
        op: "allocate",
        argument: "device",
        expected: "an open device",
        received: `"${this.name}", which was closed`,
        remedy: "Create a new one.",
      });
    }
    if (backend.dtypes[dtype] === "none") {
      const held = (Object.keys(backend.dtypes) as DType[]).filter((one) => backend.dtypes[one] !== "none");
      throw new DTypeError({
        op: "allocate",
        argument: "dtype",
        expected: `a dtype that backend "${this.name}" holds (${held.join(", ")})`,
        received: dtype,
        remedy: "Cast it, or use another backend.",
      });
    }
    if (length > backend.limits.maxElements) {
      throw new UnsupportedError({
        op: "allocate",
        argument: "length",
        expected: `at most ${backend.limits.maxElements} elements on backend "${this.name}"`,
        received: String(length),
        remedy: "Split the tensor or use another backend.",
      });
    }
  }

  /** Throws when a kernel would have to reduce more elements to one than the backend can. */
  expectReduction(op: string, length: number): void {
    const { maxReduction } = this.backend.limits;
    if (length > maxReduction) {
      throw new UnsupportedError({
        op,
        argument: "length",
        expected: `at most ${maxReduction} elements to reduce on backend "${this.name}"`,
        received: String(length),
        remedy: "Reduce in parts or use another backend.",
      });
    }
  }

  /** Called by the last release of a storage. */
  free(storage: Storage): void {
    this.#storages--;
    this.#bytes -= storage.bytes;
    if (!this.#closed) this.backend.free(storage.id);
  }

  /** A copy of `length` elements; the storage stays alive until the promise settles. */
  async read(storage: Storage, offset: number, length: number): Promise<TypedArray> {
    storage.retain();
    try {
      waited(this);
      // a loop that waits for nothing but reads never lets finalizers run
      const relief = this.relieve();
      if (relief !== null) await relief;
      return await this.backend.read(storage.id, offset, length);
    } finally {
      storage.release();
    }
  }

  /** Has dropped handles freed when the device has grown by much; null when it has not. */
  relieve(): Promise<void> | null {
    if (this.#storages <= this.#most.storages && this.#bytes <= this.#most.bytes) return this.#relief;
    this.#relief ??= this.#freeDropped().finally(() => {
      this.#relief = null;
      this.#most = {
        storages: SLACK.storages + 1.125 * this.#storages,
        bytes: SLACK.bytes + 1.125 * this.#bytes,
      };
    });
    return this.#relief;
  }

  async #freeDropped(): Promise<void> {
    registerYoung();
    if (this.unscoped.handles === 0) return;
    await collect();
  }

  /** The backend's own kernel for an op, or null where the composition serves. */
  // biome-ignore lint/suspicious/noExplicitAny: ops of every attribute type
  kernelFor(op: OpRecord<any>): FusedKernel | null {
    if (this.#tableEpoch !== state.kernelEpoch) {
      this.#table = [];
      this.#tableEpoch = state.kernelEpoch;
    }
    const known = this.#table[op.id];
    if (known !== undefined) return known;
    const kernel = op.kernels.get(this.name) ?? (op.lower ? null : (this.backend.fused?.[op.name] ?? null));
    this.#table[op.id] = kernel;
    return kernel;
  }

  /** Gives back the backend's workers and handles; tensors of this device are unusable afterwards. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.backend.close?.();
    if (state.defaultDevice === this) state.defaultDevice = null;
  }
}

/** Throws unless `value` is a device, of whichever copy of this package. */
export function expectDevice(op: string, value: unknown): asserts value is Device {
  if (typeof (value as Device | null | undefined)?.allocate === "function") return;
  throw new DeviceError({
    op,
    argument: "device",
    expected: "a device",
    received: describeValue(value),
    remedy: 'Make one, e.g. import { cpuJs } from "@neurite/backend-cpu-js"; setDefaultDevice(cpuJs());',
  });
}

/** Sets the device of tensors made without `device`. A script's choice; library code never calls this. */
export function setDefaultDevice(device: Device): void {
  expectDevice("setDefaultDevice", device);
  state.defaultDevice = device;
}

/** The device of tensors made without `device`. */
export function defaultDevice(): Device {
  if (!state.defaultDevice) {
    throw new DeviceError({
      op: "defaultDevice",
      argument: "device",
      expected: "a default device",
      received: "none",
      remedy:
        'Choose a backend first, e.g. import { cpuJs } from "@neurite/backend-cpu-js"; setDefaultDevice(cpuJs());',
    });
  }
  return state.defaultDevice;
}
