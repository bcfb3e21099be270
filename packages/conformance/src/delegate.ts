/** Backends that hand their work on to another. */
import type { Backend } from "@neurite/core";

/** A backend that does what `sound` does, except for `changes`. Closing it leaves `sound` open. */
export function delegate(sound: Backend, changes: Partial<Backend>): Backend {
  return {
    name: sound.name,
    spec: sound.spec,
    dtypes: sound.dtypes,
    limits: sound.limits,
    kernels: sound.kernels,
    ...(sound.fused && { fused: sound.fused }),
    alloc: (dtype, length) => sound.alloc(dtype, length),
    free: (id) => sound.free(id),
    write: (id, data) => sound.write(id, data),
    read: (id, offset, length) => sound.read(id, offset, length),
    ...(sound.readSync && { readSync: (id, offset, length) => sound.readSync!(id, offset, length) }),
    flush: () => sound.flush(),
    ...changes,
  };
}
