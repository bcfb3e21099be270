/** Running without recording. */
import { expectTensor, scope, state, type Tensor, viewOf } from "@neurite/core";
import { expectFunction } from "@neurite/core/expect";
import { Lease } from "./lease.js";
import { Tape } from "./tape.js";

type Frame = NonNullable<typeof state.top>;

function withoutTapes(frame: Frame | null): Frame | null {
  if (frame === null) return null;
  const below = withoutTapes(frame.below);
  return frame.interceptor instanceof Tape ? below : { interceptor: frame.interceptor, below };
}

/** Runs `fn` with no tape listening. */
export function unrecorded<T>(fn: () => T): T {
  const { top } = state;
  state.top = withoutTapes(top);
  try {
    return fn();
  } finally {
    state.top = top;
  }
}

/**
 * Runs `fn` without recording gradients, and frees all it made except its result, which belongs to the enclosing scope or
 * else to the caller. For a function that is called again and again, use {@link inference}.
 * @throws ValueError when `fn` returns a Promise
 */
export function noGrad<T>(fn: () => T extends PromiseLike<unknown> ? never : T): T {
  expectFunction("noGrad", "fn", fn);
  return scope<T>(() => unrecorded(fn), "noGrad");
}

/**
 * Makes a function that runs `fn` without recording. Its result lives until it is called again (or the enclosing scope
 * ends), so a loop over batches needs no dispose. Make it once, before the loop: a function that is made anew each time
 * never gets to free anything.
 * @example
 * const predict = inference((x: Tensor) => softmax(model.forward(x)));
 * for await (const { x } of loader) console.log(await predict(x).data());
 */
export function inference<A extends readonly unknown[], T>(fn: (...args: A) => T): (...args: A) => T {
  expectFunction("inference", "fn", fn);
  const lease = new Lease("the function made by inference");
  return (...args) => {
    lease.end();
    return scope(() => {
      const result = unrecorded(() => fn(...args));
      lease.give(result);
      return result as never;
    }, "inference") as T;
  };
}

/** The same value, cut off from what made it: no gradient flows through. */
export function stopGradient(x: Tensor): Tensor {
  expectTensor("stopGradient", "x", x);
  x.expectLive("stopGradient");
  return viewOf(x, x.shape, x.strides, x.offset);
}
