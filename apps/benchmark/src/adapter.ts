/** What a library must offer to be measured. */
import type { HostArray } from "./arrays.js";
import type { Workload } from "./workloads.js";

/** A workload that is ready to run. */
export interface Prepared {
  /** Does the work once. A training step updates the weights and gives the loss, read back. */
  run(): unknown;
  /** Results that must agree with the other libraries', channels last; a workload without is one of training. */
  outputs?(): readonly ArrayLike<number>[] | Promise<readonly ArrayLike<number>[]>;
}

/** A library on one backend. */
export interface Adapter {
  /** The library's version. */
  readonly version: string;
  /** @throws when the library cannot do it, with the reason */
  open(workload: Workload, arrays: Readonly<Record<string, HostArray>>): Prepared | Promise<Prepared>;
}

/** What an adapter is made for. */
export interface Setting {
  readonly backend: string;
  readonly variant: string;
  readonly threads: number;
}
