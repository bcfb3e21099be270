/** Storages between guards: neighbours in memory that no kernel is told of, and that none may change. */
import { type Backend, Device, type DType, hostArray, type StorageId } from "@neurite/core";
import { Mismatch } from "./compare.js";
import { delegate } from "./delegate.js";
import { garbage } from "./layouts.js";

interface Guard {
  readonly id: StorageId;
  readonly dtype: DType;
  readonly length: number;
}

/**
 * Runs `body` on the same backend with a guard before and behind each storage, as large as the storage itself.
 * @throws Mismatch when a guard has changed
 */
export async function betweenGuards({ backend }: Device, body: (device: Device) => Promise<unknown>): Promise<void> {
  const guards: Guard[] = [];
  const guard = (dtype: DType, length: number) => {
    const id = backend.alloc(dtype, length);
    backend.write(id, hostArray(dtype, length).fill(garbage(dtype)));
    guards.push({ id, dtype, length });
  };
  const guarded = delegate(backend, {
    alloc(dtype, length) {
      guard(dtype, length);
      const id = backend.alloc(dtype, length);
      guard(dtype, length);
      return id;
    },
  });
  let failure: unknown = null;
  try {
    await body(new Device(guarded));
  } catch (error) {
    failure = error;
  }
  const changes = await Promise.all(guards.map((one) => changeOf(backend, one)));
  for (const { id } of guards) backend.free(id);
  // memory that was overwritten may be why something else failed
  const change = changes.find((one) => one !== null);
  if (change) throw new Mismatch(change);
  if (failure !== null) throw failure;
}

async function changeOf(backend: Backend, { id, dtype, length }: Guard): Promise<string | null> {
  const data = await backend.read(id, 0, length);
  const at = data.findIndex((value) => !Object.is(value, garbage(dtype)));
  return at < 0 ? null : `element ${at} of a ${dtype} storage that no kernel was given is now ${data[at]}`;
}
