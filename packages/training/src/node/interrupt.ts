/** Ctrl-C and its kin: the first one asks a training to end in order, the second one ends the process. */

/** How shells name an end by a signal: 128 and its number. */
const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

type SignalName = keyof typeof NUMBERS;
const NAMES = Object.keys(NUMBERS) as SignalName[];

/** The reason of an interrupted training. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  /** For `process.exitCode`. */
  readonly exitCode: number;

  constructor(signal: SignalName) {
    super(`interrupted by ${signal}`);
    this.exitCode = 128 + NUMBERS[signal];
  }
}

/** What to put in order at once when the process ends by a signal, such as a hidden cursor. */
const cleanups = new Set<() => void>();
let last: AbortController | null = null;
let listening = false;

function onSignal(name: SignalName): void {
  const controller = last;
  if (controller && !controller.signal.aborted) {
    controller.abort(new Interrupted(name));
    return;
  }
  for (const cleanup of cleanups) cleanup();
  process.exit(128 + NUMBERS[name]);
}

function listen(): void {
  const needed = cleanups.size > 0 || last !== null;
  if (needed === listening) return;
  listening = needed;
  for (const name of NAMES) needed ? process.on(name, onSignal) : process.off(name, onSignal);
}

/** Runs `cleanup` when a signal ends the process. @returns takes that back */
export function onEnd(cleanup: () => void): () => void {
  cleanups.add(cleanup);
  listen();
  return () => {
    cleanups.delete(cleanup);
    listen();
  };
}

/**
 * Runs `work` with a signal that ctrl-C, SIGTERM or SIGHUP aborts with an {@link Interrupted}; a second one ends the process at once.
 * @example
 * await interruptible((signal) => trainer.fit({ signal }));   // ctrl-C writes the checkpoint first
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const before = last;
  last = new AbortController();
  listen();
  try {
    return await work(last.signal);
  } finally {
    last = before;
    listen();
  }
}
