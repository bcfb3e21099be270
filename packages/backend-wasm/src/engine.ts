/** Kernels compiled on first use, and how they are run over a range of work. */
import { ModuleBuilder } from "./emitter/module.js";
import { Heap } from "./heap.js";
import { Packs } from "./packs.js";
import type { Features } from "./vector-math.js";
import { WebAssembly } from "./web-assembly.js";

/** A compiled kernel: works on the items `begin` … `end` − 1 of what its arguments describe. */
export type CompiledKernel = (begin: number, end: number, ...args: number[]) => number | undefined;

/** What the kernel files need of a backend: its memory, its engine features, and a way to run kernels. */
export class Engine {
  readonly heap: Heap;
  readonly packs = new Packs(() => this.heap);
  readonly #kernels = new Map<string, CompiledKernel>();
  readonly #variants = new Map<string, Map<string, Map<string, CompiledKernel>>>();

  constructor(
    readonly features: Features,
    maximumBytes?: number,
  ) {
    this.heap = new Heap({
      shared: features.shared,
      reclaim: () => this.packs.dropAll(),
      ...(maximumBytes === undefined ? {} : { maximumBytes }),
    });
  }

  /**
   * The kernel of that name, compiled when first asked for.
   * @param build defines its function, exported as "run", in a module
   */
  kernel(name: string, build: (module: ModuleBuilder, features: Features) => void): CompiledKernel {
    const known = this.#kernels.get(name);
    if (known) return known;
    const { heap, features } = this;
    const module = new ModuleBuilder({ shared: features.shared, maximum: heap.maximumPages });
    build(module, features);
    const kernel = this.compile(name, module.bytes());
    this.#kernels.set(name, kernel);
    return kernel;
  }

  /** As {@link kernel}, for kernels of one name that differ in two words; looks them up without making a longer name. */
  variant(
    name: string,
    first: string,
    second: string,
    build: (module: ModuleBuilder, features: Features) => void,
  ): CompiledKernel {
    const known = this.#variants.get(name)?.get(first)?.get(second);
    if (known) return known;
    const kernel = this.kernel(`${name} ${first} ${second}`, build);
    const byFirst = this.#variants.get(name) ?? new Map<string, Map<string, CompiledKernel>>();
    const bySecond = byFirst.get(first) ?? new Map<string, CompiledKernel>();
    this.#variants.set(name, byFirst.set(first, bySecond.set(second, kernel)));
    return kernel;
  }

  protected compile(_name: string, bytes: Uint8Array<ArrayBuffer>): CompiledKernel {
    const { memory } = this.heap;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { host: { memory } });
    return exports.run as CompiledKernel;
  }

  /** Runs a kernel over `count` items. @param _grain items below which splitting the work does not pay */
  run(kernel: CompiledKernel, count: number, _grain: number, ...args: number[]): number | undefined {
    return kernel(0, count, ...args);
  }

  /** Calls `fn` with the address of `bytes` bytes that are free again afterwards. */
  withScratch<T>(bytes: number, fn: (pointer: number) => T): T {
    const pointer = this.heap.allocate(bytes);
    try {
      return fn(pointer);
    } finally {
      this.heap.release(pointer, bytes);
    }
  }
}
