/** cpu-js with something broken on purpose. */
import { CpuJsBackend } from "@neurite/backend-cpu-js";
import { type Backend, Device, type RequiredKernels, type TypedArray, type View } from "@neurite/core";

type Change = Partial<Omit<Backend, "kernels">> & { readonly kernels?: Partial<RequiredKernels> };

/** @param change makes the broken parts from the sound backend */
export function broken(change: (sound: Backend) => Change): Device {
  const sound = new CpuJsBackend();
  const { kernels, ...parts } = change(sound);
  const backend: Backend = {
    name: "broken",
    spec: 1,
    dtypes: sound.dtypes,
    limits: sound.limits,
    alloc: (dtype, length) => sound.alloc(dtype, length),
    free: (id) => sound.free(id),
    write: (id, data) => sound.write(id, data),
    read: (id, offset, length) => sound.read(id, offset, length),
    readSync: (id, offset, length) => sound.readSync(id, offset, length),
    flush: () => sound.flush(),
    ...parts,
    kernels: { ...sound.kernels, ...kernels },
  };
  return new Device(backend);
}

/** The elements of a contiguous view, writable. */
export function elementsOf(view: View): TypedArray {
  const size = view.shape.reduce((a, b) => a * b, 1);
  return (view.id as TypedArray).subarray(view.offset, view.offset + size);
}
