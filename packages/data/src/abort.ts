/** Waiting that ends when an `AbortSignal` says so. */

import { breathe } from "@neurite/core";

/** Waits for `promise`, or throws the signal's reason as soon as there is one; what was waited for goes on unseen. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  // what should abort it may be a timer
  await breathe();
  signal.throwIfAborted();
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
