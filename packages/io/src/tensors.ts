/** Tensors to and from host memory, and state dicts to and from files. */
import { type Device, defaultDevice, expectTensors, fromHost, type Tensor } from "@neurite/core";
import { badValue, expectFunction, expectRecord } from "@neurite/core/expect";
import { decodeSafetensors, encodeSafetensors, type HostTensor } from "./safetensors.js";
import { expectPlace, type Store } from "./store.js";

/** Copies of tensors in host memory, under the same names. */
export async function toHost(tensors: Readonly<Record<string, Tensor>>): Promise<Record<string, HostTensor>> {
  expectRecord("toHost", "tensors", tensors, "tensors by name");
  expectTensors("toHost", "tensors", Object.values(tensors));
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
  expectRecord("withTensors", "host", host, "tensors in host memory by name");
  expectFunction("withTensors", "fn", fn);
  const tensors: Record<string, Tensor> = {};
  try {
    for (const [name, tensor] of Object.entries(host)) {
      expectRecord("withTensors", name, tensor, "{ dtype, shape, data }");
      const { data, dtype, shape } = tensor;
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

function expectStateful(op: string, module: unknown): void {
  const { stateDict, loadStateDict } = Object(module ?? {}) as Partial<Stateful>;
  if (typeof stateDict !== "function" || typeof loadStateDict !== "function") {
    throw badValue(op, "module", "a module", module);
  }
}

/**
 * Writes a module's parameters and buffers to a safetensors file.
 * @throws CheckpointError when it cannot be written; an older file is then still whole
 */
export async function saveWeights(store: Store, path: string, module: Stateful): Promise<void> {
  expectPlace("saveWeights", store, path);
  expectStateful("saveWeights", module);
  await store.write(path, encodeSafetensors({ tensors: await toHost(module.stateDict()), metadata: {} }));
}

/** Replaces a module's parameters and buffers by those of a safetensors file; all of them or, on an error, none. */
export async function loadWeights(store: Store, path: string, module: Stateful): Promise<void> {
  expectPlace("loadWeights", store, path);
  expectStateful("loadWeights", module);
  const { tensors } = decodeSafetensors(await store.read(path));
  const device = Object.values(module.stateDict())[0]?.device;
  withTensors(tensors, (values) => module.loadStateDict(values), device);
}
