/**
 * Handles outside every scope: their storages come back once the program has dropped them, with nothing for it to write.
 *
 * A handle made there waits in `young` first; most are disposed soon (an optimizer takes gradients, a loader its batch) and
 * cost no more than that. Those left when the list is full, or when the event loop turns, get a finalizer. Engines collect
 * when JavaScript's own memory grows, which handles hardly do, so a device that grows asks for a collection itself
 * (`Device.read`, and each turn). See decision 12.
 */
import type { Device, Storage } from "./device.js";
import type { Tensor } from "./tensor.js";
import { nextTurn } from "./turn.js";

/** What is known of a handle outside every scope. */
export interface Watched {
  /** What its finalizer gives back. A parameter's changes with its value. */
  storage: Storage;
  /** Place among the young; −1 once it has a finalizer. */
  place: number;
  /** The stretch without waiting in which it got its finalizer; 0 for a handle that is meant to be held. */
  turn: number;
}

/** Handles with a finalizer on one device, and what they hold. */
export class Unscoped {
  handles = 0;
  bytes = 0;
  /** Of these, what came since the program last waited, but for what is meant to be held. */
  recent = { handles: 0, bytes: 0 };
  /** How often a line of the program was seen to make them. */
  readonly #lines = new Map<string, number>();
  #warned = false;

  /** Notes where the program stands, which made many handles that are not freed. */
  note(line: string): void {
    this.#lines.set(line, (this.#lines.get(line) ?? 0) + 1);
  }

  /** For people: how much there is, and which line made most of it. Null when there is nothing worth a word. */
  describe(): string | null {
    if (this.handles === 0) return null;
    const [line] = [...this.#lines].sort(([, a], [, b]) => b - a)[0] ?? [];
    const where = line === undefined ? "" : `, most of them ${line}`;
    return `${this.handles} tensors of ${mib(this.bytes)} were made outside of scopes${where}`;
  }

  /** Says, once, that a loop which never waits keeps all that it makes. */
  warn(name: string): void {
    if (this.#warned) return;
    this.#warned = true;
    // biome-ignore lint/suspicious/noConsole: a warning is for the person who watches the program
    console.warn(
      `neurite: ${this.describe()}, and stay on "${name}" until the event loop turns. ` +
        "In a loop that does not wait, use scope(() => …) or dispose().",
    );
  }
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** Handles that may be disposed before they are worth a finalizer. */
let young: Tensor[] = [];
let youngBytes = 0;
const MOST_YOUNG = 1024;
/** A large batch that was dropped should not wait for a thousand others. */
const MOST_YOUNG_BYTES = 2 ** 24;

/** A loop that leaves so much behind without waiting gets a warning. */
const MANY = 2048;
const MANY_BYTES = 2 ** 24;
/** Large tensors are kept on purpose; a loop makes more of them than this. */
const SEVERAL = 16;

/** An object that nobody holds: its finalizer tells that the engine has collected. */
interface Witness {
  collected: boolean;
}

const registry = /* @__PURE__ */ new FinalizationRegistry<Watched | Witness>((held) => {
  if ("collected" in held) {
    held.collected = true;
    return;
  }
  count(held, -1);
  held.storage.release();
});

/** Number of the present stretch without waiting, and whether a turn of the event loop is awaited. */
let turn = 1;
let turning = false;
/** Devices with recent handles. */
const touched = new Set<Device>();

/**
 * Has the storage of a handle that no scope frees given back once the program has dropped the handle.
 * @param held whether it is meant to be held for long, such as a parameter
 */
export function freeWhenDropped(tensor: Tensor, held = false): void {
  const known = tensor.watched;
  if (known !== null) {
    if (!held || (known.place < 0 && known.turn === 0)) return;
    unwatch(known);
  }
  const watched: Watched = { storage: tensor.storage, place: -1, turn: 0 };
  tensor.watched = watched;
  if (held) {
    register(tensor, watched);
    return;
  }
  watched.place = young.push(tensor) - 1;
  youngBytes += watched.storage.bytes;
  if (!turning) awaitTurn();
  if (young.length >= MOST_YOUNG || youngBytes >= MOST_YOUNG_BYTES) registerYoung(true);
}

/** Forgets a handle that was disposed. */
export function unwatch(watched: Watched): void {
  if (watched.place < 0) {
    registry.unregister(watched);
    count(watched, -1);
    return;
  }
  youngBytes -= watched.storage.bytes;
  const last = young.pop()!;
  if (last.watched === watched) return;
  young[watched.place] = last;
  last.watched!.place = watched.place;
}

/** Notes that a parameter has another storage now. */
export function moveWatched(watched: Watched, storage: Storage): void {
  if (watched.place >= 0) youngBytes += storage.bytes - watched.storage.bytes;
  else count(watched, -1);
  watched.storage = storage;
  if (watched.place < 0) count(watched, 1);
}

function register(tensor: Tensor, watched: Watched): void {
  watched.place = -1;
  registry.register(tensor, watched, watched);
  count(watched, 1);
}

function count({ storage: { device, bytes }, turn: since }: Watched, sign: 1 | -1): void {
  const { unscoped } = device;
  unscoped.handles += sign;
  unscoped.bytes += sign * bytes;
  if (since !== turn) return;
  unscoped.recent.handles += sign;
  unscoped.recent.bytes += sign * bytes;
}

/**
 * Gives each young handle a finalizer.
 * @param within whether the program is still in the turn of the event loop that made them
 */
export function registerYoung(within = false): void {
  const handles = young;
  young = [];
  youngBytes = 0;
  for (const tensor of handles) {
    const watched = tensor.watched!;
    watched.turn = turn;
    register(tensor, watched);
    touched.add(watched.storage.device);
  }
  if (!within) return;
  const line = handles.length < SEVERAL ? null : programLine();
  for (const { unscoped, name } of touched) {
    if (line !== null) unscoped.note(line);
    const { handles, bytes } = unscoped.recent;
    if (handles >= MANY || (bytes >= MANY_BYTES && handles >= SEVERAL)) unscoped.warn(name);
  }
}

/** When the event loop turns, all that the program dropped may come back. */
function awaitTurn(): void {
  turning = true;
  const timer: { unref?(): void } | number = setTimeout(() => {
    registerYoung();
    turning = false;
    for (const device of touched) {
      waited(device);
      device.relieve();
    }
    touched.clear();
  }, 0);
  // a program that has ended need not wait for it
  if (typeof timer === "object") timer.unref?.();
}

/** Notes that the program waits, so that finalizers may run: what comes now is counted anew. */
export function waited({ unscoped }: Device): void {
  if (unscoped.recent.handles === 0) return;
  turn++;
  unscoped.recent = { handles: 0, bytes: 0 };
}

/** Memory outside of the heap that makes engines collect. It is never touched, so the system gives none. */
const BALLAST = 2 ** 28;
/** An engine may put a collection off, but not so often. */
const MOST_TRIES = 8;

/** Has the engine collect what the program has dropped, and waits for the finalizers, which run between turns. */
export async function collect(): Promise<void> {
  // a collection that was under way keeps what it has seen before it was dropped: only the next one takes all
  for (let round = 0; round < 2; round++) {
    const witness: Witness = { collected: false };
    registry.register({}, witness);
    for (let tries = 0; tries < MOST_TRIES && !witness.collected; tries++) {
      try {
        new ArrayBuffer(BALLAST);
      } catch {
        // no address space: memory is short, and engines collect then anyway
      }
      await nextTurn();
    }
  }
  await nextTurn();
}

/** Where the program called into this library, as `at file:line`; null where all lines look like the library's. */
function programLine(): string | null {
  const frames = new Error().stack?.split("\n").slice(1) ?? [];
  const place = frames.map(
    (frame) => /(?:\(|@|at )((?:\w+:\/\/|\/|[A-Z]:\\)[^\s)]+:\d+):\d+\)?$/.exec(frame.trim())?.[1],
  );
  const own = place.find(
    (at) => at !== undefined && !/[\\/]@neurite[\\/]|[\\/]packages[\\/][\w-]+[\\/]src[\\/]/.test(at),
  );
  return own === undefined ? null : `at ${own}`;
}
