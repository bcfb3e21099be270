/** Files on disk, for Node. */
import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join, resolve, sep } from "node:path";
import { CheckpointError, ValueError } from "@neurite/core";
import { expectBytes, expectText } from "@neurite/core/expect";
import { notFound, type Store } from "./store.js";

/** Files below a folder, which is made when the first file is written. */
export class FileStore implements Store {
  readonly root: string;

  constructor(root: string) {
    expectText("FileStore", "root", root);
    this.root = resolve(root);
  }

  /** @throws ValueError for a path that leads out of the folder */
  locate(path: string): string {
    expectText("FileStore", "path", path);
    const full = resolve(join(this.root, path));
    if (full.startsWith(this.root.endsWith(sep) ? this.root : this.root + sep)) return full;
    throw new ValueError({
      op: "FileStore",
      argument: "path",
      expected: `a file below ${this.root}`,
      received: JSON.stringify(path),
      remedy: "Make a store of the folder that the file is in.",
    });
  }

  async read(path: string): Promise<Uint8Array> {
    const full = this.locate(path);
    try {
      return await readFile(full);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") throw notFound(full, error);
      throw failure("read", full, error);
    }
  }

  /** Writes beside the target, syncs to disk, then renames over it: several writers at once each write a whole file. */
  async write(path: string, bytes: Uint8Array): Promise<void> {
    const full = this.locate(path);
    expectBytes("FileStore", "bytes", bytes);
    const draft = draftOf(full);
    try {
      await makeFolder(dirname(full));
      await removeStaleDrafts(full);
      // never an existing file, nor what a link points to
      const file = await open(draft, "wx");
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

  async exists(path: string): Promise<boolean> {
    return stat(this.locate(path)).then(
      () => true,
      () => false,
    );
  }
}

const HOST = hostname().replace(/\W/g, "");

/** Each write has a draft of its own, which tells by whom it is. */
function draftOf(file: string): string {
  return `${file}.${HOST}-${process.pid}-${randomUUID().slice(0, 8)}.tmp`;
}

/** A draft of another machine's is left alone for so long, in ms. */
const ABANDONED = 24 * 60 * 60 * 1000;

/** Removes the drafts of a file whose writers were killed. */
async function removeStaleDrafts(file: string): Promise<void> {
  const folder = dirname(file);
  const start = `${basename(file)}.`;
  for (const name of await readdir(folder)) {
    const [, host, pid] = (name.startsWith(start) && /^(\w*)-(\d+)-\w+\.tmp$/.exec(name.slice(start.length))) || [];
    if (pid === undefined) continue;
    const draft = join(folder, name);
    const stale = host === HOST ? !isRunning(Number(pid)) : await isOlder(draft, ABANDONED);
    if (stale) await rm(draft, { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // it runs, as somebody else
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function isOlder(path: string, age: number): Promise<boolean> {
  const written = await stat(path).catch(() => null);
  return written !== null && Date.now() - written.mtimeMs > age;
}

/**
 * Makes a folder and those above it. Node's own `recursive` tries for ever where a folder can't be made though the one above
 * it exists, as in /proc, and calls a folder that may not be written missing.
 */
async function makeFolder(path: string): Promise<void> {
  const missing: string[] = [];
  let folder = resolve(path);
  for (;;) {
    const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    if (found?.isDirectory()) break;
    if (found) throw Object.assign(new Error(`${folder} is a file`), { code: "ENOTDIR" });
    missing.push(folder);
    folder = dirname(folder);
  }
  for (const one of missing.reverse()) {
    try {
      await mkdir(one);
    } catch (error) {
      // somebody else may have made it meanwhile
      if ((error as NodeJS.ErrnoException).code === "EEXIST") continue;
      throw error;
    }
  }
}

/**
 * Makes a file, with its folder, if there is none, so that a place that can't be written is found before the work whose result it
 * is for.
 * @throws CheckpointError that says why it cannot be written
 */
export async function prepareFile(path: string): Promise<void> {
  expectText("prepareFile", "path", path);
  const full = resolve(path);
  try {
    await makeFolder(dirname(full));
    await (await open(full, "a")).close();
  } catch (error) {
    throw failure("write", full, error);
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
  EFBIG: "The file is larger than the system allows; an earlier one is still whole.",
  EACCES: "Check the permissions of the folder.",
  EPERM: "Check the permissions of the folder.",
  EROFS: "The file system is read-only; choose another folder.",
  EISDIR: "The path is a folder; choose a file.",
  ENOTDIR: "A part of the path is a file; choose another folder.",
  ENOENT: "No folder can be made there; choose another.",
};

function failure(op: "read" | "write", path: string, cause: unknown): CheckpointError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new CheckpointError(
    {
      op,
      argument: path,
      expected: `a file that can be ${op === "read" ? "read" : "written"}`,
      received: message,
      remedy: REASONS[code ?? ""] ?? "",
    },
    { cause },
  );
}
