/** A device without numbers: tensors have shapes only, so that networks of any size are built and run in no time and space. */
import { type Backend, Device, DTYPES, type DType, type DTypeSupport, UnsupportedError } from "@neurite/core";

const TOKEN = {};
const nothing = Object.assign(() => undefined, { strided: true });
/** Every kernel there is or will be, doing nothing. */
const every = <T extends object>(): T => new Proxy({}, { get: () => nothing }) as T;

function unreadable(): never {
  throw new UnsupportedError({
    op: "dryDevice",
    argument: "data",
    expected: "a device that holds numbers",
    received: "a dry one",
    remedy: "Read shapes only, or build the model on another device.",
  });
}

const backend: Backend = {
  name: "dry",
  spec: 1,
  dry: true,
  dtypes: Object.fromEntries(DTYPES.map((dtype) => [dtype, "arithmetic"])) as Record<DType, DTypeSupport>,
  limits: { maxElements: Number.POSITIVE_INFINITY, maxReduction: Number.POSITIVE_INFINITY },
  alloc: () => TOKEN,
  free() {},
  write() {},
  read: unreadable,
  readSync: unreadable,
  flush() {},
  kernels: every(),
  fused: every(),
};

/**
 * A device on which ops check their arguments and tell shapes, and nothing else: `memory()` is what a real device would
 * hold.
 * @example
 * const model = new VGG(16, { device: dryDevice() });        // 138 million parameters, at once
 */
export function dryDevice(): Device {
  return new Device(backend);
}
