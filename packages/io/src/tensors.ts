/** Tensors to and from host memory, and state dicts to and from files. */
import { type Device, defaultDevice, expectTensors, fromHost, type Tensor, ValueError } from "@neurite/core";
import {
  badValue,
  expectFunction,
  expectOptions,
  expectRecord,
  expectText,
  type OptionKinds,
} from "@neurite/core/expect";
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
  const made: Tensor[] = [];
  try {
    const entries = Object.entries(host).map(([name, tensor]) => {
      expectRecord("withTensors", name, tensor, "{ dtype, shape, data }");
      const { data, dtype, shape } = tensor;
      made.push(fromHost(data, dtype, shape, device));
      return [name, made.at(-1)!] as const;
    });
    return fn(Object.fromEntries(entries));
  } finally {
    for (const tensor of made) tensor.dispose();
  }
}

/** Anything with named tensors, such as a module. */
interface Stateful {
  stateDict(): Readonly<Record<string, Tensor>>;
  loadStateDict(values: Readonly<Record<string, Tensor>>, options?: { readonly strict?: boolean }): void;
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

export interface LoadWeightsOptions {
  /** Whether names that only the file or only the module has are errors, and not skipped. Default true. */
  readonly strict?: boolean;
  /** The module's name for each name in the file that has another: a table, or a function of all names. */
  readonly rename?: Readonly<Record<string, string>> | ((name: string) => string);
}

const LOAD: OptionKinds<LoadWeightsOptions> = { strict: "boolean", rename: "any" };

/**
 * Replaces a module's parameters and buffers by those of a safetensors file; all of them or, on an error, none.
 * @throws CheckpointError for a missing or damaged file, ValueError for names that do not fit, ShapeError or DTypeError for values
 * @example
 * await loadWeights(store, "old.safetensors", model, { rename: (name) => name.replace(/^net\./, "layers.") });
 */
export async function loadWeights(
  store: Store,
  path: string,
  module: Stateful,
  options: LoadWeightsOptions = {},
): Promise<void> {
  expectPlace("loadWeights", store, path);
  expectStateful("loadWeights", module);
  expectOptions("loadWeights", options, LOAD);
  const { strict = true, rename = {} } = options;
  const { tensors } = decodeSafetensors(await store.read(path));
  const device = Object.values(module.stateDict())[0]?.device;
  withTensors(renamed(tensors, rename), (values) => module.loadStateDict(values, { strict }), device);
}

function renamed(
  tensors: Readonly<Record<string, HostTensor>>,
  rename: NonNullable<LoadWeightsOptions["rename"]>,
): Record<string, HostTensor> {
  if (typeof rename !== "function") expectRecord("loadWeights", "rename", rename, "names by name, or a function");
  const newName = (name: string): string => {
    const given = typeof rename === "function" ? rename(name) : Object.hasOwn(rename, name) ? rename[name] : name;
    expectText("loadWeights", `rename(${JSON.stringify(name)})`, given);
    return given;
  };
  const taken = new Map<string, string>();
  const entries = Object.entries(tensors).map(([name, tensor]) => {
    const own = newName(name);
    const other = taken.get(own);
    if (other !== undefined) {
      throw new ValueError({
        op: "loadWeights",
        argument: "rename",
        expected: "another name for each tensor",
        received: `"${own}" for "${other}" and "${name}"`,
      });
    }
    taken.set(own, name);
    return [own, tensor] as const;
  });
  return Object.fromEntries(entries);
}
