/** Starting workers, in Node and in browsers. */
import { UnsupportedError } from "@neurite/core";

/** What is needed of a worker of either kind. */
export interface WorkerHandle {
  /** Settles when the worker is ready for jobs. */
  readonly ready: Promise<void>;
  terminate(): unknown;
}

interface NodeWorker {
  once(event: string, listener: (value: unknown) => void): void;
  postMessage(message: unknown): void;
  terminate(): Promise<unknown>;
  unref(): void;
}

interface BrowserWorker {
  onmessage: ((event: unknown) => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
  postMessage(message: unknown): void;
  terminate(): void;
}

interface Globals {
  readonly process?: {
    getBuiltinModule?(name: string): { Worker: new (url: URL, options: object) => NodeWorker };
    readonly versions?: { readonly node?: string };
  };
  readonly Worker?: new (url: URL, options: object) => BrowserWorker;
  readonly crossOriginIsolated?: boolean;
  readonly SharedArrayBuffer?: unknown;
}

const globals = globalThis as unknown as Globals;

/** Throws where one memory cannot be shared between threads. */
export function expectSharedMemory(): void {
  if (globals.SharedArrayBuffer && (globals.process?.versions?.node || globals.crossOriginIsolated !== false)) return;
  throw new UnsupportedError({
    op: "workerThreads",
    argument: "page",
    expected: "a cross-origin isolated page, which alone may share memory between threads",
    received: "one that is not",
    remedy:
      "Serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, " +
      "or use @neurite/backend-wasm, which needs neither.",
  });
}

/** Starts a worker and hands it `message`. It does not keep the process alive. */
export function startWorker(message: unknown): WorkerHandle {
  const builtin = globals.process?.getBuiltinModule?.("node:worker_threads");
  return builtin ? startInNode(builtin.Worker, message) : startInBrowser(message);
}

function startInNode(Worker: new (url: URL, options: object) => NodeWorker, message: unknown): WorkerHandle {
  // flags of the process, such as a test runner's, are none of the worker's business
  const worker = new Worker(new URL("./worker.js", import.meta.url), { execArgv: [] });
  const ready = new Promise<void>((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error("the worker ended before it was ready")));
  });
  worker.postMessage(message);
  return {
    ready: ready.then(() => worker.unref()),
    terminate: () => worker.terminate(),
  };
}

function startInBrowser(message: unknown): WorkerHandle {
  const worker = new globals.Worker!(new URL("./worker.js", import.meta.url), { type: "module" });
  const ready = new Promise<void>((resolve, reject) => {
    worker.onmessage = () => resolve();
    worker.onerror = ({ message: reason }) => reject(new Error(reason ?? "the worker could not be loaded"));
  });
  worker.postMessage(message);
  return {
    ready,
    terminate: () => worker.terminate(),
  };
}
