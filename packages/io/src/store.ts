/** Where files live: a small interface, so that checkpoints work on disk, in memory and, later, in a browser. */
import { CheckpointError } from "@neurite/core";
import { badValue, expectBytes, expectText } from "@neurite/core/expect";

export interface Store {
  /** @throws CheckpointError when there is no such file */
  read(path: string): Promise<Uint8Array>;
  /** Replaces a file as a whole: afterwards, also after a crash, the path holds either all of the old bytes or all of the new. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** Where `path` is, for messages. */
  locate(path: string): string;
}

/** Throws unless `store` is one, and `path` the name of a file. */
export function expectPlace(op: string, store: unknown, path: unknown): void {
  const { read, write } = Object(store ?? {}) as Partial<Store>;
  if (typeof read !== "function" || typeof write !== "function") {
    throw badValue(op, "store", "a store of files", store, "Make one, such as new MemoryStore().");
  }
  expectText(op, "path", path);
}

/** Throws that `path` does not exist. */
export function notFound(path: string, cause?: unknown): CheckpointError {
  return new CheckpointError(
    {
      op: "read",
      argument: path,
      expected: "an existing file",
      received: "none",
      remedy: "Check the path.",
    },
    { cause },
  );
}

/** Bytes of their own. (`slice` of a Node `Buffer` is a view of it.) */
const copyOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

/** Files in memory. */
export class MemoryStore implements Store {
  readonly #files = new Map<string, Uint8Array>();

  async read(path: string): Promise<Uint8Array> {
    expectText("MemoryStore", "path", path);
    const bytes = this.#files.get(path);
    if (!bytes) throw notFound(path);
    return copyOf(bytes);
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    expectText("MemoryStore", "path", path);
    expectBytes("MemoryStore", "bytes", bytes);
    this.#files.set(path, copyOf(bytes));
  }

  async exists(path: string): Promise<boolean> {
    return this.#files.has(path);
  }

  locate(path: string): string {
    return path;
  }
}
