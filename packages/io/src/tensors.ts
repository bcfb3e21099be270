/** Tensors to and from host memory, and state dicts to and from files. */
import { type Device, defaultDevice, fromHost, type Tensor } from "@neurite/core";
import { decodeSafetensors, encodeSafetensors, type HostTensor } from "./safetensors.js";
import type { Store } from "./store.js";

/** Copies of tensors in host memory, under the same names. */
export async function toHost(tensors: Readonly<Record<string, Tensor>>): Promise<Record<string, HostTensor>> {
  const entries = Object.entries(tensors).map(
    async ([name, { dtype, shape }]) => [name, { dtype, shape, data: await tensors[name]!.data() }] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

/** Calls `fn` with tensors made from host memory, and frees them. */
export function withTensors<T>(
  host: Readonly<Record<string, HostTensor>>,
  fn: (tensors: Record<string, Tensor>) => T,
  device: Device = defaultDevice(),
): T {
  const tensors: Record<string, Tensor> = {};
  try {
    for (const [name, { data, dtype, shape }] of Object.entries(host)) {
      tensors[name] = fromHost(data, dtype, shape, device);
    }
    return fn(tensors);
  } finally {
    for (const tensor of Object.values(tensors)) tensor.dispose();
  }
}

/** Anything with named tensors, such as a module. */
interface Stateful {
  stateDict(): Readonly<Record<string, Tensor>>;
  loadStateDict(values: Readonly<Record<string, Tensor>>): void;
}

/**
 * Writes a module's parameters and buffers to a safetensors file.
 * @throws CheckpointError when it cannot be written; an older file is then still whole
 */
export async function saveWeights(store: Store, path: string, module: Stateful): Promise<void> {
  await store.write(path, encodeSafetensors({ tensors: await toHost(module.stateDict()), metadata: {} }));
}

/** Replaces a module's parameters and buffers by those of a safetensors file; all of them or, on an error, none. */
export async function loadWeights(store: Store, path: string, module: Stateful): Promise<void> {
  const { tensors } = decodeSafetensors(await store.read(path));
  const device = Object.values(module.stateDict())[0]?.device;
  withTensors(tensors, (values) => module.loadStateDict(values), device);
}
