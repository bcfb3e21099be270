/** Files on disk, for Node. */
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { CheckpointError } from "@neurite/core";
import { expectBytes, expectText } from "@neurite/core/expect";
import { notFound, type Store } from "./store.js";

/** Files below a folder, which is made when the first file is written. */
export class FileStore implements Store {
  readonly root: string;

  constructor(root: string) {
    expectText("FileStore", "root", root);
    this.root = resolve(root);
  }

  async read(path: string): Promise<Uint8Array> {
    expectText("FileStore", "path", path);
    const full = join(this.root, path);
    try {
      return await readFile(full);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") throw notFound(full, error);
      throw failure("read", full, error);
    }
  }

  /** Writes beside the target, syncs to disk, then renames over it. */
  async write(path: string, bytes: Uint8Array): Promise<void> {
    expectText("FileStore", "path", path);
    expectBytes("FileStore", "bytes", bytes);
    const full = join(this.root, path);
    // one fixed name: what a killed process left behind is overwritten by the next write
    const draft = `${full}.tmp`;
    try {
      await mkdir(dirname(full), { recursive: true });
      const file = await open(draft, "w");
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, full);
      await syncFolder(dirname(full));
    } catch (error) {
      await rm(draft, { force: true }).catch(() => {});
      throw failure("write", full, error);
    }
  }

  locate(path: string): string {
    return join(this.root, path);
  }

  async exists(path: string): Promise<boolean> {
    return stat(join(this.root, path)).then(
      () => true,
      () => false,
    );
  }
}

/** Makes a rename survive a power cut; not every system can sync a folder. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(() => null);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

const REASONS: Record<string, string> = {
  ENOSPC: "Free space on the disk; an earlier file is still whole.",
  EACCES: "Check the permissions.",
  EROFS: "The file system is read-only; choose another folder.",
  EISDIR: "The path is a folder.",
};

function failure(op: string, path: string, cause: unknown): CheckpointError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new CheckpointError(
    { op, argument: path, expected: "to succeed", received: message, remedy: REASONS[code ?? ""] ?? "" },
    { cause },
  );
}
