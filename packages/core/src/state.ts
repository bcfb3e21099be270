/**
 * The process state: the few mutable things that all copies of core in one process must share, at
 * `globalThis[Symbol.for("neurite/1")]`.
 */
import type { Device } from "./device.js";
import { VersionError } from "./errors.js";
import type { Frame } from "./interceptor.js";
import type { Generator } from "./random.js";
import type { Scope } from "./scope.js";

/** Version of this package; copies that differ in it do not share a process. */
export const VERSION = "0.1.0";

interface ProcessState {
  readonly version: string;
  readonly url: string;
  /** Innermost interceptor of the ops now dispatched. */
  top: Frame | null;
  scope: Scope | null;
  defaultDevice: Device | null;
  generator: Generator | null;
  nextKey: number;
  nextOp: number;
  /** Raised whenever a kernel is registered, so that devices look their kernels up again. */
  kernelEpoch: number;
  /** Above 0 while a forward pass is run again (`checkpoint`): buffers are not written then. */
  replaying: number;
}

const KEY = Symbol.for("neurite/1");

function join(): ProcessState {
  const shared = globalThis as { [KEY]?: ProcessState };
  const existing = shared[KEY];
  if (!existing) {
    const fresh: ProcessState = {
      version: VERSION,
      url: import.meta.url,
      top: null,
      scope: null,
      defaultDevice: null,
      generator: null,
      nextKey: 1,
      nextOp: 0,
      kernelEpoch: 0,
      replaying: 0,
    };
    shared[KEY] = fresh;
    return fresh;
  }
  if (existing.version !== VERSION) {
    throw new VersionError({
      op: "@neurite/core",
      argument: "this process",
      expected: `one version of the package; ${existing.version} is loaded from ${existing.url}`,
      received: `${VERSION} from ${import.meta.url}`,
      remedy: "Install a single version of @neurite/core (it is a peer dependency of the other packages).",
    });
  }
  return existing;
}

export const state: ProcessState = /* @__PURE__ */ join();
