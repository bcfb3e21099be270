/** The part of gpu.js that this package uses, and how it is loaded. */
import { UnsupportedError } from "@neurite/core";

/**
 * A result of a kernel, which stays on gpu.js's side. In the modes `cpu` and `webasm` that is a typed array; the other
 * modes have textures and buffers, which must be deleted.
 */
export interface Handle extends Float32Array {
  delete?(): void;
}

export type KernelArgument = Float32Array | number;

/** A compiled kernel; call it after setting its output size. */
export interface GpuKernel {
  (...args: KernelArgument[]): Handle;
  setOutput(size: readonly number[]): void;
  /** The implementation behind the shortcut; another one after gpu.js gave a kernel to its CPU mode. */
  readonly kernel: { fallbackReason?: string | null; moduleCacheLimit?: number };
}

export interface Gpu {
  createKernel(source: string, settings: Readonly<Record<string, unknown>>): GpuKernel;
  destroy(): Promise<void>;
}

export interface GpuClass {
  new (settings: { readonly mode: string }): Gpu;
  readonly isWebAssemblySupported: boolean;
}

interface GpuModule {
  readonly GPU?: GpuClass;
  readonly default?: { readonly GPU?: GpuClass };
}

/** gpu.js is CommonJS: Node offers the class by name, some bundlers only on the default export. */
export async function loadGpu(): Promise<GpuClass> {
  let failure: unknown;
  try {
    const module = (await import("gpu.js")) as unknown as GpuModule;
    const found = module.GPU ?? module.default?.GPU;
    if (found) return found;
  } catch (error) {
    failure = error;
  }
  throw new UnsupportedError(
    {
      op: "gpujs",
      argument: "gpu.js",
      expected: "the npm package gpu.js 2.24 or newer",
      received: failure instanceof Error ? failure.message : "a module without GPU",
      remedy: "Install it with `npm install gpu.js`, and allow code generation: gpu.js compiles kernels from text.",
    },
    { cause: failure },
  );
}
