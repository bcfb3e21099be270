/** Interceptors stand between an op's call and its execution: autograd's tape, a profiler, the NaN check, later a tracer. */
import type { OpRecord } from "./op.js";
import { state } from "./state.js";
import type { Tensor } from "./tensor.js";

/** Hands the op to the next interceptor below, or to the device. */
// biome-ignore lint/suspicious/noExplicitAny: an interceptor sees ops of every attribute type
export type Next = (op: OpRecord<any>, inputs: readonly Tensor[], attrs: any, aux: boolean) => Tensor[];

export interface Interceptor {
  /**
   * Runs or observes one op; usually calls `next` once and returns its result.
   * @param aux whether the caller needs the op's hidden results behind its outputs
   */
  // biome-ignore lint/suspicious/noExplicitAny: see Next
  intercept(op: OpRecord<any>, inputs: readonly Tensor[], attrs: any, aux: boolean, next: Next): Tensor[];
}

/** One entry of the stack of interceptors. */
export interface Frame {
  readonly interceptor: Interceptor;
  readonly below: Frame | null;
}

/** Runs `fn` with `interceptor` on top of the stack. */
export function withInterceptor<T>(interceptor: Interceptor, fn: () => T): T {
  const below = state.top;
  state.top = { interceptor, below };
  try {
    return fn();
  } finally {
    state.top = below;
  }
}
