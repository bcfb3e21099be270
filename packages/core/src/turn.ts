/** Turns of the event loop: signals, timers and finalizers wait for them, and a loop that awaits only finished work has none. */

export const nextTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** A turn of the event loop takes about a millisecond; once in so many it does not count. */
const INTERVAL = 50;

let last = 0;

/**
 * Lets the event loop turn when it has not for 50 ms, for long loops that could end early: a timer or a key can then say so.
 * @returns null when there is nothing to wait for
 * @example
 * const pause = breathe();
 * if (pause) await pause;
 */
export function breathe(): Promise<void> | null {
  const now = performance.now();
  if (now - last < INTERVAL) return null;
  return nextTurn().then(() => {
    last = performance.now();
  });
}
